import Base
import CLinux
import PodRuntime

/// A folder whose files change all at once, as the kubelet lays it out: `name -> ..data/name`, `..data -> ..<time>`,
/// and the files in the folder of that time. Who reads sees the old ones or the new ones.
///
/// Nothing in it is believed: a container that may mount might have written to it. Everything is reached through
/// descriptors, no link is followed, and what is written is written into a folder that is new.
struct AtomicFolder {
    let path: String
    /// Writes only where nothing reaches a disk.
    var mustBeInMemory = true
    /// The group that files and folders belong to (fsGroup); nil for the agent's own.
    var group: gid_t?

    private static let data = "..data"
    private static let temporary = "..data_tmp"

    /// Makes `content` what is in the folder. Done again after a failure or a crash in the middle.
    ///
    /// - Returns: whether the files were not so before.
    @discardableResult
    func write(_ content: VolumeContent, now: Timestamp = .now) throws(SystemError) -> Bool {
        let root = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        if mustBeInMemory { try checkMemory(root) }
        let before = link(root, Self.data).flatMap { Self.isVersion($0) ? $0 : nil }
        let isNew = before.map { read(root, $0) != content.files } ?? true
        var current = before ?? ""
        if isNew {
            current = try make(content, in: root, now)
            try setLink(root, Self.data, to: current, through: Self.temporary)
        }
        try showNames(content, in: root)
        try clean(root, current)
        return isNew
    }

    /// Whether something was ever written to it.
    var hasContent: Bool {
        guard let root = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return false }
        return link(root, Self.data) != nil
    }

    private func checkMemory(_ root: borrowing FileDescriptor) throws(SystemError) {
        var status = statfs()
        let raw = root.raw
        try retrying("fstatfs", path) { fstatfs(raw, &status) }
        let temporaryFileSystem = 0x0102_1994  // TMPFS_MAGIC
        if Int(status.f_type) != temporaryFileSystem {
            throw SystemError("write (it is not in memory)", path, .readOnly)
        }
    }

    // MARK: Versions

    private static func isVersion(_ name: String) -> Bool {
        name.hasPrefix("..") && name.utf8.count > 2 && !name.utf8.contains(UInt8(ascii: "/"))
            && name != data && name != temporary
    }

    private static func version(_ now: Timestamp) -> String {
        let digits = now.rfc3339.utf8.prefix(19).map { byte in
            byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "T")
                ? "_" : Character(Unicode.Scalar(byte))
        }
        var number: UInt32 = 0
        _ = withUnsafeMutableBytes(of: &number) { swl_random($0.baseAddress, $0.count) }
        return "..\(String(digits)).\(number)"
    }

    private func make(
        _ content: VolumeContent, in root: borrowing FileDescriptor, _ now: Timestamp
    ) throws(SystemError) -> String {
        let name = Self.version(now)
        let folder = try makeFolder(name, in: root)
        for (path, file) in content.files.sorted(by: { $0.key < $1.key }) {
            var components = Path.components(path).map(String.init)
            guard let last = components.popLast(), !components.contains(".."), last != ".." else {
                throw SystemError("write", "\(self.path)/\(path)", .invalid)
            }
            var parent = try folder.duplicate()
            for component in components { parent = try makeFolder(component, in: parent) }
            let made = try parent.open(at: last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            try made.writeAll(file.bytes, name: "\(self.path)/\(path)")
            let raw = made.raw
            if let group { try retrying("fchown", path) { fchown(raw, uid_t.max, group) } }
            try retrying("fchmod", path) { fchmod(raw, mode_t(file.mode)) }
            withExtendedLifetime(made) {}
        }
        return name
    }

    /// The folder of this name, made unless it is there.
    private func makeFolder(
        _ name: String, in parent: borrowing FileDescriptor
    ) throws(SystemError) -> FileDescriptor {
        if mkdirat(parent.raw, name, 0o755) != 0 {
            let error = Errno.current
            guard error == .exists else { throw SystemError("mkdir", "\(path)/\(name)", error) }
        }
        let folder = try parent.open(at: name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let raw = folder.raw
        if let group { try retrying("fchown", name) { fchown(raw, uid_t.max, group) } }
        // The umask took bits away.
        let mode: mode_t = group == nil ? 0o755 : 0o2755
        try retrying("fchmod", name) { fchmod(raw, mode) }
        return folder
    }

    // MARK: Links

    private func link(_ root: borrowing FileDescriptor, _ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = readlinkat(root.raw, name, &buffer, buffer.count)
        guard count > 0, count < buffer.count else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func setLink(
        _ root: borrowing FileDescriptor, _ name: String, to target: String, through temporary: String
    ) throws(SystemError) {
        try remove(temporary, in: root)
        let raw = root.raw
        try retrying("symlink", "\(path)/\(temporary)") { symlinkat(target, raw, temporary) }
        // A folder in the link's place cannot be replaced by renaming.
        if link(root, name) == nil { try remove(name, in: root) }
        try retrying("rename", "\(path)/\(name)") { renameat(raw, temporary, raw, name) }
    }

    private func remove(_ name: String, in root: borrowing FileDescriptor) throws(SystemError) {
        try Files.removeTree(in: root, Array(name.utf8), display: "\(path)/\(name)")
    }

    /// The names that containers see: of each path the first part.
    private func showNames(_ content: VolumeContent, in root: borrowing FileDescriptor) throws(SystemError) {
        var names = Set(content.files.keys.compactMap { Path.components($0).first.map(String.init) })
        let listed = try Files.list("/proc/self/fd/\(root.raw)")
        for name in listed where !name.hasPrefix("..") {
            let target = "\(Self.data)/\(name)"
            if link(root, name) == target, names.remove(name) != nil { continue }
            // What is shown no more; what is no link of ours stays, unless its name is needed.
            if link(root, name) == target || names.contains(name) { try remove(name, in: root) }
        }
        for name in names.sorted() {
            let raw = root.raw
            try retrying("symlink", "\(path)/\(name)") { symlinkat("\(Self.data)/\(name)", raw, name) }
        }
    }

    /// Removes the versions before, and what a crash left.
    private func clean(_ root: borrowing FileDescriptor, _ current: String) throws(SystemError) {
        for name in try Files.list("/proc/self/fd/\(root.raw)")
        where name.hasPrefix("..") && name != current && name != Self.data {
            try remove(name, in: root)
        }
    }

    // MARK: Reading back

    /// What a version holds; nil when it is not as we write it.
    private func read(_ root: borrowing FileDescriptor, _ version: String) -> [String: VolumeContent.File]? {
        guard let folder = try? root.open(at: version, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return nil }
        var files: [String: VolumeContent.File] = [:]
        do throws(SystemError) { try read(folder, "", &files, depth: 0) } catch { return nil }
        return files
    }

    private func read(
        _ folder: borrowing FileDescriptor, _ prefix: String, _ files: inout [String: VolumeContent.File], depth: Int
    ) throws(SystemError) {
        for name in try Files.list("/proc/self/fd/\(folder.raw)") {
            let path = prefix + name
            guard depth < 64, files.count < 100_000 else { throw SystemError("read", path, .invalid) }
            let file = try folder.open(at: name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let mode = try file.status(name: path).st_mode
            if swl_is_dir(mode) {
                try read(file, path + "/", &files, depth: depth + 1)
            } else if swl_is_regular(mode) {
                files[path] = VolumeContent.File(
                    try file.readAll(limit: 2 << 20, name: path), mode: UInt32(mode & 0o7777))
            } else {
                throw SystemError("read", path, .invalid)
            }
        }
    }
}
