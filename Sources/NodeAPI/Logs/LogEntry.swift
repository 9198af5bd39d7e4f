import Base

/// One line of a log file in the CRI format: `<RFC 3339 time> <stdout|stderr> <tags> <content>`.
struct LogEntry: Sendable, Equatable {
    enum Stream: Sendable { case standardOutput, standardError }

    /// The time as it is written, for printing.
    var time: ArraySlice<UInt8>
    var stream: Stream
    /// The line of the container goes on in the next entry (tag `P`).
    var isPartial: Bool
    var content: ArraySlice<UInt8>

    /// Reads a line without its end; nil when it is none of the format, which happens after a crash of the machine.
    init?(_ line: ArraySlice<UInt8>) {
        guard let a = line.firstIndex(of: 0x20), a - line.startIndex >= 20, a - line.startIndex <= 40 else {
            return nil
        }
        let afterTime = line[(a + 1)...]
        guard let b = afterTime.firstIndex(of: 0x20) else { return nil }
        if afterTime[..<b].elementsEqual("stdout".utf8) {
            stream = .standardOutput
        } else if afterTime[..<b].elementsEqual("stderr".utf8) {
            stream = .standardError
        } else {
            return nil
        }
        let afterStream = afterTime[(b + 1)...]
        let c = afterStream.firstIndex(of: 0x20) ?? afterStream.endIndex
        // Tags are separated by colons; the first says whether the line is whole.
        let tag = afterStream[..<c].prefix { $0 != UInt8(ascii: ":") }
        guard tag.count == 1, tag.first == UInt8(ascii: "F") || tag.first == UInt8(ascii: "P") else { return nil }
        time = line[..<a]
        isPartial = tag.first == UInt8(ascii: "P")
        content = c == afterStream.endIndex ? afterStream[c...] : afterStream[(c + 1)...]
    }

    /// The moment the line was written.
    var timestamp: Timestamp? { Timestamp(rfc3339: String(decoding: time, as: UTF8.self)) }
}
