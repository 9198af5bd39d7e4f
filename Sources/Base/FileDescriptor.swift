import CLinux

/// An open file descriptor that closes itself.
public struct FileDescriptor: ~Copyable, Sendable {
    /// The number, for a call made while this value is alive. It never outlives the value.
    public let raw: Int32

    /// Takes over `raw`, which must be open and owned by nobody else.
    public init(adopting raw: Int32) { self.raw = raw }

    deinit { _ = CLinux.close(raw) }

    /// Gives the number up without closing it: to a call that takes it over.
    public consuming func release() -> Int32 {
        let raw = self.raw
        discard self
        return raw
    }

    /// A second, close-on-exec descriptor of the same open file.
    public borrowing func duplicate() throws(SystemError) -> FileDescriptor {
        let raw = self.raw
        return FileDescriptor(
            adopting: try retrying("duplicate", "fd \(raw)") { swl_fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    /// Turns O_NONBLOCK on.
    public borrowing func setNonBlocking() throws(SystemError) {
        let raw = self.raw
        let flags = try retrying("fcntl", "fd \(raw)") { swl_fcntl(raw, F_GETFL, 0) }
        try retrying("fcntl", "fd \(raw)") { swl_fcntl(raw, F_SETFL, Int(flags | O_NONBLOCK)) }
    }
}

/// A reference to a descriptor, for places where a `~Copyable` value cannot stand (dictionaries, escaping closures).
/// It is closed when the last reference is gone.
public final class SharedDescriptor: Sendable {
    public let descriptor: FileDescriptor
    public init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    public var raw: Int32 { descriptor.raw }
}
