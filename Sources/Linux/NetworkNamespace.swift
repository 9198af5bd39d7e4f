import Base
import CLinux

/// A network namespace held open. It lives at least as long as the value.
public struct NetworkNamespace: ~Copyable {
    /// Of the nsfs file.
    public let descriptor: FileDescriptor
    private let name: String
    /// Of the nsfs: two values stand for one namespace when these are the same.
    private let device: dev_t
    private let inode: ino_t

    /// Opens the one at `path`, a mount or a link in /proc.
    ///
    /// - Throws: `SystemError`; ENOENT also for an empty file, which is what is left when the mount is gone; EINVAL for
    ///   what is no network namespace.
    public init(path: String) throws(SystemError) {
        // Not blocking: a FIFO there must not hold us.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        let raw = file.raw
        let status = try file.status(name: path)
        guard swl_filesystem_magic(raw) == Int64(NSFS_MAGIC) else {
            let isLeftover = swl_is_regular(status.st_mode) && status.st_size == 0
            throw SystemError("find a network namespace at", path, isLeftover ? .noEntry : .invalid)
        }
        let type = try retrying("get the type of namespace", path) { swl_namespace_type(raw) }
        guard Namespaces(rawValue: UInt64(type)) == .network else {
            throw SystemError("find a network namespace at", path, .invalid)
        }
        descriptor = file
        name = path
        device = status.st_dev
        inode = status.st_ino
    }

    /// Makes a network namespace with `lo` up that lives until `remove(at:)`, held by a mount on the file `path`. Low
    /// ports and ping need no privileges in it, as in the pods of containerd.
    ///
    /// - Throws: `SystemError`; EEXIST when there is such a file.
    public static func create(at path: String) throws(SystemError) {
        // Closed at once: it is only what is mounted on.
        _ = try FileDescriptor.open(path, O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o444)
        var step: Int32 = 0
        guard swl_make_network_namespace(path, &step) != 0 else { return }
        let failure = Errno.current
        _ = unlink(path)
        let steps = [
            "start a thread for", "unshare", "set up lo of", "write the settings of", "mount",
        ]
        throw SystemError(steps[Int(step)], "network namespace \(path)", failure)
    }

    /// Unmounts the namespace at `path` and removes the file. It goes when no process is in it any more. Nothing
    /// happens where there is none.
    public static func remove(at path: String) throws(SystemError) {
        while umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 {}
        let failure = Errno.current
        guard failure == .invalid || failure == .noEntry else {
            throw SystemError("unmount", "network namespace \(path)", failure)
        }
        try Files.remove(path)
    }

    /// This thread's.
    public static func current() throws(SystemError) -> NetworkNamespace {
        try NetworkNamespace(path: "/proc/thread-self/ns/net")
    }

    public borrowing func isSame(as other: borrowing NetworkNamespace) -> Bool {
        device == other.device && inode == other.inode
    }

    /// Moves this thread into it.
    public borrowing func enter() throws(SystemError) {
        let raw = descriptor.raw
        try retrying("enter the network namespace", name) { swl_setns(raw, Int32(Namespaces.network.rawValue)) }
    }
}
