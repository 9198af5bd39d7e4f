import Base
import TestSupport
import Testing

@testable import PodSupervisor

struct LogFormatterTests {
    private let time = Timestamp(nanoseconds: 1_767_225_600_123_456_789)
    private let prefix = "2026-01-01T00:00:00.123456789Z stdout "

    /// What becomes of `chunks`, with a composing area of `room` bytes.
    private func lines(_ chunks: [[UInt8]], room: Int = Scratch.outputSize) -> [String] {
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 16)
        defer { scratch.deallocate() }
        var formatter = LogFormatter(.output)
        var out: [UInt8] = []
        for chunk in chunks {
            chunk.withUnsafeBytes { formatter.add($0, at: time, using: scratch) { out += $0 } }
        }
        formatter.finish(at: time, using: scratch) { out += $0 }
        return String(decoding: out, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    @Test func aLineIsWrittenInTheCRIFormat() {
        #expect(lines([Array("hello\n\nworld\n".utf8)]) == [prefix + "F hello", prefix + "F ", prefix + "F world"])
    }

    @Test func aLineWaitsForItsEnd() {
        #expect(
            lines([Array("he".utf8), Array("llo\nwo".utf8), Array("rld".utf8)]) == [
                prefix + "F hello", prefix + "F world",
            ])
    }

    @Test func aLongLineIsCutIntoPartialOnes() {
        let long = [UInt8](repeating: 0x61, count: 40_000)
        let result = lines([long + [0x0A]])
        #expect(result.map { String($0.dropFirst(prefix.count).first ?? "?") } == ["P", "P", "F"])
        #expect(result.map { $0.utf8.count - 40 } == [16384, 16384, 7232])
    }

    @Test func aLineOfExactlyTheLargestLengthIsWhole() {
        let line = [UInt8](repeating: 0x61, count: LogFormatter.maximumContent)
        #expect(lines([line, [0x0A, 0x62]]).map { $0.utf8.count - 40 } == [16384, 1])
    }

    @Test func nothingIsLostHoweverTheOutputIsCut() {
        for seed in 1...30 as ClosedRange<UInt64> {
            var random = SplitMix(seed)
            var chunks: [[UInt8]] = []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                // Lines of all lengths, and now and then a piece that ends in the middle of one.
                var chunk: [UInt8] = []
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let length = Int.random(in: 0...(Bool.random(using: &random) ? 60 : 20_000), using: &random)
                    chunk += repeatElement(0x78, count: length)
                    if Int.random(in: 0..<4, using: &random) > 0 { chunk.append(0x0A) }
                }
                chunks.append(chunk)
            }
            var text = ""
            for line in lines(chunks) {
                #expect(line.hasPrefix(prefix))
                let rest = line.dropFirst(prefix.count)
                text += rest.dropFirst(2)
                if rest.first == "F" { text += "\n" }
            }
            var expected = chunks.flatMap { $0 }
            if expected.last != 0x0A { expected.append(0x0A) }
            #expect(Array(text.utf8) == expected, "seed \(seed)")
        }
    }
}
