import Base
import CLinux

/// Turns a container's output into lines of the CRI log format, `<time> stdout|stderr P|F <content>`. Lines longer than
/// 16 KiB are cut into partial (`P`) ones. An unfinished line is kept until its end comes.
struct LogFormatter {
    /// The most bytes of content in a line.
    static let maximumContent = 16 * 1024
    private static let prefixLength = 40

    enum Stream: Sendable {
        case output
        case error
    }

    private let word: StaticString
    private var pending: [UInt8] = []

    init(_ stream: Stream) {
        word =
            switch stream {
            case .output: " stdout "
            case .error: " stderr "
            }
    }

    /// Composes the lines of `bytes` in `scratch` and hands them on in as few pieces as fit there.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer, at time: Timestamp, using scratch: UnsafeMutableRawBufferPointer,
        _ write: (UnsafeRawBufferPointer) -> Void
    ) {
        let stamp = time.rfc3339Nano
        var used = 0
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let room = Self.maximumContent - pending.count
            let end = memchr(base, 0x0A, min(rest.count, room + 1)).map { UnsafeRawPointer($0) - base }
            if let end {
                put(stamp, UInt8(ascii: "F"), UnsafeRawBufferPointer(rebasing: rest[..<end]), scratch, &used, write)
                rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            } else if rest.count > room {
                put(stamp, UInt8(ascii: "P"), UnsafeRawBufferPointer(rebasing: rest[..<room]), scratch, &used, write)
                rest = UnsafeRawBufferPointer(rebasing: rest[room...])
            } else {
                pending.append(contentsOf: rest)
                break
            }
        }
        if used > 0 { write(UnsafeRawBufferPointer(rebasing: scratch[..<used])) }
    }

    /// Ends the stream: an unfinished line is a full one.
    mutating func finish(
        at time: Timestamp, using scratch: UnsafeMutableRawBufferPointer, _ write: (UnsafeRawBufferPointer) -> Void
    ) {
        guard !pending.isEmpty else { return }
        var used = 0
        put(time.rfc3339Nano, UInt8(ascii: "F"), UnsafeRawBufferPointer(start: nil, count: 0), scratch, &used, write)
        if used > 0 { write(UnsafeRawBufferPointer(rebasing: scratch[..<used])) }
    }

    /// One line: what is pending and `content`.
    private mutating func put(
        _ stamp: [UInt8], _ tag: UInt8, _ content: UnsafeRawBufferPointer, _ scratch: UnsafeMutableRawBufferPointer,
        _ used: inout Int, _ write: (UnsafeRawBufferPointer) -> Void
    ) {
        let length = Self.prefixLength + pending.count + content.count + 1
        if used + length > scratch.count {
            write(UnsafeRawBufferPointer(rebasing: scratch[..<used]))
            used = 0
        }
        func copy(_ bytes: UnsafeRawBufferPointer) {
            guard let from = bytes.baseAddress, let to = scratch.baseAddress else { return }
            memcpy(to + used, from, bytes.count)
            used += bytes.count
        }
        stamp.withUnsafeBytes { copy($0) }
        word.withUTF8Buffer { copy(UnsafeRawBufferPointer($0)) }
        scratch[used] = tag
        scratch[used + 1] = UInt8(ascii: " ")
        used += 2
        if !pending.isEmpty {
            pending.withUnsafeBytes { copy($0) }
            pending = []
        }
        copy(content)
        scratch[used] = 0x0A
        used += 1
    }
}
