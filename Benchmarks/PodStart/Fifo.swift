import Base
import CLinux

/// The named pipe through which a container tells when its first instruction ran.
struct Fifo: ~Copyable {
    private let descriptor: FileDescriptor

    /// Makes the pipe at `path` unless it is there.
    init(_ path: String) throws {
        if !Files.exists(path), mkfifo(path, 0o666) != 0 { throw SystemError("mkfifo", path) }
        // Open for both: no end of file between two containers.
        descriptor = try FileDescriptor.open(path, O_RDWR | O_NONBLOCK)
    }

    /// Waits for the next container's time.
    func next(within timeout: Nanoseconds) throws -> BootInstant {
        var wanted = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, Int32(clamping: timeout.count / 1_000_000)) == 1 else {
            throw Problem("no container started within \(timeout)")
        }
        var time: (Int64, Int64) = (0, 0)
        let count = try withUnsafeMutableBytes(of: &time) { try descriptor.read(into: $0) }
        guard count == 16 else { throw Problem("the container wrote \(count ?? 0) bytes in place of 16") }
        return BootInstant(nanoseconds: time.0 * 1_000_000_000 + time.1)
    }
}
