import Base
import CLinux
import Cgroups
import Images
import Kube
import PodProtocol
import PodRuntime

/// The operations of one pod on this machine: its supervisor, cgroups, volumes and files.
@LoopActor
public final class PodSandbox: PodOperations {
    var pod: Pod
    let node: NodeServices
    let directory: PodDirectory
    let cgroupPlan: PodCgroupPlan
    /// Of the sandbox that is there.
    private var connection = PodConnection()
    var openPullPolicies: Set<String>
    let openVolumePolicies: Set<String>
    public var onExit: ((_ container: String, _ attempt: Int, ContainerRecord.Termination) -> Void)?
    public var onSupervisorLost: (() -> Void)?
    public var onSupervisorUnreachable: ((String) -> Void)?
    public var onNote: ((EventNote) -> Void)?

    /// Set while the supervisor is there.
    var client: SupervisorClient?
    /// Set when the sandbox is complete.
    var context: PodContext?
    var lossWaiters: [CheckedContinuation<Void, Never>] = []
    /// The supervisor is being ended by us: that it goes is no loss.
    var isTearingDown = false
    /// The sandbox is being made: nothing is released for good before that has ended.
    var making: Task<[AdoptedContainer]?, any Error>?
    /// The supervisor is one that an earlier run of the agent started.
    var isAdopted = false
    /// The connection to a supervisor that lives and cannot be spoken with: it still says when the process ends.
    var broken: SupervisorClient?
    /// Why the supervisor cannot be spoken with, as the last try found.
    var unreachable: SupervisorUnreachable?
    /// How the last supervisor went.
    var loss: SupervisorClient.Loss?
    /// What a supervisor that died left is being released.
    var releasing: Task<Void, Never>?
    var preparedCgroups: Set<String> = []
    /// Counted up with every change of a ConfigMap or Secret that the pod names.
    var objectChanges = 0
    /// The volumes are being brought up to date.
    var updating: Task<Void, Never>?
    /// Hooks that run, by container.
    var hooks: [String: HookRun] = [:]
    /// Starts that wait for an image, by container.
    var pulls: [String: PullWait] = [:]
    /// The volumes of images that are mounted, or are being mounted, by name.
    var imageVolumes: [String: ImageVolume] = [:]
    /// Starts that an earlier agent asked for and whose outcome is still to come.
    private var adoptedStarts: Set<Attempt> = []
    /// What an earlier run of the agent left, for as long as nobody has looked at it; nil when there is nothing.
    var left: Left?

    /// A sandbox on record.
    struct Left {
        var connection: PodConnection
    }

    /// How long a supervisor that runs may take to say what it runs.
    private static let answerTime = Nanoseconds.seconds(10)

    private struct Attempt: Hashable {
        var container: String
        var number: Int64
        init(_ state: PodProtocol.ContainerState) { (container, number) = (state.container, state.attempt) }
    }

    /// - Parameters:
    ///   - openPullPolicies: the containers whose manifest does not say when to pull.
    ///   - openVolumePolicies: the same of volumes.
    /// - Throws: `SystemError` (EINVAL) when the UID cannot name a folder.
    public init(
        _ pod: Pod, _ node: NodeServices, openPullPolicies: Set<String>, openVolumePolicies: Set<String> = []
    ) throws(SystemError) {
        guard let directory = PodDirectory(root: node.paths.pods, uid: pod.metadata.uid) else {
            throw SystemError("name the folder of", "pod uid \"\(pod.metadata.uid)\"", .invalid)
        }
        self.pod = pod
        self.openPullPolicies = openPullPolicies
        self.openVolumePolicies = openVolumePolicies
        self.node = node
        self.directory = directory
        cgroupPlan = PodCgroupPlan(pod.spec, directory: directory, podPIDLimit: node.podPIDLimit)
        guard Files.exists(PodConfiguration.socketPath(runFolder: runFolder)) else { return }
        left = Left(
            connection: pod.spec.hostNetwork ? PodConnection() : node.networks.connectionOnRecord(directory.uid))
        findImageVolumes()
        // What runs has them already.
        try? takeClaims(onlyGiven: true)
    }

    public var supervisor: SupervisorClient? { client }
    public var addresses: [String] { context?.podIPs ?? left?.connection.addresses ?? [] }
    public var networkStatus: String? { context == nil ? left?.connection.status : connection.status }
    public var isThere: Bool { context != nil || left != nil }
    var runFolder: String { node.paths.runPod(directory.uid) }

    // MARK: - Making

    public func makeSandbox() async throws -> [AdoptedContainer]? {
        let task = Task { try await make() }
        making = task
        unreachable = nil
        defer { making = nil }
        do {
            let found = try await task.value
            // It may have gone right after its answer.
            guard client != nil else { throw supervisorGone }
            return found
        } catch {
            throw unreachable ?? error
        }
    }

    private func make() async throws -> [AdoptedContainer]? {
        // What the sandbox before left is released first: it has the same names.
        await releasing?.value
        try await adopt()
        if node.onlyEndsPods {
            guard isAdopted else { throw RequestFailure(.lost, "no supervisor of the pod is there") }
        } else if context == nil || client == nil {
            context = nil
            try await complete()
        }
        // Last, so that what it answers is what there is when the pod goes on.
        let states = try await subscribe()
        if !isAdopted, !pod.spec.securityContext.sysctls.isEmpty, client?.setsSysctls != true {
            let message = "the supervisor is of a version that sets no sysctls; install one of the agent's version"
            throw RequestFailure(.unsupported, message)
        }
        return isAdopted ? takeUp(states) : nil
    }

    /// Makes what is not there of the sandbox.
    private func complete() async throws {
        if client == nil, let message = node.sysctls.refusal(of: pod.spec) {
            throw PodRejection(reason: "SysctlForbidden", message: message)
        }
        if client == nil, let message = node.appArmor.refusal(of: pod.spec) {
            throw PodRejection(reason: "AppArmor", message: message)
        }
        if client == nil, let shortage = node.diskFloor.shortage(at: node.paths.pods) { throw DiskShortage(shortage) }
        var draft = try makeContext()
        var isConnected = pod.spec.hostNetwork
        if client == nil {
            if !isConnected { try await node.networks.makeNamespace(directory.uid) }
            try spawn(draft)
        } else if !isConnected, let known = try await node.networks.existing(pod) {
            connection = known
            node.networks.checkLater(directory.uid) { [weak self] in self?.onNote?($0) }
            (draft.podIPs, isConnected) = (known.addresses, true)
        } else if !isConnected, isAdopted, try await subscribe().contains(where: \.isRunning) {
            // What runs is not ended because a note about it is lost.
            node.log.warning("pod \(pod.fullName): its addresses are not on record any more")
            isConnected = true
        }
        // Side by side, while the supervisor makes the other namespaces. (Not `async let`: its tasks begin on the
        // global executor.)
        let cgroup = Task { try await makeCgroup() }
        do {
            if !isConnected {
                connection = try await node.networks.connect(
                    pod, cgroup: node.cgroups.pathBelowMount(cgroupPlan.path),
                    resolver: { [draft] in Self.resolver(of: draft) })
                draft.podIPs = connection.addresses
                for note in connection.notes { onNote?(note) }
                warnOfObstacles()
            }
        } catch {
            _ = await cgroup.result
            throw error
        }
        try await cgroup.value
        try await prepare(draft)
    }

    private static func resolver(of context: PodContext) -> ResolverConfiguration {
        let files = PodFiles(
            context, nodeHosts: "", nodeResolvConf: NodeFiles.resolverConfiguration(forOwnNetwork: true))
        return ResolverConfiguration(parsing: files.resolvConf)
    }

    /// Finds the supervisor that an earlier run of the agent left, or that could not be spoken with any more.
    private func adopt() async throws {
        guard client == nil else { return }
        isAdopted = false
        let cgroup = Path.join(node.cgroups.supervisors.path, directory.uid)
        do throws(SystemError) {
            attach(try SupervisorClient.adopt(runFolder: runFolder, cgroup: cgroup, on: node.loop))
        } catch {
            guard error.errno == .noEntry || error.errno == .connectionRefused else {
                // What fails on our side harms no pod either.
                throw SupervisorUnreachable("\(error)")
            }
            // Only a supervisor that is dead is lost: nobody can be behind a socket that somebody removed or replaced.
            if Files.isDirectory(cgroup), try Cgroup.open(cgroup).events().populated {
                throw SupervisorUnreachable("\(error), and a process is in \(cgroup)")
            }
            if error.errno == .noEntry { return left = nil }
            node.log.warning("pod \(pod.fullName): its supervisor has ended, what it ran is killed: \(error)")
            try await releaseKernelObjects()
            throw SupervisorGone()
        }
        isAdopted = true
    }

    /// What an adopted supervisor knows of.
    private func takeUp(_ states: [PodProtocol.ContainerState]) -> [AdoptedContainer] {
        node.log.info("pod \(pod.fullName): taken up again with \(states.filter(\.isRunning).count) running containers")
        preparedCgroups = Set(states.map(\.container))
        for state in states { stopSignals[state.container] = state.stopSignal }
        adoptedStarts = Set(states.filter { $0.phase == .starting }.map(Attempt.init))
        return states.map { state in
            var adopted = AdoptedContainer(state, end: termination(of: state))
            if case .running(var started) = adopted.state,
                let container = pod.spec.allContainers.first(where: {
                    $0.name == state.container
                }),
                let image = try? node.images.resolve(container.image)
            {
                (started.imageID, started.layers) = (image.id, image.layerPaths)
                adopted.state = .running(started)
            }
            return adopted
        }
    }

    private func makeContext() throws(PodNames.TooLong) -> PodContext {
        PodContext(
            pod: pod, directory: directory, node: node.facts,
            podIPs: pod.spec.hostNetwork ? node.facts.addresses : [],
            names: try PodNames(pod, node: node.facts, nodeHostname: NodeProbe.hostname()), logs: node.paths.logs)
    }

    private func spawn(_ context: PodContext) throws {
        let configuration = PodConfiguration(
            context, runFolder: runFolder, networkNamespace: node.networks.namespacePath(directory.uid))
        let cgroup = try node.cgroups.supervisors.child(directory.uid, create: true)
        attach(
            try SupervisorClient.spawn(
                configuration, executable: node.supervisor, cgroup: cgroup.directory, on: node.loop))
    }

    private func attach(_ client: SupervisorClient) {
        self.client = client
        (broken, loss) = (nil, nil)
        client.onEvent = { [weak self] event in self?.received(event) }
        client.onLost = { [weak self] loss in self?.lost(loss) }
    }

    /// That it is gone, and why where it has said so.
    private var supervisorGone: RequestFailure {
        RequestFailure(.lost, "the pod's supervisor is gone" + (loss.map { ": \($0)" } ?? ""))
    }

    private func subscribe() async throws -> [PodProtocol.ContainerState] {
        guard let client else { throw supervisorGone }
        return try await withCheckedThrowingContinuation { continuation in
            client.subscribe(within: isAdopted ? Self.answerTime : nil) { continuation.resume(with: $0) }
        }
    }

    /// Beside everything else: other programs' rules may be many.
    private func warnOfObstacles() {
        Task {
            for warning in await node.networks.warnings() {
                onNote?(EventNote("ForwardingBlocked", "The pod may not reach others: \(warning)", warning: true))
            }
        }
    }

    private func makeCgroup() async throws {
        let (root, unenforced) = (node.cgroups.root, node.cgroups.unenforced)
        try await node.pool.run { [cgroupPlan] in
            var cgroup = root
            for component in Path.components(cgroupPlan.path) {
                cgroup = try cgroup.child(String(component), create: true)
            }
            try cgroupPlan.limits.apply(to: cgroup, unenforced: unenforced)
            try cgroup.delegateControllers(CgroupHierarchy.limiting)
        }
        if !unenforced.isEmpty, cgroupPlan.resources.hasLimits {
            onNote?(
                EventNote(
                    "LimitsNotEnforced",
                    "This node's kernel has \(unenforced.joined(separator: ", ")) on cgroup v1: the pod's limits of them "
                        + "are not enforced.", warning: true))
        }
    }

    /// Volumes and files.
    private func prepare(_ draft: PodContext) async throws {
        var context = draft
        let files = PodFiles(
            context, nodeHosts: NodeFiles.hosts(),
            nodeResolvConf: NodeFiles.resolverConfiguration(forOwnNetwork: !pod.spec.hostNetwork))
        for note in files.notes { onNote?(EventNote(note.reason, note.message, warning: true)) }
        // One writer at a time.
        await updating?.value
        let changes = objectChanges
        node.objects.retry()
        try takeClaims()
        context.volumes = try await node.pool.run {
            [
                pod, directory, isNew = !isAdopted, volumes = node.volumes, facts = node.facts,
                objects = node.objects.current
            ] in
            try volumes.prepare(pod, directory, files: files, node: facts, objects: objects, isNew: isNew)
        }
        if !isAdopted { await warnOfUnbounded() }
        self.context = context
        // What has changed meanwhile is not in them yet.
        if objectChanges != changes { updateVolumes() }
    }

    // MARK: - Containers

    public func stop(container: String) {
        guard let client else { return }
        client.signal(container, stopSignals[container] ?? SIGTERM) { [weak self] result in
            if case .failure(let failure) = result { self?.warn("stop", container, failure) }
        }
    }
    var stopSignals: [String: Int32] = [:]

    public func kill(container: String) {
        client?.kill(container) { [weak self] result in
            if case .failure(let failure) = result { self?.warn("kill", container, failure) }
        }
    }

    private func warn(_ verb: String, _ container: String, _ failure: RequestFailure) {
        node.log.warning("pod \(pod.fullName): cannot \(verb) container \(container): \(failure)")
    }

    private func received(_ event: PodEvent) {
        switch event {
        case .exited(let state):
            guard let end = termination(of: state) else { return }
            onExit?(state.container, Int(state.attempt), end)
        case .logLinesDropped(let container, _, let lines, let reason):
            onNote?(
                EventNote(
                    "LogLinesDropped", "\(lines) log lines were dropped: \(reason)", container: container,
                    warning: true))
        case .startFailed(let state):
            // The reply to the request says it, unless an earlier agent made the request.
            guard adoptedStarts.remove(Attempt(state)) != nil, let end = termination(of: state) else { return }
            onExit?(state.container, Int(state.attempt), end)
        case .started, .sessionEnded, .outputSkipped: break
        }
    }

    private func termination(of state: PodProtocol.ContainerState) -> ContainerRecord.Termination? {
        guard var end = ContainerRecord.Termination(state) else { return nil }
        end.message = node.volumes.terminationMessage(state.container, directory)
        if end.message == nil, end.exitCode != 0, readsLog(of: state.container) {
            let folder = PodContext.logFolder(of: pod, in: node.paths.logs)
            end.message = LastLogLines.read("\(folder)/\(state.container)/\(state.attempt).log")
        }
        return end
    }

    /// Whether the container's log stands in for a message that it does not leave when it fails.
    private func readsLog(of name: String) -> Bool {
        pod.spec.allContainers.contains {
            $0.name == name && $0.terminationMessagePolicy == .fallbackToLogsOnError
        }
    }

    public func forget(container: String, attempt: Int) {
        client?.forget(container, attempt: Int64(attempt)) { _ in }
        node.pool.submit { [directory, volumes = node.volumes, log = node.log] in
            do { try volumes.removeAttempt(container, attempt, directory) } catch {
                log.warning("the writable layer of container \(container) is not removed: \(error)")
            }
        }
    }

    /// Makes a container's cgroup. That of an earlier attempt is made anew: from Linux 6.14 on whatever is started in a
    /// cgroup that was killed is killed at once.
    func containerCgroup(_ container: Container) async throws -> String {
        let path = cgroupPlan.path(of: container.name)
        let wasPrepared = !preparedCgroups.insert(container.name).inserted
        let limits = cgroupPlan.limits(of: container)
        let devices = PodCgroupPlan.devices(of: container)
        let (root, unenforced) = (node.cgroups.root, node.cgroups.unenforced)
        do {
            return try await node.pool.run {
                let components = Path.components(path).map { String($0) }
                var parent = root
                for component in components.dropLast() { parent = try parent.child(component, create: true) }
                let name = components.last ?? ""
                let isGone = !wasPrepared || Self.removeEarlier(name, of: parent)
                let cgroup = try parent.child(name, create: true)
                try limits.apply(to: cgroup, unenforced: unenforced)
                if isGone { try DeviceProgram(devices).attach(to: cgroup) }
                return cgroup.path
            }
        } catch {
            preparedCgroups.remove(container.name)
            throw error
        }
    }

    /// Whether an earlier attempt's cgroup is gone.
    private nonisolated static func removeEarlier(_ name: String, of parent: Cgroup) -> Bool {
        guard let cgroup = try? parent.child(name, create: false) else { return true }
        return (try? cgroup.destroy(within: .seconds(2))) != nil
    }
}
