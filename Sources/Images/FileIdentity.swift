import Base
import CLinux

/// Which content stands at a path, told without reading it.
public struct FileIdentity: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    public var size: Int64
    /// Nanoseconds since 1970.
    public var modified: Int64

    public init(device: UInt64, inode: UInt64, size: Int64, modified: Int64) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
    }

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
    }

    /// Nil when nothing is there.
    init?(path: String) throws(SystemError) {
        var status = stat()
        if lstat(path, &status) != 0 {
            let error = Errno.current
            if error == .noEntry { return nil }
            throw SystemError("stat", path, error)
        }
        self.init(status)
    }
}
