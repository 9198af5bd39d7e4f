import Base
import CLinux

/// A program file that cannot be written through `/proc/<pid>/exe` (CVE-2019-5736): opened through a read-only mount
/// that is attached nowhere, so nobody can make it writable again.
public enum ProtectedExecutable {
    /// To be executed by descriptor (`Spawn.executable`).
    public static func open(_ path: String) throws(SystemError) -> SharedDescriptor {
        let tree = try MountTree.clone(path, recursive: false)
        try tree.change(set: [.readOnly, .noSetUserID, .noDevices])
        return tree.descriptor
    }
}
