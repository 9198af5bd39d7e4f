import PodProtocol
import TestSupport
import Testing

struct FrameTests {
    @Test func framesSurviveAnyCuttingOfTheStream() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var random = SplitMix(seed)
            let frames = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                Frame(
                    .init(rawValue: .random(in: 0...255, using: &random)),
                    (0..<Int.random(in: 0...600, using: &random)).map { _ in .random(in: 0...255, using: &random) })
            }
            var stream = frames.flatMap(\.bytes)[...]
            var decoder = FrameDecoder()
            var received: [Frame] = []
            while !stream.isEmpty {
                let piece = stream.prefix(Int.random(in: 1...700, using: &random))
                stream = stream.dropFirst(piece.count)
                decoder.append(Array(piece))
                while let frame = try decoder.next() { received.append(frame) }
            }
            #expect(received == frames, "seed \(seed)")
            #expect(decoder.pendingCount == 0)
        }
    }

    @Test func randomBytesNeverCrashAndNeverGrowBeyondAFrame() {
        for seed in 1...500 as ClosedRange<UInt64> {
            var random = SplitMix(seed)
            var decoder = FrameDecoder()
            decode: for _ in 0..<50 {
                var bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                // Small lengths, so that frames do come about.
                if bytes.count > 3, Bool.random(using: &random) { bytes.replaceSubrange(0..<3, with: [0, 0, 0]) }
                decoder.append(bytes)
                while true {
                    do {
                        guard let frame = try decoder.next() else { break }
                        #expect(frame.payload.count < Frame.maximumLength)
                        _ = try? Message(frame.payload)
                    } catch {
                        #expect(error.length == 0 || error.length > Frame.maximumLength)
                        break decode
                    }
                }
                #expect(decoder.pendingCount <= Frame.maximumLength + 4)
            }
        }
    }

    @Test func damagedMessagesNeverCrash() throws {
        let text = Array(
            #"{"type":"start","id":2,"container":"web","attempt":0,"containerID":"x","spec":{},"root":{"directory":"/"},"user":{"uid":1,"groups":[1]},"log":{"path":"/l"},"stopSignal":15}"#
                .utf8)
        for seed in 1...2000 as ClosedRange<UInt64> {
            var random = SplitMix(seed)
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[at] = .random(in: 32...126, using: &random)
                } else {
                    bytes.remove(at: at)
                }
            }
            _ = try? Message(bytes)
        }
    }

    @Test(arguments: [[0, 0, 0, 0, 0], [0, 0x40, 0, 1, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0]] as [[UInt8]])
    func lengthsThatCannotBeAreRefusedAtOnce(_ bytes: [UInt8]) {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        #expect(throws: FrameDecoder.Failure.self) { try decoder.next() }
    }

    @Test func theLargestFrameIsAccepted() throws {
        var decoder = FrameDecoder()
        let frame = Frame(.standardOutput, [UInt8](repeating: 7, count: Frame.maximumLength - 1))
        decoder.append(frame.bytes)
        #expect(try decoder.next() == frame)
        #expect(Frame.fits(Frame.maximumLength - 1) && !Frame.fits(Frame.maximumLength))
    }
}
