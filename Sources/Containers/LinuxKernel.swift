import Base
import CLinux
import Linux
import OCI

/// The running kernel.
struct LinuxKernel: SetupKernel {
    typealias Mount = MountTree

    struct Target {
        var descriptor: SharedDescriptor
        var name: String
    }

    private var root: RootDirectory?

    private func rootDirectory() throws(SystemError) -> RootDirectory {
        guard let root else { throw SystemError("resolve paths in", "the root file system", .noEntry) }
        return root
    }

    func bind(_ source: String, recursive: Bool) throws(SystemError) -> MountTree {
        try MountTree.clone(source, recursive: recursive)
    }

    func bind(_ target: Target, recursive: Bool) throws(SystemError) -> MountTree {
        try MountTree.clone(of: target.descriptor.descriptor, name: target.name, recursive: recursive)
    }

    func overlay(lower: [String], upper: String, work: String) throws(SystemError) -> MountTree {
        try MountTree.overlay(lower: lower, upper: upper, work: work)
    }

    func filesystem(
        _ type: String, source: String, options: [FilesystemOption], attributes: MountAttributes
    ) throws(SystemError) -> MountTree {
        try MountTree.filesystem(type, source: source, options: options, attributes: attributes)
    }

    func change(
        _ mount: MountTree, set: MountAttributes, clear: MountAttributes, propagation: MountPropagation?,
        recursive: Bool
    ) throws(SystemError) {
        try mount.change(set: set, clear: clear, propagation: propagation, recursive: recursive)
    }

    func isShared(_ source: String, bothWays: Bool) throws(SystemError) -> Bool {
        let place = try FileDescriptor.open(source, O_PATH)
        let info = try Files.readText("/proc/self/fdinfo/\(place.raw)")
        guard let line = info.split(separator: "\n").first(where: { $0.hasPrefix("mnt_id:") }),
            let id = line.split(whereSeparator: { $0 == "\t" || $0 == " " }).last
        else { throw SystemError("find the mount of", source, .noEntry) }
        for line in try Files.readText("/proc/self/mountinfo", limit: 16 << 20).split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, fields[0] == id else { continue }
            return fields[6...].prefix { $0 != "-" }
                .contains { $0.hasPrefix("shared:") || !bothWays && $0.hasPrefix("master:") }
        }
        return false
    }

    func isolate() throws(SystemError) { try Namespaces.makeMountsPrivate() }

    func makeNode(in mount: MountTree, _ device: RuntimeDevice) throws(SystemError) {
        let tree = RootDirectory(mount.descriptor, name: "/dev")
        let parent = try tree.makeDirectories(Path.parent(device.path))
        let name = Path.name(device.path)
        let type: Int32 =
            switch device.kind {
            case .character: S_IFCHR
            case .block: S_IFBLK
            case .fifo: S_IFIFO
            }
        let number = device.kind == .fifo ? 0 : swl_makedev(device.major, device.minor)
        let mode = mode_t(type) | mode_t(device.fileMode ?? 0o666) & 0o777
        let raw = parent.raw
        let object = "/dev\(device.path) (\(device.kind.rawValue) \(device.major):\(device.minor))"
        try retrying("make the device", object) { mknodat(raw, name, mode, number) }
        if device.uid != 0 || device.gid != 0 {
            try retrying("chown the device", object) {
                fchownat(raw, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW)
            }
        }
    }

    func makeLink(in mount: MountTree, _ path: String, to target: String) throws(SystemError) {
        let parent = try RootDirectory(mount.descriptor, name: "/dev").open(Path.parent(path), O_PATH | O_DIRECTORY)
        let raw = parent.raw
        try retrying("make the link", "/dev\(path)") { symlinkat(target, raw, Path.name(path)) }
    }

    /// On top of the host's root, where only this namespace sees it: no folder of the host is needed as a place, and
    /// the change of the root leaves it alone there.
    mutating func attachRoot(_ mount: MountTree) throws(SystemError) {
        try mount.attach(to: try .open("/", O_PATH | O_DIRECTORY), name: "/")
        root = RootDirectory(mount.descriptor, name: "the container's root")
    }

    func isDirectory(_ mount: MountTree) throws(SystemError) -> Bool {
        swl_is_dir(try mount.descriptor.descriptor.status(name: mount.name).st_mode)
    }

    func isDirectory(_ target: Target) throws(SystemError) -> Bool {
        swl_is_dir(try target.descriptor.descriptor.status(name: target.name).st_mode)
    }

    func isProcfs(_ mount: MountTree) throws(SystemError) -> Bool {
        swl_filesystem_magic(mount.descriptor.raw) == Int64(PROC_SUPER_MAGIC)
    }

    func isProcfs(_ target: Target) throws(SystemError) -> Bool {
        swl_filesystem_magic(target.descriptor.raw) == Int64(PROC_SUPER_MAGIC)
    }

    func find(_ path: String, links: RootDirectory.Links) throws(SystemError) -> Target? {
        do {
            return Target(
                descriptor: SharedDescriptor(try rootDirectory().open(path, O_PATH, links: links)), name: path)
        } catch {
            if error.errno == .noEntry || error.errno == .notDirectory { return nil }
            throw error
        }
    }

    func make(_ path: String, directory: Bool, links: RootDirectory.Links) throws(SystemError) -> Target {
        let root = try rootDirectory()
        let descriptor =
            directory ? try root.makeDirectories(path, links: links) : try root.makeFile(path, links: links)
        return Target(descriptor: SharedDescriptor(descriptor), name: path)
    }

    func attach(_ mount: MountTree, to target: Target) throws(SystemError) {
        try mount.attach(to: target.descriptor.descriptor, name: target.name)
    }

    /// Looked at behind the descriptor: what a link or another device in its place leads to would be shown
    /// (CVE-2025-31133). Never the host's own node, whose mode and owner could be changed through the mount.
    func bindNull() throws(SystemError) -> MountTree {
        let null = try rootDirectory().open("/dev/null", O_PATH)
        let status = try null.status(name: "/dev/null")
        guard swl_is_char(status.st_mode), status.st_rdev == swl_makedev(1, 3) else {
            throw SystemError("use as the null device", "/dev/null in the container", .invalid)
        }
        let copy = try MountTree.clone(of: null, name: "/dev/null", recursive: false)
        try copy.change(set: [.readOnly, .noSetUserID, .noExecute])
        return copy
    }

    func pivot() throws(SystemError) {
        let root = try rootDirectory()
        try retrying("fchdir", root.name) { fchdir(root.directory.raw) }
        // With both names "." the old root comes to lie on top of the new one, and needs no folder in it.
        try retrying("pivot_root", root.name) { swl_pivot_root(".", ".") }
        try retrying("unmount", "the host's root") { umount2(".", Int32(MNT_DETACH)) }
        try retrying("chdir", "/") { chdir("/") }
    }
}
