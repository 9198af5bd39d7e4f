import Base
import CLinux

/// Kinds of namespaces, with the kernel's bits.
public struct Namespaces: OptionSet, Sendable, Hashable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static let mount = Namespaces(rawValue: 0x0002_0000)
    public static let cgroup = Namespaces(rawValue: 0x0200_0000)
    public static let uts = Namespaces(rawValue: 0x0400_0000)
    public static let ipc = Namespaces(rawValue: 0x0800_0000)
    public static let user = Namespaces(rawValue: 0x1000_0000)
    public static let pid = Namespaces(rawValue: 0x2000_0000)
    public static let network = Namespaces(rawValue: 0x4000_0000)

    /// Moves this thread to new ones. The pid namespace is that of later children.
    public func unshare() throws(SystemError) {
        try retrying("unshare", "namespaces 0x\(String(rawValue, radix: 16))") { swl_unshare(Int32(rawValue)) }
    }

    /// Moves this thread to those of a process, given by its pidfd, in one step.
    public func enter(of pidfd: borrowing FileDescriptor, name: String) throws(SystemError) {
        let raw = pidfd.raw
        try retrying("enter the namespaces of", name) { swl_setns(raw, Int32(rawValue)) }
    }

    /// Ends all propagation of mounts between this thread's (new) mount namespace and others.
    public static func makeMountsPrivate() throws(SystemError) {
        try retrying("make private the mounts below", "/") {
            CLinux.mount(nil, "/", nil, UInt(MS_REC) | UInt(MS_PRIVATE), nil)
        }
    }
}
