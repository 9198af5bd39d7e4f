import Base
import CLinux

/// What the cloned child keeps of its parent: the status pipe, the terminal socket and the three streams, by number.
/// The child is a copy of its parent whose values must not close what the numbers now mean, so it holds plain numbers
/// and never returns.
struct ChildChannel {
    let status: StatusPipe
    let terminal: Int32
    private(set) var emptyStreams: [Int32] = []

    init(status: Int32, terminal: Int32) {
        self.status = StatusPipe(raw: status)
        self.terminal = terminal
    }

    /// Puts the streams at 0, 1 and 2 and closes everything else but `keep`.
    mutating func takeOver(_ streams: [SharedDescriptor?], keep: [Int32]) throws(SystemError) {
        var sources: [Int32] = []
        for stream in streams {
            if let stream {
                // Out of the way of 0, 1 and 2.
                sources.append(try retrying("dup", "a stream") { swl_fcntl(stream.raw, F_DUPFD_CLOEXEC, 3) })
            } else {
                sources.append(-1)
            }
        }
        for (number, source) in sources.enumerated() {
            let target = Int32(number)
            if source >= 0 {
                try retrying("dup2", "a stream") { dup2(source, target) }
            } else {
                // Holds the number until the container's own null device takes it.
                emptyStreams.append(target)
                let null = try retrying("open", "/dev/null") { swl_open("/dev/null", O_RDWR, 0) }
                try retrying("dup2", "/dev/null") { dup2(null, target) }
            }
        }
        var next: UInt32 = 3
        for kept in (keep + [status.raw, terminal]).filter({ $0 >= 3 }).map({ UInt32($0) }).sorted() {
            if kept > next { _ = swl_close_range(next, kept - 1, 0) }
            next = max(next, kept + 1)
        }
        _ = swl_close_range(next, UInt32.max, 0)
    }
}
