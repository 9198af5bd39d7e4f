import Base
import CLinux

/// The program `swiftlet-pod`, opened once. It is executed through a read-only mount of its own, so that a process that
/// sees it under /proc/<pid>/exe cannot open the host's file for writing (CVE-2019-5736).
public struct SupervisorExecutable: Sendable {
    public let path: String
    let descriptor: SharedDescriptor

    /// - Throws: `SystemError` when the file is not there, or this process may not mount.
    public init(path: String) throws(SystemError) {
        self.path = path
        let flags = UInt32(OPEN_TREE_CLONE) | UInt32(O_CLOEXEC)
        let tree = FileDescriptor(
            adopting: try retrying("open_tree", path) { swl_open_tree(AT_FDCWD, path, flags) })
        let raw = tree.raw
        try retrying("mount_setattr", path) {
            swl_mount_setattr(
                raw, "", UInt32(AT_EMPTY_PATH), UInt64(MOUNT_ATTR_RDONLY) | UInt64(MOUNT_ATTR_NOSUID), 0, 0, -1)
        }
        descriptor = SharedDescriptor(tree)
    }
}
