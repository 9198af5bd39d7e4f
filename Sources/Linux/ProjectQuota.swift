import Base
import CLinux

/// Bounds of what a folder may hold: project quotas of ext4 (`-O project,quota`, mounted with `prjquota`) and XFS
/// (mounted with `prjquota`). Who writes beyond one gets EDQUOT, or ENOSPC.
///
/// A process that owns files in the first user namespace may give them to another project: the bound is for programs
/// that go wrong, and for those that do not run as the files' owner.
public enum ProjectQuota {
    public struct Usage: Hashable, Sendable {
        /// Bytes on the disk.
        public var used: UInt64
        /// 0 for none.
        public var limit: UInt64
        public var inodes: UInt64
    }

    /// Bounds a new, empty folder.
    ///
    /// - Parameter bytes: the limit; what is left of it over whole KiB does not count.
    /// - Returns: false where the file system has no project quotas.
    public static func limit(
        _ folder: borrowing FileDescriptor, to bytes: UInt64, name: String
    ) throws(SystemError) -> Bool {
        var status = stat()
        let raw = folder.raw
        try retrying("fstat", name) { fstat(raw, &status) }
        // Folders that are there at once have different inodes: their projects are found without a list of them.
        var project = first | UInt32(truncatingIfNeeded: status.st_ino) & (first - 1)
        for _ in 0..<64 {
            guard let usage = try usage(raw, project, name) else { return false }
            if usage.inodes == 0 {
                try retrying("set the quota of project \(project) of", name) {
                    swl_set_project_quota(raw, project, max(1024, bytes))
                }
                try retrying("set the project of", name) { swl_set_project(raw, project) }
                return true
            }
            project = first | (project &+ 1) & (first - 1)
        }
        throw SystemError("find a free project for", name, .busy)
    }

    /// What is in a folder that `limit` has bounded.
    ///
    /// - Returns: nil when it is in no project of ours.
    public static func usage(_ folder: borrowing FileDescriptor, name: String) throws(SystemError) -> Usage? {
        let raw = folder.raw
        guard let project = project(raw) else { return nil }
        return try usage(raw, project, name)
    }

    /// Lets go of the quota of a bounded folder, which is to be removed. Does nothing to another.
    public static func release(_ folder: borrowing FileDescriptor) {
        let raw = folder.raw
        if let project = project(raw) { _ = swl_set_project_quota(raw, project, 0) }
    }

    /// Our projects have numbers of this and above, far from those that people give.
    private static let first: UInt32 = 1 << 30

    private static func project(_ folder: Int32) -> UInt32? {
        var project: UInt32 = 0
        guard swl_project(folder, &project) == 0, project & ~(first - 1) == first else { return nil }
        return project
    }

    private static func usage(_ folder: Int32, _ project: UInt32, _ name: String) throws(SystemError) -> Usage? {
        var quota = swl_quota()
        if swl_project_quota(folder, project, &quota) == 0 {
            return Usage(used: quota.used, limit: quota.limit, inodes: quota.inodes)
        }
        let error = Errno.current
        switch error {
        // XFS makes the entry of a project with its first limit.
        case .noEntry: return Usage(used: 0, limit: 0, inodes: 0)
        case .noProcess, .notImplemented, .notSupported, .invalid: return nil
        default: throw SystemError("read the quota of project \(project) of", name, error)
        }
    }
}
