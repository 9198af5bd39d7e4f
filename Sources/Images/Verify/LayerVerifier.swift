import Base
import CLinux
import OCI

/// Compares an unpacked layer with its outline: every entry with its kind, mode, owner, size, time, link and portable
/// attributes, and that nothing else is there. Contents are not read.
final class LayerVerifier {
    /// Most problems that are told of a layer.
    static let problemLimit = 10

    private let name: String
    private let root: SharedDescriptor
    /// The layer was adapted to those below it, so that whiteouts may have been taken away.
    private let isAdapted: Bool
    private(set) var problems: [String] = []
    private(set) var entries = 0

    /// Paths that may be there, by hash: with 64 bits, two of them do not meet.
    private var known: Set<Int> = []
    private var whiteouts: [LayerPath] = []
    private var ordinary: Set<Int> = []
    private var directories: [[UInt8]: TarEntry] = [:]
    private var opaque: Set<[UInt8]> = []
    private let depth = ImageLimits().depth

    /// - Parameter folder: the layer's.
    init(_ name: String, folder: String) throws(ImageError) {
        self.name = name
        isAdapted = name.hasPrefix("chain-")
        do {
            root = SharedDescriptor(try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        } catch {
            if error.errno == .noEntry { throw ImageError(.corrupt, "its folder \(folder) is missing") }
            throw ImageError(error)
        }
    }

    /// - Throws: `ImageError` when the outline cannot be read.
    func run(outline: String) throws(ImageError) {
        var reader = TarReader(try OutlineSource(path: outline)) { () throws(ImageError) in }
        while let entry = try reader.next() { try check(entry) }
        try reader.drain()
        for (path, entry) in directories {
            let path = try LayerPath(path, depth: depth)
            try compare(path, entry)
        }
        for path in opaque where !isOpaque(path) { report(path, "it does not hide what is below it any more") }
        // A folder of the layer in the place of one that it takes away shows nothing of that.
        var hiding = opaque
        for path in whiteouts where try isFolder(path) { hiding.insert(path.bytes) }
        for path in whiteouts where !path.hasAncestor(hiding.contains) && !hiding.contains(path.bytes) {
            if ordinary.contains(path.bytes.hashValue) || isAdapted { continue }
            guard let status = try status(path), LayerStack.isWhiteout(status) else {
                report(path.bytes, "the mark that hides it is missing")
                continue
            }
        }
        try findStrangers()
    }

    private func report(_ path: [UInt8], _ what: String) {
        if problems.count == Self.problemLimit { problems.append("and more") }
        if problems.count > Self.problemLimit { return }
        problems.append("\"\(path.isEmpty ? "/" : escaped(path))\": \(what)")
    }

    // MARK: - Entries

    private func check(_ entry: TarEntry) throws(ImageError) {
        let path = try LayerPath(entry.path, depth: depth)
        switch try LayerName(path) {
        case .ignored: return
        case .opaque:
            opaque.insert(Array(path.parent))
            expect(path.parent)
        case .whiteout(let hidden):
            let target = path.sibling(hidden)
            whiteouts.append(target)
            expect(target.bytes[...])
        case .ordinary:
            entries += 1
            expect(path.bytes[...])
            ordinary.insert(path.bytes.hashValue)
            // The last of several entries counts.
            if entry.kind == .directory {
                directories[path.bytes] = entry
            } else {
                try compare(path, entry)
            }
        }
    }

    /// Notes a path with the folders above it, which a layer need not describe.
    private func expect(_ path: ArraySlice<UInt8>) {
        guard known.insert(Array(path).hashValue).inserted else { return }
        if let slash = path.lastIndex(of: UInt8(ascii: "/")) { expect(path[..<slash]) }
    }

    private func compare(_ path: LayerPath, _ entry: TarEntry) throws(ImageError) {
        guard let status = try status(path) else { return report(path.bytes, "it is missing") }
        func differ(_ what: String, _ now: some CustomStringConvertible, _ then: some CustomStringConvertible) {
            report(path.bytes, "its \(what) is \(now), and was \(then) when it was unpacked")
        }
        if entry.kind == .hardLink {
            let target = try LayerPath(entry.link, depth: depth)
            let other = try self.status(target)
            if other?.st_ino != status.st_ino {
                report(path.bytes, "it is no hard link to \"\(escaped(target.bytes))\" any more")
            }
            return
        }
        let kind = Self.kind(of: entry)
        guard status.st_mode & mode_t(S_IFMT) == kind else { return report(path.bytes, "it is of another kind") }
        if entry.kind != .symbolicLink, status.st_mode & 0o7777 != mode_t(entry.mode) {
            differ("mode", String(status.st_mode & 0o7777, radix: 8), String(entry.mode, radix: 8))
        }
        if status.st_uid != entry.uid || status.st_gid != entry.gid {
            differ("owner", "\(status.st_uid):\(status.st_gid)", "\(entry.uid):\(entry.gid)")
        }
        if entry.kind == .characterDevice || entry.kind == .blockDevice,
            status.st_rdev != swl_makedev(entry.device.major, entry.device.minor)
        {
            report(path.bytes, "it is another device")
        }
        if entry.kind == .file, Int64(status.st_size) != entry.size { differ("size", status.st_size, entry.size) }
        if entry.kind == .symbolicLink, try target(of: path, Int(status.st_size)) != entry.link {
            report(path.bytes, "it points somewhere else")
        }
        // File systems cut times that are beyond their range.
        let (seconds, nanoseconds) = entry.modified
        if seconds >= 0, seconds <= Int64(Int32.max),
            Int64(status.st_mtim.tv_sec) != seconds || Int(status.st_mtim.tv_nsec) != nanoseconds
        {
            differ(
                "time of modification", Self.time(Int64(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec)),
                Self.time(seconds, nanoseconds))
        }
        if entry.kind == .file || entry.kind == .directory { try compareAttributes(path, entry.xattrs) }
    }

    private static func time(_ seconds: Int64, _ nanoseconds: Int) -> String {
        let digits = String(nanoseconds)
        return "\(seconds).\(String(repeating: "0", count: max(0, 9 - digits.utf8.count)))\(digits)"
    }

    private static func kind(of entry: TarEntry) -> mode_t {
        switch entry.kind {
        case .file, .hardLink: mode_t(S_IFREG)
        case .symbolicLink: mode_t(S_IFLNK)
        case .directory: mode_t(S_IFDIR)
        case .fifo: mode_t(S_IFIFO)
        case .characterDevice: mode_t(S_IFCHR)
        case .blockDevice: mode_t(S_IFBLK)
        }
    }

    private func compareAttributes(
        _ path: LayerPath, _ xattrs: [(name: [UInt8], value: [UInt8])]
    ) throws(ImageError) {
        let portable = xattrs.filter { LayerUnpacker.isPortable($0.name) }
        if portable.isEmpty { return }
        guard let file = try open(path.bytes, O_RDONLY | O_NONBLOCK | O_NOCTTY) else { return }
        for (name, value) in portable {
            var found = [UInt8](repeating: 0, count: value.count + 1)
            let count = withCString(name) { fgetxattr(file.raw, $0, &found, found.count) }
            if count < 0, Errno.current == .notSupported { continue }
            if count != value.count || !found.prefix(value.count).elementsEqual(value) {
                report(path.bytes, "its attribute \(escaped(name)) is not what it was")
            }
        }
    }

    // MARK: - What stands there

    /// Opens what stands at a path; nil for nothing, or when a folder above is none.
    private func open(_ path: [UInt8], _ flags: Int32) throws(ImageError) -> SharedDescriptor? {
        let name = path.isEmpty ? [UInt8(ascii: ".")] : path
        let raw = withCString(name) { swl_openat2(root.raw, $0, UInt64(flags), 0, LayerUnpacker.resolve) }
        if raw >= 0 { return SharedDescriptor(FileDescriptor(adopting: raw)) }
        let error = Errno.current
        if error == .noEntry || error == .notDirectory || error == .loop { return nil }
        throw ImageError(SystemError("openat2", "\"\(escaped(path))\" of layer \(self.name)", error))
    }

    private var cachedPath: [UInt8] = []
    private var cached: SharedDescriptor?

    private func parent(of path: LayerPath) throws(ImageError) -> SharedDescriptor? {
        if path.parent.isEmpty { return root }
        if let cached, cachedPath.elementsEqual(path.parent) { return cached }
        cachedPath = Array(path.parent)
        cached = try open(cachedPath, O_PATH | O_DIRECTORY)
        return cached
    }

    private func status(_ path: LayerPath) throws(ImageError) -> stat? {
        guard let folder = try parent(of: path) else { return nil }
        var status = stat()
        let name = path.isRoot ? [UInt8(ascii: ".")][...] : path.name
        if withCString(name, { fstatat(folder.raw, $0, &status, AT_SYMLINK_NOFOLLOW) }) == 0 { return status }
        let error = Errno.current
        if error == .noEntry { return nil }
        throw ImageError(SystemError("stat", "\"\(escaped(path.bytes))\" of layer \(self.name)", error))
    }

    private func isFolder(_ path: LayerPath) throws(ImageError) -> Bool {
        try status(path).map { swl_is_dir($0.st_mode) } ?? false
    }

    private func target(of path: LayerPath, _ size: Int) throws(ImageError) -> [UInt8] {
        guard let folder = try parent(of: path) else { return [] }
        var target = [CChar](repeating: 0, count: size + 1)
        let count = withCString(path.name) { readlinkat(folder.raw, $0, &target, target.count) }
        if count < 0 { throw ImageError(SystemError("readlink", "\"\(escaped(path.bytes))\" of layer \(self.name)")) }
        return target.prefix(count).map { UInt8(bitPattern: $0) }
    }

    private func isOpaque(_ path: [UInt8]) -> Bool {
        guard let folder = try? open(path, O_RDONLY | O_DIRECTORY) else { return false }
        return LayerStack.isOpaque(folder)
    }

    /// Goes through the folders for what the outline does not have.
    private func findStrangers() throws(ImageError) {
        var folders: [[UInt8]] = [[]]
        while let folder = folders.popLast() {
            guard let opened = try open(folder, O_RDONLY | O_DIRECTORY) else { continue }
            for (name, isFolder) in try FolderNames.list(opened, "layer \(self.name)") {
                let path = LayerPath(folder, name)
                if !known.contains(path.bytes.hashValue) {
                    report(path.bytes, "it is no part of the image")
                } else if isFolder {
                    folders.append(path.bytes)
                }
            }
        }
    }
}
