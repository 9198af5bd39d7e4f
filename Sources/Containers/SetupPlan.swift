import Base
import Linux
import OCI

/// The steps that build a container's file systems, made from its spec.
struct SetupPlan: Hashable, Sendable {
    /// Up to and with the change of the root.
    private(set) var steps: [SetupStep] = []
    /// When the user is known and the working folder exists.
    private(set) var finalSteps: [SetupStep] = []

    /// The nodes that every container has.
    static let defaultDevices: [RuntimeDevice] = [
        ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
    ].map { RuntimeDevice(path: "/dev/\($0.0)", kind: .character, major: $0.1, minor: $0.2) }

    private static let defaultLinks = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"), ("/dev/ptmx", "pts/ptmx"),
    ]

    /// - Throws: `ContainerError` naming what cannot be carried out.
    init(_ spec: RuntimeSpec, root: RootFilesystem) throws(ContainerError) {
        var sources: [SetupStep] = []
        var makes: [SetupStep] = []
        var hasDevices = false
        for (index, mount) in spec.mounts.enumerated() {
            let slot = SetupStep.Slot.mount(index)
            let destination = try Self.clean(mount.destination, "mounts[\(index)].destination")
            let options = try MountOptions(mount)
            let isDevices = destination == "/dev" && mount.type == "tmpfs" && !mount.isBind
            if mount.isBind {
                guard mount.source.hasPrefix("/") else {
                    throw ContainerError(
                        .invalid, "bind \(destination)", "source \"\(mount.source)\"", .invalid,
                        hint: "the source of a bind mount is an absolute path")
                }
                sources.append(.bind(slot, source: mount.source, recursive: options.recursive))
                if options.propagation == .shared || options.propagation == .slave {
                    let bothWays = options.propagation == .shared
                    sources.append(.requireShared(source: mount.source, bothWays: bothWays))
                }
                makes += Self.changes(slot, options)
            } else {
                makes.append(try Self.filesystem(slot, mount, options, destination))
                if options.propagation != nil {
                    makes.append(.change(slot, set: [], clear: [], propagation: options.propagation, recursive: false))
                }
                if isDevices {
                    hasDevices = true
                    makes += try Self.devices(slot, spec.linux.devices)
                }
            }
            let isKernel = ["proc", "sysfs"].contains(mount.type) && !mount.isBind
            makes.append(
                .attach(
                    slot, destination: destination, links: isKernel ? .refuse : .follow, isBind: mount.isBind))
        }
        guard hasDevices else {
            throw ContainerError(
                .invalid, "make the devices in", "/dev", .invalid,
                hint: "the spec's mounts need a tmpfs at /dev")
        }
        switch root {
        case .directory(let path):
            steps = [.bind(.root, source: path, recursive: true)] + sources + [.isolate]
            steps.append(.change(.root, set: [], clear: [], propagation: .private, recursive: true))
        case .overlay(let lower, let upper, let work):
            steps = sources + [.isolate, .overlay(.root, lower: lower, upper: upper, work: work)]
        }
        steps.append(.attachRoot(.root))
        steps += makes
        for path in spec.linux.readonlyPaths { steps.append(.readOnly(try Self.clean(path, "linux.readonlyPaths"))) }
        for path in spec.linux.maskedPaths { steps.append(.mask(try Self.clean(path, "linux.maskedPaths"))) }
        steps.append(.pivot)
        if spec.root.readonly { finalSteps.append(.sealRoot) }
        if let name = spec.linux.rootfsPropagation, !name.isEmpty {
            guard let (propagation, recursive) = MountOptions.propagation(named: name) else {
                throw ContainerError(.invalid, "linux.rootfsPropagation", "\"\(name)\"", .invalid)
            }
            // `r...` would undo what single mounts ask for; they carry their own.
            finalSteps.append(.rootPropagation(propagation, recursive: recursive && spec.mounts.isEmpty))
        }
    }

    /// Absolute, without empty components and `.`; `..` is refused.
    static func clean(_ path: String, _ field: String) throws(ContainerError) -> String {
        let parts = Path.components(path)
        guard path.hasPrefix("/"), !parts.contains(".."), !path.utf8.contains(0) else {
            throw ContainerError(
                .invalid, field, "\"\(path)\"", .invalid,
                hint: "a path in the container is absolute and has no \"..\"")
        }
        return "/" + parts.joined(separator: "/")
    }

    private static func changes(_ slot: SetupStep.Slot, _ options: MountOptions) -> [SetupStep] {
        var list: [SetupStep] = []
        if !options.setBelow.isEmpty || !options.clearBelow.isEmpty {
            list.append(
                .change(slot, set: options.setBelow, clear: options.clearBelow, propagation: nil, recursive: true))
        }
        if !options.set.isEmpty || !options.clear.isEmpty {
            list.append(.change(slot, set: options.set, clear: options.clear, propagation: nil, recursive: false))
        }
        // Without a word about it nothing travels, in either direction.
        list.append(
            .change(
                slot, set: [], clear: [], propagation: options.propagation ?? .private,
                recursive: options.propagation == nil || options.propagatesBelow))
        return list
    }

    private static let filesystems = ["proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"]

    private static func filesystem(
        _ slot: SetupStep.Slot, _ mount: RuntimeMount, _ options: MountOptions, _ destination: String
    ) throws(ContainerError) -> SetupStep {
        guard filesystems.contains(mount.type) else {
            throw ContainerError(
                .invalid, "mount \(destination)", "type \"\(mount.type)\"", .notSupported,
                hint: "supported are bind, " + filesystems.joined(separator: ", "))
        }
        guard options.setBelow.isEmpty, options.clearBelow.isEmpty else {
            throw ContainerError(
                .invalid, "mount \(destination)", "recursive attributes", .invalid,
                hint: "a new file system has nothing below it")
        }
        return .filesystem(
            slot, type: mount.type == "cgroup" ? "cgroup2" : mount.type,
            source: mount.source.isEmpty ? mount.type : mount.source, options: options.data, attributes: options.set)
    }

    private static func devices(
        _ slot: SetupStep.Slot, _ asked: [RuntimeDevice]
    ) throws(ContainerError) -> [SetupStep] {
        var nodes: [SetupStep] = []
        var taken: Set<String> = []
        for device in asked {
            let path = try clean(device.path, "linux.devices")
            guard path.hasPrefix("/dev/") else {
                throw ContainerError(.invalid, "linux.devices", path, .invalid, hint: "devices are made below /dev")
            }
            guard taken.insert(path).inserted else {
                throw ContainerError(.invalid, "linux.devices", path, .exists, hint: "it stands there twice")
            }
            var node = device
            node.path = String(path.dropFirst(4))
            nodes.append(.node(slot, node))
        }
        for device in defaultDevices where !taken.contains(device.path) {
            var node = device
            node.path = String(device.path.dropFirst(4))
            nodes.append(.node(slot, node))
        }
        for (path, target) in defaultLinks where !taken.contains(path) {
            nodes.append(.link(slot, path: String(path.dropFirst(4)), target: target))
        }
        return nodes
    }
}
