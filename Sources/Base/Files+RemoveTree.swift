import CLinux

extension Files {
    /// How deep a tree is followed, one descriptor a level; what lies deeper is first moved up to the top.
    private static let maximumDepth = 48
    /// How many names of a folder are held in memory at once.
    private static let batch = 1024

    /// Removes a tree of ours without following links or crossing a mount (a mount inside makes it fail with EBUSY and
    /// nothing behind it is touched). A container may have made the tree as deep and as wide as it liked: descriptors,
    /// stack and memory stay bounded.
    public static func removeTree(_ path: String) throws(SystemError) {
        if !exists(path) { return }
        let parent = try FileDescriptor.open(Path.parent(path), O_RDONLY | O_DIRECTORY)
        try removeTree(in: parent, Array(Path.name(path).utf8), display: path)
    }

    /// The same for the entry `name` (any bytes but a slash) of an open folder, which may be open O_PATH.
    public static func removeTree(
        in parent: borrowing FileDescriptor, _ name: [UInt8], display: String
    ) throws(SystemError) {
        let raw = parent.raw
        let name = name.map { CChar(bitPattern: $0) } + [0]
        if unlinkat(raw, name, 0) == 0 { return }
        let error = Errno.current
        if error == .noEntry { return }
        guard error == .isDirectory || error == .notPermitted else { throw SystemError("unlink", display, error) }
        let top: FileDescriptor
        do throws(SystemError) { top = try openFolder(in: parent, name, display: display) } catch {
            if error.errno == .noEntry { return }
            throw error
        }
        var moved = 0
        try empty(top, top: top, depth: 0, moved: &moved, display: display)
        try removeEmpty(raw, name, display: display)
    }

    /// Removes a folder that was emptied. What somebody else has removed meanwhile is removed.
    private static func removeEmpty(_ folder: Int32, _ name: [CChar], display: String) throws(SystemError) {
        if unlinkat(folder, name, AT_REMOVEDIR) == 0 { return }
        let error = Errno.current
        if error != .noEntry { throw SystemError("rmdir", display, error) }
    }

    /// Opens a child folder, never through a link and never across a mount, not even one of the same file system.
    private static func openFolder(
        in parent: borrowing FileDescriptor, _ name: [CChar], display: String
    ) throws(SystemError) -> FileDescriptor {
        let fd = swl_openat2(
            parent.raw, name, UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 0,
            UInt64(RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH))
        if fd >= 0 { return FileDescriptor(adopting: fd) }
        let error = Errno.current
        throw SystemError("remove", display, error == .crossDevice ? .busy : error)
    }

    /// Removes everything in `folder`. What is moved up to `top` turns up in a later listing of `top`.
    private static func empty(
        _ folder: borrowing FileDescriptor, top: borrowing FileDescriptor, depth: Int, moved: inout Int,
        display: String
    ) throws(SystemError) {
        let (raw, topRaw) = (folder.raw, top.raw)
        while true {
            let children = try names(in: folder, display: display)
            if children.isEmpty { return }
            for child in children {
                if unlinkat(raw, child, 0) == 0 { continue }
                let error = Errno.current
                if error == .noEntry { continue }
                let path = depth < maximumDepth ? display + "/" + text(child) : display
                guard error == .isDirectory || error == .notPermitted else {
                    throw SystemError("unlink", path, error)
                }
                if unlinkat(raw, child, AT_REMOVEDIR) == 0 { continue }
                if depth < maximumDepth {
                    let below: FileDescriptor
                    do throws(SystemError) { below = try openFolder(in: folder, child, display: path) } catch {
                        if error.errno == .noEntry { continue }
                        throw error
                    }
                    try empty(below, top: top, depth: depth + 1, moved: &moved, display: path)
                    try removeEmpty(raw, child, display: path)
                } else {
                    try moveUp(child, from: raw, to: topRaw, moved: &moved, display: path)
                }
            }
        }
    }

    /// Moves a deep folder to the top of the tree, under a name that is free there.
    private static func moveUp(
        _ child: [CChar], from folder: Int32, to top: Int32, moved: inout Int, display: String
    ) throws(SystemError) {
        let noReplace: UInt32 = 1  // RENAME_NOREPLACE
        while true {
            moved += 1
            if swl_renameat2(folder, child, top, ".removing-\(moved)", noReplace) == 0 { return }
            let error = Errno.current
            if error == .noEntry { return }
            if error != .exists { throw SystemError("rename", display, error) }
        }
    }

    private static func text(_ name: [CChar]) -> String {
        String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// At most `batch` names of a folder, as the bytes they are: they need not be UTF-8.
    private static func names(in folder: borrowing FileDescriptor, display: String) throws(SystemError) -> [[CChar]] {
        let copy = try folder.duplicate().release()
        guard let stream = fdopendir(copy) else {
            let error = Errno.current
            _ = CLinux.close(copy)
            throw SystemError("fdopendir", display, error)
        }
        defer { closedir(stream) }
        rewinddir(stream)
        let dot = CChar(bitPattern: UInt8(ascii: "."))
        var names: [[CChar]] = []
        while names.count < batch, let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                    Array(UnsafeBufferPointer(start: $0, count: strnlen($0, 255) + 1))
                }
            }
            if name != [dot, 0] && name != [dot, dot, 0] { names.append(name) }
        }
        return names
    }
}
