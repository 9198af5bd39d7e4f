import Base

/// Turns the bytes of a log file, in whatever pieces they come, into what the reader wants to see.
struct LogFormatter: Sendable {
    /// Longer lines are none that the supervisor writes; they are skipped.
    static let longestLine = 256 << 10

    private let options: LogOptions
    /// The beginning of a line whose end has not come yet.
    private var rest: [UInt8] = []
    private var isSkippingLongLine = false
    /// The next entry begins a line of the container.
    private var isLineStart = true
    private var left: Int64

    /// `limitBytes` is used up.
    var isExhausted: Bool { left == 0 }

    init(_ options: LogOptions) {
        self.options = options
        left = options.limitBytes ?? .max
    }

    /// The output for the next bytes of the file.
    mutating func format(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        var input = bytes
        while let end = input.firstIndex(of: 0x0A) {
            if isSkippingLongLine {
                isSkippingLongLine = false
            } else if rest.isEmpty {
                write(input[..<end], into: &out)
            } else {
                rest.append(contentsOf: input[..<end])
                write(rest[...], into: &out)
                rest.removeAll(keepingCapacity: true)
            }
            input = input[(end + 1)...]
        }
        if !isSkippingLongLine {
            rest.append(contentsOf: input)
            if rest.count > Self.longestLine {
                rest = []
                isSkippingLongLine = true
            }
        }
        return limited(out)
    }

    /// Tells that another file follows: what has no end there will not get one.
    mutating func startFile() {
        rest.removeAll(keepingCapacity: true)
        isSkippingLongLine = false
    }

    private mutating func write(_ line: ArraySlice<UInt8>, into out: inout [UInt8]) {
        guard let entry = LogEntry(line) else { return }
        if let stream = options.stream, stream != entry.stream { return }
        if let since = options.since, let time = entry.timestamp, time < since { return }
        if options.timestamps, isLineStart {
            out.append(contentsOf: entry.time)
            out.append(0x20)
        }
        out.append(contentsOf: entry.content)
        if !entry.isPartial { out.append(0x0A) }
        isLineStart = !entry.isPartial
    }

    private mutating func limited(_ out: [UInt8]) -> [UInt8] {
        if Int64(out.count) <= left {
            if options.limitBytes != nil { left -= Int64(out.count) }
            return out
        }
        let part = Array(out.prefix(Int(clamping: left)))
        left = 0
        return part
    }
}
