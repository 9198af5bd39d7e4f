import Base
import Linux
import OCI

/// Carries a plan out.
struct SetupInterpreter<Kernel: SetupKernel> {
    var kernel: Kernel
    private var mounts: [SetupStep.Slot: Kernel.Mount] = [:]
    /// The one read-only empty folder that all masked folders show.
    private var emptyFolder: Kernel.Target?

    init(_ kernel: Kernel) { self.kernel = kernel }

    mutating func run(_ steps: [SetupStep]) throws(ContainerError) {
        for step in steps {
            do { try run(step) } catch { throw Self.explain(error, step) }
        }
    }

    /// A refusal of ours, or what the kernel said.
    private enum Failure: Error {
        case system(SystemError)
        case refused(ContainerError)
    }

    private static func explain(_ failure: Failure, _ step: SetupStep) -> ContainerError {
        switch failure {
        case .refused(let error): return error
        case .system(let error): return ContainerError(error, hint: hint(error, step))
        }
    }

    private static func hint(_ error: SystemError, _ step: SetupStep) -> String {
        switch (step, error.errno) {
        case (.bind, .noEntry): return "the path does not exist on the host"
        case (.overlay, .noEntry): return "a layer, upper or work folder is missing"
        case (.overlay(_, _, _, let work), .invalid) where Files.exists(work + "/work/incompat/volatile"):
            return "the upper and work folders were mounted before: each container needs new ones"
        case (.overlay, .busy): return "another container uses the same upper or work folder"
        case (.attach(_, _, .refuse, _), .loop):
            return "the image has a symbolic link in the place of a kernel file system"
        case (.attach, .loop): return "the image's path is a link that leads through the kernel's magic links"
        case (.attach, .notDirectory): return "a folder cannot be mounted on or below a file of the image"
        case (.node, .notPermitted): return "the cgroup's device program or a missing CAP_MKNOD forbids it"
        case (.pivot, .invalid): return "the host's root must not be the initial ramfs"
        default: return ""
        }
    }

    private mutating func run(_ step: SetupStep) throws(Failure) {
        do {
            switch step {
            case .bind(let slot, let source, let recursive):
                mounts[slot] = try kernel.bind(source, recursive: recursive)
            case .isolate: try kernel.isolate()
            case .overlay(let slot, let lower, let upper, let work):
                mounts[slot] = try kernel.overlay(lower: lower, upper: upper, work: work)
            case .filesystem(let slot, let type, let source, let options, let attributes):
                mounts[slot] = try kernel.filesystem(type, source: source, options: options, attributes: attributes)
            case .change(let slot, let set, let clear, let propagation, let recursive):
                try kernel.change(
                    try mount(slot), set: set, clear: clear, propagation: propagation, recursive: recursive)
            case .requireShared(let source, let bothWays):
                if try !kernel.isShared(source, bothWays: bothWays) {
                    let wanted = bothWays ? "shared" : "shared or slave"
                    throw SystemError("share mounts with (it is not on a \(wanted) mount)", source, .invalid)
                }
            case .node(let slot, let device): try kernel.makeNode(in: try mount(slot), device)
            case .link(let slot, let path, let target):
                try kernel.makeLink(in: try mount(slot), path, to: target)
            case .attachRoot(let slot): try kernel.attachRoot(try mount(slot))
            case .attach(let slot, let destination, let links, let isBind):
                try attach(try mount(slot), destination, links, isBind)
            case .mask(let path): try mask(path)
            case .readOnly(let path): try makeReadOnly(path)
            case .pivot: try kernel.pivot()
            case .sealRoot:
                try kernel.change(
                    try mount(.root), set: .readOnly, clear: [], propagation: nil, recursive: false)
            case .rootPropagation(let propagation, let recursive):
                try kernel.change(
                    try mount(.root), set: [], clear: [], propagation: propagation, recursive: recursive)
            }
        } catch let error as SystemError { throw .system(error) } catch let error as ContainerError {
            throw .refused(error)
        } catch { throw .refused(ContainerError(.setup, "build the file systems", "\(error)")) }
    }

    private func mount(_ slot: SetupStep.Slot) throws(SystemError) -> Kernel.Mount {
        guard let mount = mounts[slot] else { throw SystemError("use a mount that was not made", "\(slot)", .invalid) }
        return mount
    }

    /// Files of procfs that tools replace by per-container ones.
    private static var replaceable: Set<String> {
        [
            "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/slabinfo", "/proc/stat",
            "/proc/swaps", "/proc/uptime",
        ]
    }

    private mutating func attach(
        _ mount: Kernel.Mount, _ destination: String, _ links: RootDirectory.Links, _ isBind: Bool
    ) throws {
        if destination == "/" {
            throw ContainerError(.invalid, "mount on", "/", .invalid, hint: "the root is the image's")
        }
        let isDirectory = isBind ? try kernel.isDirectory(mount) : true
        let target = try kernel.make(destination, directory: isDirectory, links: links)
        if try kernel.isDirectory(target) != isDirectory {
            throw ContainerError(
                .setup, "mount on", destination, isDirectory ? .notDirectory : .isDirectory,
                hint: isDirectory
                    ? "a folder cannot be mounted on or below a file of the image"
                    : "a file cannot be mounted on a folder of the image")
        }
        // A fake /proc would make the kernel's checks and ours lie (CVE-2019-16884).
        if isBind, try kernel.isProcfs(target), !Self.replaceable.contains(destination) {
            let whole = try kernel.isProcfs(mount)
            if !(destination == "/proc" && whole) {
                throw ContainerError(
                    .invalid, "mount on", destination, .notPermitted, hint: "nothing may be mounted inside /proc")
            }
        }
        try kernel.attach(mount, to: target)
    }

    private mutating func mask(_ path: String) throws {
        guard let target = try kernel.find(path, links: .follow) else { return }
        if try !kernel.isDirectory(target) {
            try kernel.attach(try kernel.bindNull(), to: target)
        } else if let emptyFolder {
            try kernel.attach(try kernel.bind(emptyFolder, recursive: false), to: target)
        } else {
            let empty = try kernel.filesystem(
                "tmpfs", source: "tmpfs",
                options: [FilesystemOption("size", "4k"), FilesystemOption("nr_inodes", "2"), .init("mode", "0555")],
                attributes: [.readOnly, .noSetUserID, .noDevices, .noExecute])
            try kernel.attach(empty, to: target)
            emptyFolder = try kernel.find(path, links: .follow)
        }
    }

    private mutating func makeReadOnly(_ path: String) throws {
        guard let target = try kernel.find(path, links: .follow) else { return }
        let copy = try kernel.bind(target, recursive: true)
        try kernel.change(copy, set: .readOnly, clear: [], propagation: nil, recursive: true)
        try kernel.attach(copy, to: target)
    }
}
