import Base
import CLinux
import Linux

/// The folder of one attempt of a container, which holds what it writes to its root file system.
enum WritableLayer {
    /// Bounds what may be written to a new, empty folder.
    ///
    /// - Returns: false where the file system has no project quotas.
    static func bound(_ path: String, to bytes: Int64) throws(SystemError) -> Bool {
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        return try ProjectQuota.limit(folder, to: UInt64(max(0, bytes)), name: path)
    }

    /// Removes the folder, with its quota.
    static func remove(_ path: String) throws(SystemError) {
        if let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) {
            ProjectQuota.release(folder)
        }
        try Files.removeTree(path)
    }
}
