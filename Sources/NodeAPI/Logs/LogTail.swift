import Base
import CLinux

/// Finds where the last lines of a log begin, reading backwards from its end.
enum LogTail {
    /// Where to begin: a segment's index and the offset in it.
    struct Start: Equatable {
        var segment: Int
        var offset: Int64
    }

    /// - Parameter lines: lines of the container: entries that a partial one goes on into count once.
    static func start(of lines: Int, in segments: [LogFiles.Segment]) throws(SystemError) -> Start {
        var counter = Counter(wanted: lines)
        for index in segments.indices.reversed() {
            if let offset = try scan(segments[index], &counter) { return Start(segment: index, offset: offset) }
        }
        return Start(segment: 0, offset: 0)
    }

    /// Counts entries from the last to the first.
    private struct Counter {
        var wanted: Int
        private var seen = 0

        init(wanted: Int) { self.wanted = wanted }

        /// Takes the next earlier entry; true when it belongs to a line that is not wanted any more.
        mutating func isBeyond(_ line: ArraySlice<UInt8>) -> Bool {
            guard let entry = LogEntry(line) else { return false }
            // A whole entry ends a line. The newest entry may be partial: the line it begins counts as well.
            if !entry.isPartial || seen == 0 { seen += 1 }
            return seen > wanted
        }
    }

    /// The offset after the entry that is beyond; nil when the whole segment is wanted.
    private static func scan(_ segment: LogFiles.Segment, _ counter: inout Counter) throws(SystemError) -> Int64? {
        let blockSize: Int64 = 64 << 10
        var end = try segment.size()
        // Bytes from `end` on that belong to a line whose beginning has not been read.
        var tail: [UInt8] = []
        // The end of the file may hold the beginning of a line that is being written: it is no entry yet.
        var isFirstLine = true
        while end > 0 {
            let begin = max(0, end - blockSize)
            let block = try read(segment, begin, Int(end - begin)) + tail
            var lineEnd = block.count
            var i = min(Int(end - begin), block.count)
            while i > 0 {
                i -= 1
                guard block[i] == 0x0A else { continue }
                if !isFirstLine, counter.isBeyond(block[(i + 1)..<lineEnd]) {
                    return begin + Int64(lineEnd) + 1
                }
                isFirstLine = false
                lineEnd = i
            }
            tail = lineEnd > LogFormatter.longestLine ? [] : Array(block[..<lineEnd])
            end = begin
        }
        if !isFirstLine, counter.isBeyond(tail[...]) { return Int64(tail.count) + 1 }
        return nil
    }

    private static func read(_ segment: LogFiles.Segment, _ offset: Int64, _ count: Int) throws(SystemError) -> [UInt8]
    {
        var buffer = [UInt8](repeating: 0, count: count)
        let raw = segment.file.raw
        let n = try retrying("pread", "log file") {
            buffer.withUnsafeMutableBytes { pread(raw, $0.baseAddress, $0.count, off_t(offset)) }
        }
        if n < count { buffer.removeLast(count - n) }
        return buffer
    }
}
