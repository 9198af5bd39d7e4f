import Base
import CLinux

/// The end of a container's log, as the message of one that failed and left none.
enum LastLogLines {
    /// The kubelet's.
    static let byteLimit = 2048
    static let lineLimit = 80

    /// The last lines of a log file in the CRI format, both streams together, without their times; nil when there are
    /// none. What it was before it was rotated last is not looked at.
    static func read(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
            let status = try? file.status(name: path), swl_is_regular(status.st_mode)
        else { return nil }
        // An entry has at most 16 KiB of a line: more than this is not needed for the last 2 KiB.
        let most: off_t = 64 << 10
        guard lseek(file.raw, max(0, status.st_size - most), SEEK_SET) >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(min(status.st_size, most)))
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 else { return nil }
        return text(bytes[..<count])
    }

    /// The text of the last entries of `log`.
    static func text(_ log: ArraySlice<UInt8>) -> String? {
        var text: [UInt8] = []
        var lines = 0
        for line in log.split(separator: 0x0A).reversed() {
            guard let (content, isPartial) = entry(line) else { continue }
            // A whole entry ends a line, and so does the last one.
            if !isPartial || lines == 0 { lines += 1 }
            if lines > lineLimit || text.count >= byteLimit { break }
            text = Array(content) + (isPartial ? [] : [0x0A]) + text
        }
        return text.isEmpty ? nil : String(decoding: text.suffix(byteLimit), as: UTF8.self)
    }

    /// `<time> <stream> <P|F>[:tags] <content>`
    private static func entry(_ line: ArraySlice<UInt8>) -> (content: ArraySlice<UInt8>, isPartial: Bool)? {
        let parts = line.split(separator: 0x20, maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].count >= 20 else { return nil }
        guard parts[1].elementsEqual("stdout".utf8) || parts[1].elementsEqual("stderr".utf8) else { return nil }
        switch parts[2].first {
        case UInt8(ascii: "F"): return (parts.count > 3 ? parts[3] : [], false)
        case UInt8(ascii: "P"): return (parts.count > 3 ? parts[3] : [], true)
        default: return nil
        }
    }
}
