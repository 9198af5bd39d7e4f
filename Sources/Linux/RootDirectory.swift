import Base
import CLinux

/// A folder in which paths are resolved as if it were the root: links and `..` in them cannot lead out, and magic links
/// (`/proc/self/fd/3`) are refused. For every path that a container, an image or a manifest names.
public struct RootDirectory: Sendable {
    public let directory: SharedDescriptor
    /// For messages: what the tree is.
    public let name: String

    /// - Parameter directory: the folder, opened in any way (`O_PATH` too).
    public init(_ directory: SharedDescriptor, name: String) {
        self.directory = directory
        self.name = name
    }

    /// Opens a folder of the host, which the caller chose.
    public static func open(_ path: String) throws(SystemError) -> RootDirectory {
        RootDirectory(SharedDescriptor(try .open(path, O_PATH | O_DIRECTORY)), name: path)
    }

    /// The resolution rules.
    public enum Links: Sendable {
        /// Links are followed inside the tree.
        case follow
        /// A link anywhere in the path is an error (ELOOP).
        case refuse
    }

    /// Opens `path` below this folder, close-on-exec.
    ///
    /// - Throws: `SystemError` naming the path and the tree.
    public func open(
        _ path: String, _ flags: Int32, mode: mode_t = 0, links: Links = .follow
    ) throws(SystemError) -> FileDescriptor {
        var resolve = UInt64(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        if links == .refuse { resolve |= UInt64(RESOLVE_NO_SYMLINKS) }
        let raw = directory.raw
        // The kernel refuses the unknown bits that open(2) ignores, and a mode where nothing is created.
        let creates = flags & O_CREAT != 0
        return FileDescriptor(
            adopting: try retrying("open", "\(path) in \(name)") {
                swl_openat2(raw, path.isEmpty ? "." : path, UInt64(flags), creates ? UInt64(mode) : 0, resolve)
            })
    }

    /// The file's status, links followed inside the tree. Nil when there is none.
    public func status(_ path: String) throws(SystemError) -> stat? {
        do { return try open(path, O_PATH).status(name: path) } catch {
            if error.errno == .noEntry || error.errno == .notDirectory { return nil }
            throw error
        }
    }

    /// Reads a regular file. Nil when there is none.
    ///
    /// A fifo, device or socket in its place is refused before it is opened, so that it cannot hang the reader.
    ///
    /// - Throws: `SystemError`; EFBIG for more than `limit` bytes, EINVAL when it is no regular file.
    public func readFile(_ path: String, limit: Int) throws(SystemError) -> [UInt8]? {
        guard let found = try status(path) else { return nil }
        guard swl_is_regular(found.st_mode) else {
            throw SystemError("read (not a regular file)", "\(path) in \(name)", .invalid)
        }
        // Looked at again behind the descriptor: the name may lead elsewhere by now.
        let file = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let opened = try file.status(name: path)
        guard swl_is_regular(opened.st_mode) else {
            throw SystemError("read (not a regular file)", "\(path) in \(name)", .invalid)
        }
        return try file.readAll(limit: limit, name: "\(path) in \(name)")
    }

    /// Opens the folder `path`, making it and its missing parents.
    ///
    /// Existing parts are resolved in the tree. A link to nowhere is followed to the place in the tree that it names
    /// (images have `/etc/resolv.conf -> ../run/...`); below that nothing is followed.
    ///
    /// - Parameter owner: of what is made; root when nil.
    /// - Throws: `SystemError`; EEXIST when something else stands in the way.
    public func makeDirectories(
        _ path: String, mode: mode_t = 0o755, owner: (uid: uid_t, gid: gid_t)? = nil, links: Links = .follow
    ) throws(SystemError) -> FileDescriptor {
        try makeDirectories(path, mode: mode, owner: owner, links: links, hops: 0)
    }

    private func makeDirectories(
        _ path: String, mode: mode_t, owner: (uid: uid_t, gid: gid_t)?, links: Links, hops: Int
    ) throws(SystemError) -> FileDescriptor {
        do { return try open(path, O_PATH | O_DIRECTORY, links: links) } catch {
            if error.errno != .noEntry { throw error }
        }
        let parts = Path.components(path).map(String.init)
        var existing = 0
        var folder = try deepestExisting(parts, links: links, count: &existing)
        try checkPlain(parts[existing...], path)
        for (index, part) in zip(existing..., parts[existing...]) {
            let parent = folder.raw
            var made = true
            if mkdirat(parent, part, mode) < 0 {
                let error = Errno.current
                if error != .exists { throw SystemError("mkdir", "\(path) in \(name)", error) }
                made = false
                if links == .follow, hops < Self.mostHops, let target = Self.linkTarget(in: folder, part) {
                    let onward = Self.joined(parts[..<index], target, parts[(index + 1)...])
                    return try makeDirectories(onward, mode: mode, owner: owner, links: links, hops: hops + 1)
                }
            }
            folder = try Self.openPlain(in: folder, part, O_PATH | O_DIRECTORY, display: "\(path) in \(name)")
            // In a volume it may be another by now, which a container keeps to itself.
            if made, let owner, try Files.isNew(folder, name: "\(path) in \(name)") {
                let raw = folder.raw
                try retrying("chown", "\(path) in \(name)") {
                    fchownat(raw, "", owner.uid, owner.gid, AT_EMPTY_PATH)
                }
            }
        }
        return folder
    }

    /// Opens (`O_PATH`) what stands at `path`, making an empty regular file and missing parents when nothing does.
    /// Links as in `makeDirectories`.
    public func makeFile(
        _ path: String, mode: mode_t = 0o644, links: Links = .follow
    ) throws(SystemError) -> FileDescriptor {
        try makeFile(path, mode: mode, links: links, hops: 0)
    }

    private func makeFile(
        _ path: String, mode: mode_t, links: Links, hops: Int
    ) throws(SystemError) -> FileDescriptor {
        do { return try open(path, O_PATH, links: links) } catch {
            if error.errno != .noEntry { throw error }
        }
        var parts = Path.components(path).map(String.init)
        guard let last = parts.popLast() else { throw SystemError("make the file", "\(path) in \(name)", .invalid) }
        try checkPlain([last], path)
        let parent = try makeDirectories("/" + parts.joined(separator: "/"), links: links)
        let raw = parent.raw
        if mknodat(raw, last, mode_t(S_IFREG) | mode, 0) < 0 {
            let error = Errno.current
            if error != .exists { throw SystemError("make the file", "\(path) in \(name)", error) }
            if links == .follow, hops < Self.mostHops, let target = Self.linkTarget(in: parent, last) {
                return try makeFile(
                    Self.joined(parts[...], target, []), mode: mode, links: links, hops: hops + 1)
            }
        }
        return try Self.openPlain(in: parent, last, O_PATH, display: "\(path) in \(name)")
    }

    /// As many links as the kernel follows.
    private static let mostHops = 40

    /// What the link `name` says; nil when it is none.
    private static func linkTarget(in folder: borrowing FileDescriptor, _ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlinkat(folder.raw, name, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The path that results from a link after the folders `before`.
    private static func joined(_ before: ArraySlice<String>, _ target: String, _ after: ArraySlice<String>) -> String {
        let base = target.hasPrefix("/") ? "" : "/" + before.joined(separator: "/")
        return ([base, target] + after).joined(separator: "/")
    }

    /// The deepest folder of the path that exists, of the first `count` components.
    private func deepestExisting(
        _ parts: [String], links: Links, count: inout Int
    ) throws(SystemError) -> FileDescriptor {
        count = parts.count
        while true {
            count = max(count - 1, 0)
            do {
                return try open("/" + parts[..<count].joined(separator: "/"), O_PATH | O_DIRECTORY, links: links)
            } catch {
                if error.errno != .noEntry || count == 0 { throw error }
            }
        }
    }

    /// `..` below a folder that does not exist yet has no meaning.
    private func checkPlain(_ parts: ArraySlice<String>, _ path: String) throws(SystemError) {
        if parts.contains("..") { throw SystemError("make (it has \"..\")", "\(path) in \(name)", .invalid) }
    }

    private static func openPlain(
        in folder: borrowing FileDescriptor, _ name: String, _ flags: Int32, display: String
    ) throws(SystemError) -> FileDescriptor {
        let raw = folder.raw
        let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV)
        let fd = swl_openat2(raw, name, UInt64(flags), 0, resolve)
        if fd >= 0 { return FileDescriptor(adopting: fd) }
        let error = Errno.current
        if error == .loop { throw SystemError("make (a link to nowhere stands in the way)", display, .exists) }
        throw SystemError("open", display, error)
    }
}
