import Base
import CLinux

/// A mount (with what is mounted below it) that is held by a descriptor: detached until it is attached somewhere.
public struct MountTree: Sendable {
    public let descriptor: SharedDescriptor
    /// For messages.
    public let name: String

    private init(_ raw: Int32, _ name: String) {
        descriptor = SharedDescriptor(FileDescriptor(adopting: raw))
        self.name = name
    }

    // MARK: Making

    /// A detached copy of the mount that shows `path`, with links followed: for paths of the host.
    public static func clone(_ path: String, recursive: Bool) throws(SystemError) -> MountTree {
        let flags = UInt32(OPEN_TREE_CLONE) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        return MountTree(try retrying("bind", path) { swl_open_tree(AT_FDCWD, path, flags) }, path)
    }

    /// A detached copy of what an open file shows.
    public static func clone(
        of file: borrowing FileDescriptor, name: String, recursive: Bool
    ) throws(SystemError) -> MountTree {
        let flags = UInt32(OPEN_TREE_CLONE | AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        let raw = file.raw
        return MountTree(try retrying("bind", name) { swl_open_tree(raw, "", flags) }, name)
    }

    /// A new file system of `type`, not attached anywhere.
    public static func filesystem(
        _ type: String, source: String, options: [FilesystemOption] = [], attributes: MountAttributes = []
    ) throws(SystemError) -> MountTree {
        let context = try FilesystemContext(type)
        try context.set("source", source)
        for option in options { try context.set(option.key, option.value) }
        return MountTree(try context.mount(attributes), type)
    }

    /// An overlay of read-only `lower` folders, topmost first, under `upper`.
    ///
    /// `upper` is volatile: nothing written to it is ever synced, neither by programs nor by the unmount, which would
    /// otherwise wait for all that is dirty in its file system. The kernel therefore refuses `work` a second time
    /// (EINVAL, for the folder `work/incompat/volatile` in it): each overlay has folders of its own, made for it.
    ///
    /// On kernels that take the layers one by one (6.5) there is no limit on their number; before, the list must fit
    /// a page. The classic form needs a private mount namespace.
    public static func overlay(lower: [String], upper: String, work: String) throws(SystemError) -> MountTree {
        do { return try overlayByLayers(lower: lower, upper: (upper, work), attributes: []) } catch {
            // Older kernels look at the parameters only when all are there, and do not know this one.
            guard error.errno == .invalid else { throw error }
            let first = error
            do { return try classicOverlay(lower: lower, upper: upper, work: work) } catch {
                throw error.errno == .invalid ? first : error
            }
        }
    }

    /// An overlay of `lower` folders, topmost first, that nobody can write to by whatever mount of it: it has no upper
    /// folder. Overlayfs wants two folders at least.
    ///
    /// - Throws: `SystemError` (EINVAL) on kernels before 6.5, which have `mountLayersClassically`.
    public static func layers(_ lower: [String], attributes: MountAttributes) throws(SystemError) -> MountTree {
        try overlayByLayers(lower: lower, upper: nil, attributes: attributes)
    }

    /// The same for kernels before 6.5, attached to an open folder.
    public static func mountLayersClassically(
        _ lower: [String], on target: borrowing FileDescriptor, name place: String
    ) throws(SystemError) {
        var held: [SharedDescriptor] = []
        for layer in lower { held.append(SharedDescriptor(try .open(layer, O_PATH | O_DIRECTORY))) }
        let options = "lowerdir=" + held.map { "/proc/self/fd/\($0.raw)" }.joined(separator: ":")
        guard options.utf8.count < 4096 else {
            throw SystemError("mount the overlay (too many layers for this kernel)", place, .tooBig)
        }
        let (path, flags) = ("/proc/self/fd/\(target.raw)", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)
        try retrying("mount overlay on", place) { mount("overlay", path, "overlay", UInt(flags), options) }
        withExtendedLifetime(held) {}
    }

    private static func overlayByLayers(
        lower: [String], upper: (folder: String, work: String)?, attributes: MountAttributes
    ) throws(SystemError) -> MountTree {
        // A parameter may have 255 bytes: longer paths go by descriptors, which must be open until the mount is made.
        var held: [SharedDescriptor] = []
        func short(_ path: String) throws(SystemError) -> String {
            if path.utf8.count < 256 { return path }
            let folder = SharedDescriptor(try .open(path, O_PATH | O_DIRECTORY))
            held.append(folder)
            return "/proc/self/fd/\(folder.raw)"
        }
        let context = try FilesystemContext("overlay")
        try context.set("source", "overlay")
        for layer in lower { try context.set("lowerdir+", try short(layer)) }
        if let upper {
            try context.set("upperdir", try short(upper.folder))
            try context.set("workdir", try short(upper.work))
            try context.set("volatile", nil)
        }
        let mount = try context.mount(attributes)
        let name = "overlay of \(lower.count) layers" + (upper.map { " under \($0.folder)" } ?? "")
        return withExtendedLifetime(held) { MountTree(mount, name) }
    }

    /// By mount(2), as kernels before 6.5 need it.
    static func classicOverlay(lower: [String], upper: String, work: String) throws(SystemError) -> MountTree {
        func escape(_ path: String) -> String {
            var out = ""
            for c in path {
                if c == ":" || c == "," || c == "\\" { out.append("\\") }
                out.append(c)
            }
            return out
        }
        var held: [SharedDescriptor] = []
        var layers = lower.map(escape).joined(separator: ":")
        if layers.utf8.count + upper.utf8.count + work.utf8.count > 3900 {
            for layer in lower { held.append(SharedDescriptor(try .open(layer, O_PATH | O_DIRECTORY))) }
            layers = held.map { "/proc/self/fd/\($0.raw)" }.joined(separator: ":")
        }
        let options = "lowerdir=\(layers),upperdir=\(escape(upper)),workdir=\(escape(work)),volatile"
        guard options.utf8.count < 4096 else {
            throw SystemError("mount the overlay (too many layers for this kernel)", upper, .tooBig)
        }
        // Made over `upper`, where it is only seen in this private namespace, and taken off again.
        try retrying("mount overlay on", upper) { mount("overlay", upper, "overlay", 0, options) }
        let tree = try clone(upper, recursive: false)
        try retrying("unmount the overlay from", upper) { umount2(upper, Int32(MNT_DETACH)) }
        return withExtendedLifetime(held) { tree }
    }

    // MARK: Changing and attaching

    /// Sets and clears attributes, and sets the propagation.
    public func change(
        set: MountAttributes = [], clear: MountAttributes = [], propagation: MountPropagation? = nil,
        recursive: Bool = false
    ) throws(SystemError) {
        let flags = UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        try retrying("set the mount attributes of", name) {
            swl_mount_setattr(
                descriptor.raw, "", flags, set.rawValue, clear.rawValue, propagation?.rawValue ?? 0, -1)
        }
    }

    /// Puts the tree on top of what an open file shows.
    public func attach(to target: borrowing FileDescriptor, name place: String) throws(SystemError) {
        let raw = target.raw
        try retrying("mount \(name) on", place) {
            swl_move_mount(
                descriptor.raw, "", raw, "", UInt32(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
        }
    }
}

/// A file system being configured.
private struct FilesystemContext: ~Copyable {
    let descriptor: FileDescriptor
    let type: String

    init(_ type: String) throws(SystemError) {
        self.type = type
        descriptor = FileDescriptor(adopting: try retrying("mount", type) { swl_fsopen(type, 0) })
    }

    func set(_ key: String, _ value: String?) throws(SystemError) {
        let raw = descriptor.raw
        let command = value == nil ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING
        if swl_fsconfig(raw, UInt32(command.rawValue), key, value, 0) < 0 {
            throw error("mount \(type) with", value.map { "\(key)=\($0)" } ?? key)
        }
    }

    func mount(_ attributes: MountAttributes) throws(SystemError) -> Int32 {
        if swl_fsconfig(descriptor.raw, UInt32(FSCONFIG_CMD_CREATE.rawValue), nil, nil, 0) < 0 {
            throw error("mount", type)
        }
        let mount = swl_fsmount(descriptor.raw, 0, UInt32(attributes.rawValue))
        if mount < 0 { throw error("mount", type) }
        return mount
    }

    /// The errno with the kernel's own words, which stand in the context.
    private func error(_ call: String, _ object: String) -> SystemError {
        let errno = Errno.current
        var words: [String] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        for _ in 0..<8 {
            let count = buffer.withUnsafeMutableBytes { read(descriptor.raw, $0.baseAddress, $0.count) }
            guard count > 2 else { break }
            // `e text`: the level comes first.
            let text = String(decoding: buffer[2..<count], as: UTF8.self)
            words.append(text.last == "\n" ? String(text.dropLast()) : text)
        }
        return SystemError(call, words.isEmpty ? object : "\(object) (\(words.joined(separator: "; ")))", errno)
    }
}
