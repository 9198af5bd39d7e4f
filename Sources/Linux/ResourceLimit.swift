import Base
import CLinux

/// A resource limit of this process.
public struct ResourceLimit: Sendable, Hashable {
    /// `RLIMIT_NOFILE`.
    public let name: String
    private let number: Int32

    private static let names = [
        "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING",
        "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
    ]

    /// Nil for a name that the kernel does not have.
    public init?(name: String) {
        guard name.hasPrefix("RLIMIT_"), let index = Self.names.firstIndex(of: String(name.dropFirst(7))) else {
            return nil
        }
        self.name = name
        number = Int32(index)
    }

    /// The limits in force.
    public func current() throws(SystemError) -> (soft: UInt64, hard: UInt64) {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        try retrying("read", name) { swl_getrlimit(number, &soft, &hard) }
        return (soft, hard)
    }

    /// - Throws: `SystemError`; EPERM when the hard limit would be raised without CAP_SYS_RESOURCE.
    public func set(soft: UInt64, hard: UInt64) throws(SystemError) {
        try retrying("set", "\(name) to \(soft):\(hard)") { swl_setrlimit(number, soft, hard) }
    }
}
