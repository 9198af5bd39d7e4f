import CLinux

/// Small whole-file operations on paths that we chose ourselves.
public enum Files {
    /// The file's bytes.
    ///
    /// - Throws: `SystemError`; EFBIG when it is larger than `limit` bytes.
    public static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY)
        return try file.readAll(limit: limit, name: path)
    }

    /// The file's text, without trailing white space (as kernel files are read).
    public static func readText(_ path: String, limit: Int = 1 << 20) throws(SystemError) -> String {
        var bytes = try read(path, limit: limit)
        while let last = bytes.last, last == 0x0A || last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes to an existing file (a kernel interface) in one write.
    public static func writeExisting(_ path: String, _ text: String) throws(SystemError) {
        let file = try FileDescriptor.open(path, O_WRONLY)
        try file.writeAll(text.utf8, name: "\"\(text)\" to \(path)")
    }

    /// Replaces `path` so that a reader sees either the old or the new content, also after a power cut when
    /// `durable` (the file and its folder are synced: one barrier each).
    public static func replace(
        _ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o600, durable: Bool
    ) throws(SystemError) {
        let temporary = path + ".new"
        do {
            let file = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
            let raw = file.raw
            try file.writeAll(bytes, name: temporary)
            try retrying("fchmod", temporary) { fchmod(raw, mode) }
            if durable { try retrying("fsync", temporary) { fsync(raw) } }
            try retrying("rename", "\(temporary) to \(path)") { CLinux.rename(temporary, path) }
        } catch {
            _ = CLinux.unlink(temporary)
            throw error
        }
        if durable { try syncDirectory(of: path) }
    }

    /// Makes a file that was not there, durably and with one barrier: syncing a file that is new makes its name durable
    /// too on the journalling file systems of Linux. After a power cut during the call the file may be there in part.
    ///
    /// - Throws: `SystemError`; EEXIST when there is such a file.
    public static func createDurably(
        _ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o600
    ) throws(SystemError) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
        let raw = file.raw
        do {
            try file.writeAll(bytes, name: path)
            try retrying("fsync", path) { fsync(raw) }
        } catch {
            _ = CLinux.unlink(path)
            throw error
        }
    }

    /// Syncs the folder that holds `path`, so that a rename or removal in it survives a power cut.
    public static func syncDirectory(of path: String) throws(SystemError) {
        let parent = Path.parent(path)
        let folder = try FileDescriptor.open(parent, O_RDONLY | O_DIRECTORY)
        let raw = folder.raw
        try retrying("fsync", parent) { fsync(raw) }
    }

    /// Makes the folder and its missing parents. An existing folder is left as it is.
    public static func makeDirectories(_ path: String, mode: mode_t = 0o755) throws(SystemError) {
        if CLinux.mkdir(path, mode) == 0 { return }
        var error = Errno.current
        if error == .noEntry, path.count > 1 {
            try makeDirectories(Path.parent(path), mode: mode)
            if CLinux.mkdir(path, mode) == 0 { return }
            error = Errno.current
        }
        if error == .exists, isDirectory(path) { return }
        throw SystemError("mkdir", path, error)
    }

    public static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return fstatat(AT_FDCWD, path, &status, 0) == 0 && swl_is_dir(status.st_mode)
    }

    /// Whether something stands at `path`, a dangling link too.
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Removes one file; false when there was none.
    @discardableResult
    public static func remove(_ path: String) throws(SystemError) -> Bool {
        if CLinux.unlink(path) == 0 { return true }
        let error = Errno.current
        if error == .noEntry { return false }
        throw SystemError("unlink", path, error)
    }

    /// The names in a folder, without `.` and `..`, in byte order.
    public static func list(_ path: String) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError("opendir", path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
    }

    /// Whether a folder was just made by this process, or may as well have been: it is this user's, with nothing in it.
    /// Where others can rename, what is opened after a mkdir may be anybody's, and must not be opened to more for it.
    public static func isNew(_ folder: borrowing FileDescriptor, name: String) throws(SystemError) -> Bool {
        guard try folder.status(name: name).st_uid == geteuid() else { return false }
        let raw = try folder.open(at: ".", O_RDONLY | O_DIRECTORY).release()
        guard let stream = fdopendir(raw) else {
            let error = Errno.current
            close(raw)
            throw SystemError("fdopendir", name, error)
        }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let isItself = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { strcmp($0, ".") == 0 || strcmp($0, "..") == 0 }
            }
            if !isItself { return false }
        }
        return true
    }
}
