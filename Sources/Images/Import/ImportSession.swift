import Base
import CLinux

/// An import's own folder in the store. It is locked while the import lives, so that a sweep tells it from a leftover,
/// and removed with everything in it by `end`.
final class ImportSession {
    let path: String
    private let folder: SharedDescriptor
    /// Keeps layers that this import builds upon from being removed.
    private let layers: SharedDescriptor

    init(_ store: ImageStore) throws(ImageError) {
        guard let layers = try store.layersHolder(LOCK_SH) else { throw ImageError(.storage, "cannot lock the layers") }
        self.layers = layers
        let path = try storage { () throws(SystemError) in
            Path.join(store.ingestFolder, try ImageStore.randomName())
        }
        // Under the store's lock, so that no sweep sees the folder before it is locked.
        let folder = try store.locked { () throws(ImageError) -> SharedDescriptor in
            try storage { () throws(SystemError) in
                try retrying("mkdir", path) { mkdir(path, 0o700) }
                do throws(SystemError) {
                    let folder = SharedDescriptor(try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY))
                    try retrying("lock", path) { flock(folder.raw, LOCK_EX | LOCK_NB) }
                    return folder
                } catch {
                    _ = rmdir(path)
                    throw error
                }
            }
        }
        self.path = path
        self.folder = folder
    }

    /// Removes the folder (what cannot be removed is left to the next sweep) and gives the locks back.
    func end() {
        try? Files.removeTree(path)
        _ = flock(folder.raw, LOCK_UN)
        _ = flock(layers.raw, LOCK_UN)
    }

    /// Bytes that may be written to the store's file system.
    func freeBytes() throws(ImageError) -> Int64 {
        var status = statvfs()
        let raw = folder.raw
        try storage { () throws(SystemError) in try retrying("fstatvfs", path) { fstatvfs(raw, &status) } }
        let (free, overflow) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: status.f_frsize))
        return overflow ? Int64.max : free
    }

    /// Puts everything written so far onto the disk.
    func sync() throws(ImageError) {
        let raw = folder.raw
        try storage { () throws(SystemError) in try retrying("syncfs", path) { syncfs(raw) } }
    }

    /// An empty, nameless file in the folder.
    func temporaryFile() throws(ImageError) -> SharedDescriptor {
        let name = Path.join(path, "archive")
        return try storage { () throws(SystemError) in
            let file = try FileDescriptor.open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            _ = try Files.remove(name)
            return SharedDescriptor(file)
        }
    }
}
