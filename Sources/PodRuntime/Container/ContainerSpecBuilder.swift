import Base
import Cgroups
import Kube
import OCI
import PodProtocol

/// Turns a container of a pod and its image into a plan to make it: commands, environment, user, capabilities, mounts
/// and devices by the rules of Kubernetes and containerd. Pure.
public struct ContainerSpecBuilder: Sendable {
    let context: PodContext
    let objects: DataObjects
    let files: EnvFiles

    /// - Parameter files: those that the container's variables come from.
    public init(_ context: PodContext, objects: DataObjects = DataObjects(), files: EnvFiles = EnvFiles()) {
        self.files = files
        self.context = context
        self.objects = objects
    }

    /// - Parameters:
    ///   - image: what the image says of its process.
    ///   - layers: the image's folders, the topmost first.
    ///   - hostDevices: the host's device nodes, which a privileged container sees.
    /// - Throws: `ContainerConfigError` with the reason and message of the waiting state.
    public func plan(
        _ container: Container, image: ImageConfig, layers: [String], attempt: Int,
        hostDevices: [RuntimeDevice] = []
    ) throws(ContainerConfigError) -> ContainerPlan {
        let security = container.securityContext
        let privileged = security?.privileged ?? false
        try NonRootRule.check(context, container, image: image)
        let variables = try EnvironmentBuilder(
            pod: context.pod, node: context.node, podIPs: context.podIPs, objects: objects, files: files
        ).variables(of: container)
        let parts = try SubPathRule(context).parts(of: container, variables)

        var process = RuntimeProcess(
            args: try Self.arguments(container, image, variables),
            env: EnvironmentBuilder.environment(
                variables, image: image, hostname: context.hostname, terminal: container.tty),
            cwd: Self.workingDirectory(container, image))
        process.terminal = container.tty
        let capabilities = try Capability.effective(
            add: security?.capabilities?.add ?? [], drop: security?.capabilities?.drop ?? [], privileged: privileged,
            available: context.node.capabilities)
        process.capabilities = RuntimeCapabilities(capabilities)
        process.noNewPrivileges = security?.allowPrivilegeEscalation == false
        process.oomScoreAdj = oomScoreAdjustment(container)

        var spec = RuntimeSpec(
            process: process, root: RuntimeRoot(readonly: security?.readOnlyRootFilesystem ?? false),
            mounts: try mounts(container, parts))
        spec.annotations = annotations(container)
        spec.linux = linux(container, privileged: privileged, hostDevices: hostDevices)
        var plan = ContainerPlan(
            container: container.name, spec: spec, layers: layers, user: try user(container, image),
            seccomp: seccomp(container, privileged, capabilities), stopSignal: try Self.stopSignal(container, image),
            attemptFolder: context.directory.attempt(container.name, attempt), attempt: attempt,
            logPath: context.logPath(container: container.name, attempt: attempt))
        plan.appArmor = appArmor(container, privileged)
        plan.writableLimit = container.resources.limits["ephemeral-storage"]?.value
        plan.standardInput = container.stdin
        plan.standardInputOnce = container.stdinOnce
        plan.pidTarget = pidTarget(container)
        plan.subPaths = parts.sorted { $0.key < $1.key }.map(\.value)
        return plan
    }

    // MARK: The process

    /// `command` replaces the image's entrypoint and drops its command; `args` replaces the image's command.
    static func arguments(
        _ container: Container, _ image: ImageConfig, _ variables: [EnvironmentBuilder.Variable]
    ) throws(ContainerConfigError) -> [String] {
        let values = Dictionary(variables.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        func expanded(_ texts: [String]) -> [String] {
            texts.map { text in VariableExpansion.expand(text) { values[$0] } }
        }
        let (command, args) = (expanded(container.command), expanded(container.args))
        let arguments: [String]
        if !command.isEmpty {
            arguments = command + args
        } else {
            arguments = (image.entrypoint ?? []) + (args.isEmpty ? image.cmd ?? [] : args)
        }
        guard let program = arguments.first, !program.isEmpty else {
            throw ContainerConfigError(.createContainer, "no command specified")
        }
        guard !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw ContainerConfigError(.createContainer, "the command or its arguments have a NUL byte")
        }
        return arguments
    }

    static func workingDirectory(_ container: Container, _ image: ImageConfig) -> String {
        let folder = container.workingDir ?? image.workingDir
        return folder.hasPrefix("/") ? folder : "/" + folder
    }

    static func stopSignal(_ container: Container, _ image: ImageConfig) throws(ContainerConfigError) -> Int32 {
        if let number = container.lifecycle?.stopSignal.flatMap(SignalName.number) { return number }
        guard let name = image.stopSignal else { return 15 }
        if let number = SignalName.number(name) { return number }
        throw ContainerConfigError(.createContainer, "the image's stop signal \"\(name)\" is no signal")
    }

    /// A sidecar goes no sooner than what it serves.
    private func sidecarScore(_ container: Container, _ score: Int) -> Int {
        guard context.pod.spec.isSidecar(container.name) else { return score }
        return context.pod.spec.containers.map { OOMScore.adjustment($0, of: context) }.reduce(score, min)
    }

    private func oomScoreAdjustment(_ container: Container) -> Int {
        let score = OOMScore.adjustment(container, of: context)
        return max(sidecarScore(container, score), context.node.minimumOOMScoreAdjustment)
    }

    private func user(_ container: Container, _ image: ImageConfig) throws(ContainerConfigError) -> StartContainer.User
    {
        let pod = context.pod.spec.securityContext
        let security = container.securityContext
        func id(_ value: Int64?, _ field: String) throws(ContainerConfigError) -> UInt32? {
            guard let value else { return nil }
            // The highest number means "no user" to the kernel.
            guard let id = UInt32(exactly: value), id != .max else {
                throw ContainerConfigError(.createContainerConfig, "\(field): \(value) is not an id (0 to 4294967294)")
            }
            return id
        }
        var groups: [UInt32] = []
        if let group = try id(pod.fsGroup, "securityContext.fsGroup") { groups.append(group) }
        for group in pod.supplementalGroups {
            if let group = try id(group, "securityContext.supplementalGroups") { groups.append(group) }
        }
        return StartContainer.User(
            image: image.user, uid: try id(security?.runAsUser ?? pod.runAsUser, "securityContext.runAsUser"),
            gid: try id(security?.runAsGroup ?? pod.runAsGroup, "securityContext.runAsGroup"), groups: groups,
            usesImageGroups: pod.supplementalGroupsPolicy != .strict,
            mustNotBeRoot: security?.runAsNonRoot ?? pod.runAsNonRoot ?? false)
    }

    /// RuntimeDefault unless the manifest says otherwise; a privileged container has none.
    private func seccomp(_ container: Container, _ privileged: Bool, _ capabilities: [String]) -> ContainerPlan.Seccomp
    {
        if privileged { return .unconfined }
        let profile = container.securityContext?.seccompProfile ?? context.pod.spec.securityContext.seccompProfile
        switch profile?.type {
        case .unconfined: return .unconfined
        case .runtimeDefault, nil: return .runtimeDefault(capabilities: capabilities)
        case .localhost:
            return .localhost(profile: profile?.localhostProfile ?? "", capabilities: capabilities)
        }
    }

    /// RuntimeDefault unless the manifest says otherwise. To a privileged container that says nothing, as in containerd.
    private func appArmor(_ container: Container, _ privileged: Bool) -> ContainerPlan.AppArmor {
        let profile = container.securityContext?.appArmorProfile ?? context.pod.spec.securityContext.appArmorProfile
        switch profile?.type {
        case .unconfined: return .unconfined
        case .localhost: return .localhost(profile?.localhostProfile ?? "")
        case .runtimeDefault, nil: return privileged ? .unconfined : .runtimeDefault(isAsked: profile != nil)
        }
    }

    // MARK: What it sees

    private func mounts(
        _ container: Container, _ parts: [Int: ContainerPlan.SubPathMount]
    ) throws(ContainerConfigError) -> [RuntimeMount] {
        var own: [RuntimeMount] = []
        // What the agent writes, and what an image holds, is not the container's to change.
        let readOnly = Set(context.pod.spec.volumes.filter(\.isReadOnly).map(\.name))
        let images = Set(context.pod.spec.volumes.filter { $0.image != nil }.map(\.name))
        for (n, mount) in container.volumeMounts.enumerated() {
            guard let source = context.volumes[mount.name] else {
                throw ContainerConfigError(
                    .createContainerConfig,
                    "cannot find volume \"\(mount.name)\" to mount into container \"\(container.name)\"")
            }
            let destination = Self.clean(mount.mountPath)
            if destination == "/" {
                throw ContainerConfigError(
                    .createContainerConfig,
                    "volume \"\(mount.name)\" cannot be mounted at / of container \"\(container.name)\": that is the "
                        + "image's root file system")
            }
            let access = mount.readOnly || readOnly.contains(mount.name) ? "ro" : "rw"
            own.append(
                RuntimeMount(
                    destination: destination, type: "bind", source: parts[n]?.target ?? source,
                    options: ["rbind", Self.propagation(mount), access]
                        + (images.contains(mount.name) ? ["nosuid", "nodev", "noexec"] : [])
                        + (mount.isRecursivelyReadOnly ? ["rro"] : [])))
        }
        let destinations = Set(own.map(\.destination))
        var mounts = DefaultMounts.without(destinations, DefaultMounts.mounts(context, container)) + own
        let termination = Self.clean(container.terminationMessagePath)
        if termination != "/" {
            mounts.append(
                RuntimeMount(
                    destination: termination, type: "bind",
                    source: context.directory.terminationLog(container.name), options: ["rbind", "rprivate", "rw"]))
        }
        // What lies deeper is mounted later; the order in the manifest decides among equals.
        return mounts.enumerated()
            .sorted { a, b in
                let depths = (
                    Path.components(a.element.destination).count, Path.components(b.element.destination).count
                )
                return depths.0 == depths.1 ? a.offset < b.offset : depths.0 < depths.1
            }
            .map(\.element)
    }

    private static func propagation(_ mount: VolumeMount) -> String {
        switch mount.mountPropagation {
        case nil, .some(.none): "rprivate"
        case .hostToContainer: "rslave"
        case .bidirectional: "rshared"
        }
    }

    /// An absolute path without empty and `.` parts, and with `..` taken back.
    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in Path.components(path) {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    private func linux(_ container: Container, privileged: Bool, hostDevices: [RuntimeDevice]) -> RuntimeLinux {
        let pod = context.pod.spec
        var linux = RuntimeLinux()
        linux.namespaces = [RuntimeNamespace(.mount)]
        // With shareProcessNamespace, hostPID and a target the container is in a namespace that exists already.
        if !pod.hostPID, !pod.shareProcessNamespace, pidTarget(container) == nil {
            linux.namespaces.append(RuntimeNamespace(.pid))
        }
        if privileged {
            linux.devices = hostDevices
        } else {
            linux.namespaces.append(RuntimeNamespace(.cgroup))
            linux.maskedPaths = DefaultMounts.maskedPaths + context.node.hiddenPaths
            linux.readonlyPaths = DefaultMounts.readonlyPaths
        }
        linux.resources.devices = PodCgroupPlan.devices(of: container).map(Self.rule)
        return linux
    }

    /// Where the containers of the pod each have a pid namespace of their own, that of the one it looks into.
    private func pidTarget(_ container: Container) -> String? {
        let pod = context.pod.spec
        if pod.hostPID || pod.shareProcessNamespace { return nil }
        return pod.ephemeralContainers.first { $0.name == container.name }?.targetContainerName
    }

    private static func rule(_ rule: DeviceRule) -> RuntimeDeviceRule {
        let kinds: [DeviceRule.Kind: String] = [.all: "a", .block: "b", .character: "c"]
        let access =
            (rule.access.contains(.read) ? "r" : "") + (rule.access.contains(.write) ? "w" : "")
            + (rule.access.contains(.makeNode) ? "m" : "")
        return RuntimeDeviceRule(
            allow: rule.allow, type: kinds[rule.kind] ?? "a", major: rule.major, minor: rule.minor, access: access)
    }

    /// How the container is told apart in the supervisor's records, by the names the CRI gives these.
    private func annotations(_ container: Container) -> [String: String] {
        [
            "io.kubernetes.cri.container-name": container.name,
            "io.kubernetes.cri.sandbox-name": context.pod.metadata.name,
            "io.kubernetes.cri.sandbox-namespace": context.pod.metadata.namespace,
            "io.kubernetes.cri.sandbox-uid": context.pod.metadata.uid,
        ]
    }
}
