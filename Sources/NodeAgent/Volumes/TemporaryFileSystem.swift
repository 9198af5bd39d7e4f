import Base
import CLinux

/// A tmpfs in a pod's folder, mounted through file descriptors.
struct TemporaryFileSystem {
    /// Bytes; nil for the kernel's default of half the memory.
    var size: Int64?
    var mode: mode_t
    /// The group of its root folder; nil for the agent's own.
    var group: gid_t?
    /// MOUNT_ATTR_ flags.
    var attributes: UInt32 = 0

    static let noSuid: UInt32 = 0x2
    static let noDevices: UInt32 = 0x4
    static let noExecute: UInt32 = 0x8

    /// Mounts it on the folder `path`, without swap where the kernel can (6.4 on).
    func mount(at path: String) throws(SystemError) {
        let context = FileDescriptor(
            adopting: try retrying("fsopen tmpfs", path) { swl_fsopen("tmpfs", 0) })
        let raw = context.raw
        func set(_ key: String, _ value: String) throws(SystemError) {
            try retrying("fsconfig \(key)=\(value)", path) { swl_fsconfig(raw, 1, key, value, 0) }
        }
        try set("source", "tmpfs")
        try set("mode", "0" + String(mode, radix: 8))
        if let group { try set("gid", String(group)) }
        if let size { try set("size", String(size)) }
        // FSCONFIG_SET_FLAG; a kernel that does not know the option leaves the context as it was.
        _ = swl_fsconfig(raw, 0, "noswap", nil, 0)
        try retrying("create a tmpfs for", path) { swl_fsconfig(raw, 6, nil, nil, 0) }
        let mount = FileDescriptor(
            adopting: try retrying("fsmount", path) { swl_fsmount(raw, 0, attributes) })
        try Self.attach(mount, at: path)
    }

    /// Moves a detached mount onto `path`, which is never followed when it is a link.
    static func attach(_ mount: borrowing FileDescriptor, at path: String) throws(SystemError) {
        let target = try FileDescriptor.open(path, O_PATH | O_NOFOLLOW)
        let (from, to) = (mount.raw, target.raw)
        let emptyPaths: UInt32 = 0x4 | 0x40  // MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
        try retrying("move_mount", path) { swl_move_mount(from, "", to, "", emptyPaths) }
    }
}
