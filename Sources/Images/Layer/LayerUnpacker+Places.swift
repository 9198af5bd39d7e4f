import Base
import CLinux

/// How the unpacker reaches folders and makes room for entries.
extension LayerUnpacker {
    /// Nothing outside the layer, no link of any kind.
    static let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

    /// The folder of `path`, made with its missing parents.
    func parent(of path: LayerPath) throws(ImageError) -> SharedDescriptor {
        let wanted = path.parent
        if wanted.isEmpty { return root }
        if let cached, cachedPath.elementsEqual(wanted) { return cached }
        let folder: SharedDescriptor
        if let found = try open(wanted) { folder = found } else { folder = try makeParents(wanted) }
        cachedPath = Array(wanted)
        cached = folder
        return folder
    }

    /// The folder of `path` when it is there.
    func existingParent(of path: LayerPath) throws(ImageError) -> SharedDescriptor? {
        let wanted = path.parent
        if wanted.isEmpty { return root }
        if let cached, cachedPath.elementsEqual(wanted) { return cached }
        return try open(wanted)
    }

    /// Opens a folder of the layer. Nil when it, or a folder above it, is missing or no folder.
    private func open(_ path: ArraySlice<UInt8>) throws(ImageError) -> SharedDescriptor? {
        let raw = withCString(path) { swl_openat2(root.raw, $0, UInt64(O_PATH | O_DIRECTORY), 0, Self.resolve) }
        if raw >= 0 { return SharedDescriptor(FileDescriptor(adopting: raw)) }
        let error = Errno.current
        if error == .noEntry || error == .notDirectory { return nil }
        if error == .loop || error == .crossDevice { throw Self.throughLink(path) }
        throw ImageError(SystemError("openat2", "a folder of the layer", error))
    }

    private static func throughLink(_ path: some Collection<UInt8>) -> ImageError {
        ImageError(.hostile, "its folder \"\(escaped(path))\" is reached through a symbolic link")
    }

    /// Makes the folders of `path` that are missing. What is a file there gives way, as a later entry replaces an
    /// earlier.
    private func makeParents(_ path: ArraySlice<UInt8>) throws(ImageError) -> SharedDescriptor {
        var folder = root
        var done: [UInt8] = []
        for part in path.split(separator: UInt8(ascii: "/")) {
            let here = LayerPath(done, part)
            done = here.bytes
            let flags = O_PATH | O_DIRECTORY | O_NOFOLLOW
            var raw = withCString(part) { swl_openat(folder.raw, $0, flags, 0) }
            if raw < 0 {
                if let status = try status(part, in: folder), swl_is_symlink(status.st_mode) {
                    throw Self.throughLink(done)
                }
                if try makeDirectory(here, in: folder, mode: 0o755) {
                    try budget.remember(done.count)
                    implied.insert(done)
                }
                raw = withCString(part) { swl_openat(folder.raw, $0, flags, 0) }
                if raw < 0 { throw ImageError(SystemError("open", "a folder of the layer")) }
            }
            folder = SharedDescriptor(FileDescriptor(adopting: raw))
        }
        return folder
    }

    /// Makes a folder, or keeps the one that is there (false then).
    func makeDirectory(_ path: LayerPath, in folder: SharedDescriptor, mode: mode_t) throws(ImageError) -> Bool {
        if withCString(path.name, { mkdirat(folder.raw, $0, mode) }) == 0 { return true }
        let error = Errno.current
        guard error == .exists else { throw ImageError(SystemError("mkdir", "a folder of the layer", error)) }
        if let status = try status(path.name, in: folder), swl_is_dir(status.st_mode) { return false }
        try create(path, folder, asDirectory: true) { mkdirat(folder.raw, $0, mode) }
        return true
    }

    /// Runs `make` with the entry's last component, after removing what an earlier entry put there.
    @discardableResult
    func create(
        _ path: LayerPath, _ folder: SharedDescriptor, asDirectory: Bool, _ make: (UnsafePointer<CChar>) -> Int32
    ) throws(ImageError) -> Int32 {
        var result = withCString(path.name, make)
        if result >= 0 { return result }
        if Errno.current == .exists {
            try clear(path, folder, forDirectory: asDirectory)
            result = withCString(path.name, make)
            if result >= 0 { return result }
        }
        throw ImageError(SystemError("create", "an entry of the layer"))
    }

    /// Removes what stands at `path`.
    private func clear(_ path: LayerPath, _ folder: SharedDescriptor, forDirectory: Bool) throws(ImageError) {
        guard let status = try status(path.name, in: folder) else { return }
        if swl_is_dir(status.st_mode) || swl_is_regular(status.st_mode) { outcome.hasReplaced = true }
        if swl_is_dir(status.st_mode) {
            // What is cached may be inside.
            cached = nil
            try storage { () throws(SystemError) in
                // An O_PATH descriptor serves as the folder of the calls made on it.
                try Files.removeTree(in: folder.descriptor, Array(path.name), display: "the layer")
            }
            return
        }
        // Something new in the place of a whiteout: it hides what is below all the same, a folder by being opaque.
        if forDirectory, LayerStack.isWhiteout(status) { opaque.insert(path.bytes) }
        try withStorage("unlink") { withCString(path.name) { unlinkat(folder.raw, $0, 0) } }
    }

    /// What stands in `folder`, nil for nothing. Links are not followed.
    func status(_ name: ArraySlice<UInt8>, in folder: SharedDescriptor) throws(ImageError) -> stat? {
        var status = stat()
        if withCString(name, { fstatat(folder.raw, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return status }
        let error = Errno.current
        if error == .noEntry { return nil }
        throw ImageError(SystemError("stat", "an entry of the layer", error))
    }

    func withStorage(_ call: String, _ body: () -> Int32) throws(ImageError) {
        try storage { () throws(SystemError) in try retrying(call, "an entry of the layer", body) }
    }
}
