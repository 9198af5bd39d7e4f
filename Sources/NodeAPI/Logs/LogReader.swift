import Base
import CLinux

/// Reads the log of a container: the rotated files and the current one of an attempt, and when it is followed what
/// comes after them. Nothing is read ahead: memory stays at one piece, however large the log.
final class LogReader {
    private(set) var source: LogSource
    private let options: LogOptions
    private var formatter: LogFormatter
    /// What is read now and what follows it.
    private var segments: [LogFiles.Segment] = []
    private var offset: Int64 = 0
    /// The attempt that `segments` belong to.
    private var attempt: Int

    /// - Throws: `SystemError` when the files cannot be read. A log that does not exist yet is an empty one.
    init(_ source: LogSource, _ options: LogOptions) throws(SystemError) {
        self.source = source
        self.options = options
        formatter = LogFormatter(options)
        attempt = source.attempt
        segments = try LogFiles.segments(folder: source.folder, attempt: attempt)
        guard let lines = options.tailLines, !segments.isEmpty else { return }
        let start = try LogTail.start(of: lines, in: segments)
        segments.removeFirst(start.segment)
        offset = start.offset
    }

    /// Tells what is known of the log now: a new attempt, or its end.
    func update(_ source: LogSource) { self.source = source }

    /// What `next` found.
    enum Piece: Equatable {
        case bytes([UInt8])
        /// Nothing more now. More will come only when the log is followed.
        case nothingYet
        case end
    }

    /// The next piece for the reader of the log, at most about 64 KiB.
    func next() throws(SystemError) -> Piece {
        // Bounded: pieces of which nothing is wanted are passed over, but the loop's other work gets its turn.
        for _ in 0..<64 {
            if formatter.isExhausted { return .end }
            guard let segment = segments.first else {
                if try advance() { continue }
                return isAtEnd ? .end : .nothingYet
            }
            let bytes = try read(segment)
            if !bytes.isEmpty {
                let out = formatter.format(bytes[...])
                if !out.isEmpty { return .bytes(out) }
            } else if try !advance() {
                return isAtEnd ? .end : .nothingYet
            }
        }
        return .bytes([])
    }

    private var isAtEnd: Bool { !options.follows || source.isComplete && attempt >= source.attempt }

    private func read(_ segment: LogFiles.Segment) throws(SystemError) -> [UInt8] {
        let position = off_t(offset)
        let raw = segment.file.raw
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let n = try retrying("pread", "log file") {
            bytes.withUnsafeMutableBytes { pread(raw, $0.baseAddress, $0.count, position) }
        }
        offset += Int64(n)
        bytes.removeLast(bytes.count - n)
        return bytes
    }

    /// Goes on to the next file; false when there is none.
    private func advance() throws(SystemError) -> Bool {
        if segments.count > 1 {
            startNext { $0.removeFirst() }
            return true
        }
        guard options.follows else { return false }
        if let current = segments.first {
            if let next = try LogFiles.next(after: current.inode, folder: source.folder, attempt: attempt) {
                // Everything written before the rename is there by now; one more look, then never again.
                guard try current.size() <= offset else { return true }
                startNext { $0 = [next] }
                return true
            }
            // The current file was cut in place.
            if try current.size() < offset {
                offset = 0
                formatter.startFile()
                return true
            }
        } else {
            let found = try LogFiles.segments(folder: source.folder, attempt: attempt)
            if !found.isEmpty {
                startNext { $0 = found }
                return true
            }
        }
        return try advanceAttempt()
    }

    /// Goes on to the next attempt that has a log, when the container was restarted.
    private func advanceAttempt() throws(SystemError) -> Bool {
        guard attempt < source.attempt else { return false }
        // After a long pause many attempts may have come and gone; only those that still have files are looked at.
        for candidate in max(attempt + 1, source.attempt - 64)...source.attempt {
            let found = try LogFiles.segments(folder: source.folder, attempt: candidate)
            guard !found.isEmpty || candidate == source.attempt else { continue }
            attempt = candidate
            startNext { $0 = found }
            return !found.isEmpty
        }
        return false
    }

    private func startNext(_ change: (inout [LogFiles.Segment]) -> Void) {
        change(&segments)
        offset = 0
        formatter.startFile()
    }
}
