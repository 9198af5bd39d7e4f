import Base
import CLinux
import Kube
import Linux
import PodRuntime

/// Bounds of what emptyDirs on disk may hold.
extension PodVolumes {
    /// Makes the folder of an emptyDir: aside and moved into place, so that once it is there its mode is the pod's to
    /// change, and it is bounded before anything is in it.
    func makeEmptyDir(
        _ emptyDir: EmptyDirVolumeSource, at path: String, mode: mode_t, group: gid_t?
    ) throws(SystemError) {
        if Files.exists(path) { return }
        let new = path + ".new"
        try WritableLayer.remove(new)
        try Self.makeFolder(new, mode: mode, group: group)
        if let limit = Self.limit(emptyDir) { _ = try WritableLayer.bound(new, to: limit) }
        try retrying("rename", path) { rename(new, path) }
    }

    /// As in the kubelet 0 is no limit.
    static func limit(_ emptyDir: EmptyDirVolumeSource) -> Int64? {
        emptyDir.sizeLimit.flatMap { $0.value > 0 ? $0.value : nil }
    }

    /// The emptyDirs on disk that have a limit which nothing keeps: their file system has no project quotas.
    func unboundedVolumes(_ pod: Pod, _ directory: PodDirectory) -> [String] {
        pod.spec.volumes.filter { volume in
            guard let emptyDir = volume.emptyDir, emptyDir.medium == .default, Self.limit(emptyDir) != nil else {
                return false
            }
            let path = directory.emptyDir(volume.name)
            guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return true }
            return (try? ProjectQuota.usage(folder, name: path)) == nil
        }.map(\.name)
    }

    /// Removes the pod's emptyDirs on disk, with their quotas.
    func discardEmptyDirs(_ directory: PodDirectory) throws(SystemError) {
        let folder = Path.parent(directory.emptyDir("x"))
        guard Files.exists(folder) else { return }
        for name in try Files.list(folder) { try WritableLayer.remove(Path.join(folder, name)) }
    }
}
