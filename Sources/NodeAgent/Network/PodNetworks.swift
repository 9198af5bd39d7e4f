import Base
import CNIRuntime
import CNITypes
import JSON
import Kube
import Linux
import Netlink

/// The networks of the node's pods: each pod without `hostNetwork` gets a network namespace, and an interface `eth0` in
/// it that CNI plugins make. What is done is written down before it is done, so that an agent that is killed in between
/// leaves nothing that the next one does not find.
@LoopActor
public final class PodNetworks {
    /// The name of a pod's interface.
    private static let interface = "eth0"

    let pool: BlockingPool
    private let log: Log
    private let paths: NodePaths
    let choice: NetworkChoice
    let store: AttachmentStore
    let runner: PluginRunner
    let builtIn: BuiltInNetwork
    private let gate = NetworkGate()
    private let loop: EventLoop
    /// Attached, or being attached or released.
    private var active: Set<String> = []
    private var hostPorts = HostPorts()
    private var idleTimer: EventLoop.Token?
    /// Pods that are being attached or released now.
    var changing: Set<String> = []
    /// Those of them whose rules were not looked at meanwhile.
    var wasPassedOver: Set<String> = []
    /// What is missing of the rules is being put back.
    var restoration: Task<Void, Never>?
    lazy var keeper = RuleKeeper(
        loop: loop, log: log, isOurs: { [processes = runner.processes] in processes.contains($0) },
        restore: { [weak self] in try await self?.restoreRules() ?? false })
    /// What other programs drop, as it was last looked at; nil before the first pod.
    private var obstacles: [ForwardObstacle]?
    private var reviewed = BootInstant(nanoseconds: 0)

    /// - Parameter pluginFolders: where plugins are looked for, in order.
    public init(
        loop: EventLoop, pool: BlockingPool, log: Log, paths: NodePaths, builtIn: BuiltInNetwork,
        pluginFolders: [String]
    ) {
        self.loop = loop
        self.pool = pool
        self.log = log
        self.paths = paths
        self.builtIn = builtIn
        store = AttachmentStore(folder: paths.attachments)
        runner = PluginRunner(loop: loop, pool: pool, log: log, folders: pluginFolders)
        choice = NetworkChoice(
            loop: loop, pool: pool, log: log, folder: NetworkFolder(paths.networkConfigurations), builtIn: builtIn.list,
            runner: runner)
    }

    /// Follows the folder of configurations from now on.
    ///
    /// - Parameter onChange: called when pods that wait for their network may try again.
    public func start(onChange: @escaping () -> Void) {
        choice.onChange = onChange
        choice.start()
    }

    /// Where a pod's network namespace is mounted.
    public func namespacePath(_ uid: String) -> String { Path.join(paths.networkNamespaces, uid) }

    // MARK: - Attaching

    /// What an earlier call made for the pod and is still there: its addresses; nil when something of it is missing.
    public func existing(_ pod: Pod) async throws -> [String]? {
        let uid = pod.metadata.uid
        let path = namespacePath(uid)
        let found = try await pool.run { [store] () -> Attachment? in
            guard let attachment = try? store.load(uid), attachment.result != nil else { return nil }
            do { _ = try NetworkNamespace(path: path) } catch { return nil }
            return attachment
        }
        guard let found else { return nil }
        let addresses = try found.addresses()
        active.insert(uid)
        // It has them: who came in between is the one that is refused.
        try? hostPorts.claim(pod)
        keepRules(of: found)
        return addresses
    }

    /// The addresses on record of a pod that an earlier agent attached, without a look at whether it is attached still;
    /// none where nothing is on record. Reads one file in /run: for the agent's start.
    func addressesOnRecord(_ uid: String) -> [String] {
        guard let attachment = try? store.load(uid) else { return [] }
        return (try? attachment.addresses()) ?? []
    }

    /// Makes the pod's network namespace, releasing first whatever an earlier try has left.
    public func makeNamespace(_ uid: String) async throws {
        active.insert(uid)
        try await release(uid)
        active.insert(uid)
        let path = namespacePath(uid)
        try await pool.run { [folder = paths.networkNamespaces] in
            try Files.makeDirectories(folder, mode: 0o755)
            try NetworkNamespace.create(at: path)
        }
    }

    /// Connects the pod's namespace to the network that the configuration names now.
    ///
    /// - Returns: the pod's addresses, at least one.
    /// - Throws: `NetworkFailure` or `SystemError`; nothing of the attachment is then left, or, where a plugin cannot
    ///   undo its part, it is still on record and released by the next try.
    public func connect(_ pod: Pod) async throws -> [String] {
        try hostPorts.claim(pod)
        await beginChange(of: pod.metadata.uid)
        defer { endChange(of: pod.metadata.uid) }
        do {
            return try await gate.pass(exclusively: false) { try await attach(pod) }
        } catch {
            hostPorts.release(pod.metadata.uid)
            choice.attachmentFailed()
            throw error
        }
    }

    private func attach(_ pod: Pod) async throws -> [String] {
        // Of an earlier try that could not be undone.
        if let old = try await pool.run({ [store] in try store.load(pod.metadata.uid) }) { try await delete(old) }
        let arguments = Self.capabilityArguments(pod)
        var list = try await choice.current()
        if list == builtIn.list, arguments.isEmpty { list = builtIn.listWithoutPorts }
        for wanted in arguments.members where !list.hasCapability(wanted.key) {
            throw NetworkFailure(
                "network \(list.name) of \(choice.file ?? "this node") cannot give the pod its hostPort: no plugin of it has "
                    + "the capability \(wanted.key); add the plugin portmap with it, or remove hostPort")
        }
        var attachment = Attachment(
            containerID: pod.metadata.uid, interfaceName: Self.interface,
            namespacePath: namespacePath(pod.metadata.uid), network: list, arguments: Self.arguments(pod),
            capabilityArguments: arguments)
        try await pool.run { [store, builtIn, attachment] in
            try builtIn.prepare(for: attachment.network)
            try store.save(attachment)
        }
        keepRules(of: attachment)
        do {
            attachment.result = try await add(attachment)
            let addresses = try attachment.addresses()
            guard !addresses.isEmpty else {
                throw NetworkFailure("network \(list.name) gave the pod no address; its last plugin must report one")
            }
            try await pool.run { [store, attachment] in try store.save(attachment) }
            return addresses
        } catch {
            do {
                try await delete(attachment)
                try await pool.run { [store] in try store.remove(pod.metadata.uid) }
            } catch {
                log.warning("pod \(pod.fullName): \(error)")
            }
            throw error
        }
    }

    private func add(_ attachment: Attachment) async throws -> JSONValue? {
        var result: JSONValue?
        for (index, plugin) in attachment.network.plugins.enumerated() {
            let request = PluginRequest(
                .add, attachment, plugin: index, previous: result, path: runner.folders)
            do throws(CNIError) {
                result = try await runner.run(request)
            } catch {
                throw NetworkFailure("cannot attach the pod", plugin: plugin.type, of: attachment.network.name, error)
            }
        }
        return result
    }

    // MARK: - What is seen of it

    /// What is known now, without looking.
    public var state: NetworkState {
        NetworkState(
            source: choice.file ?? builtIn.summary, problems: choice.problems, obstacles: obstacles ?? [],
            unreadiness: choice.unreadiness)
    }

    /// Why the packets of a pod that was just attached may not get far; empty when nothing is known to stop them.
    public func warnings() async -> [String] {
        // Others' rules change seldom, and reading them can be much: not for each of many pods.
        if obstacles == nil || BootInstant.now > reviewed + .seconds(5) { await review() }
        return (obstacles ?? []).map(\.advice)
    }

    private func review() async {
        guard choice.file == nil else {
            obstacles = []
            return
        }
        reviewed = .now
        do {
            let found = try await pool.run { [builtIn] in try builtIn.forwarding.obstacles() }
            for obstacle in found where obstacles?.contains(obstacle) != true { log.warning("\(obstacle)") }
            obstacles = found
        } catch {
            obstacles = []
            log.warning("it is not known whether other programs' rules drop the pods' packets: \(error)")
        }
    }

    /// What kubelet and containerd tell plugins of a pod.
    private static func arguments(_ pod: Pod) -> [String] {
        [
            "IgnoreUnknown=1", "K8S_POD_NAMESPACE=\(pod.metadata.namespace)", "K8S_POD_NAME=\(pod.metadata.name)",
            "K8S_POD_INFRA_CONTAINER_ID=\(pod.metadata.uid)", "K8S_POD_UID=\(pod.metadata.uid)",
        ]
    }

    private static func capabilityArguments(_ pod: Pod) -> JSONObject {
        let mappings = (pod.spec.sidecars + pod.spec.containers).flatMap(\.ports).compactMap { port -> JSONValue? in
            guard let hostPort = port.hostPort else { return nil }
            var mapping = JSONObject()
            mapping.append("hostPort", .integer(hostPort))
            mapping.append("containerPort", .integer(port.containerPort))
            mapping.append("protocol", .string(port.protocol.rawValue.lowercased()))
            mapping.append("hostIP", ifPresent: port.hostIP.map { .string($0) })
            return .object(mapping)
        }
        var arguments = JSONObject()
        if !mappings.isEmpty { arguments.append("portMappings", .array(mappings)) }
        return arguments
    }

    // MARK: - Releasing

    /// Undoes what was made for the pod, as it was made, and removes its namespace. Nothing happens where there is
    /// nothing.
    ///
    /// - Throws: `NetworkFailure` or `SystemError`; the rest is on record for the next try.
    public func release(_ uid: String) async throws {
        let path = namespacePath(uid)
        let isThere = try await pool.run { [store] in
            Files.exists(path) || ((try? store.containers().contains(uid)) ?? true)
        }
        guard isThere else {
            active.remove(uid)
            hostPorts.release(uid)
            return
        }
        await beginChange(of: uid)
        defer { endChange(of: uid) }
        try await gate.pass(exclusively: false) {
            let found: Result<Attachment?, any Error> = try await pool.run { [store] in
                Result { try store.load(uid) }
            }
            switch found {
            case .success(let attachment?): try await delete(attachment)
            case .success(nil): break
            case .failure(let error):
                log.error("the record of pod \(uid)'s network is lost, what it held is collected later: \(error)")
            }
            try await pool.run { [store] in
                try NetworkNamespace.remove(at: path)
                try store.remove(uid)
            }
        }
        active.remove(uid)
        hostPorts.release(uid)
        settleLater()
    }

    private func delete(_ attachment: Attachment) async throws {
        var attachment = attachment
        // A namespace that is gone is not named to the plugins.
        if (try? NetworkNamespace(path: attachment.namespacePath)) == nil { attachment.namespacePath = "" }
        var failure: NetworkFailure?
        for (index, plugin) in attachment.network.plugins.enumerated().reversed() {
            let request = PluginRequest(
                .delete, attachment, plugin: index, previous: attachment.result, path: runner.folders)
            do throws(CNIError) {
                _ = try await runner.run(request)
            } catch {
                // One that did not take part in ADD has nothing to undo.
                if attachment.result == nil, Self.cannotHaveBegun.contains(error.code) { continue }
                failure =
                    failure
                    ?? NetworkFailure("cannot release the pod", plugin: plugin.type, of: attachment.network.name, error)
            }
        }
        if let failure { throw failure }
    }

    /// The plugin is not there, or refuses the configuration as such.
    private static let cannotHaveBegun: Set<CNIError.Code> = [
        .unavailable, .incompatibleVersion, .unsupportedField, .invalidConfiguration,
    ]

    // MARK: - The whole network

    /// Releases what pods that are not `known` have left, and lets the plugins collect what nobody holds. For the
    /// agent's start.
    public func sweep(known: Set<String>) async {
        do {
            let (records, namespaces) = try await pool.run { [store, paths] in
                (try store.containers(), (try? Files.list(paths.networkNamespaces)) ?? [])
            }
            let strangers = Set(records + namespaces).subtracting(known)
            for uid in strangers.sorted() where !active.contains(uid) {
                do {
                    try await release(uid)
                    log.info("released the network of pod \(uid), which is gone")
                } catch {
                    log.warning("pod \(uid) is gone and its network is not: \(error)")
                }
            }
            if !records.isEmpty || !namespaces.isEmpty { try await collectGarbage() }
            // Rules that were removed while no agent ran.
            if !records.isEmpty { await keeper.look() }
        } catch {
            log.warning("the networks of earlier pods are not looked through: \(error)")
        }
        settleLater()
    }

    private func collectGarbage() async throws {
        try await gate.pass(exclusively: true) {
            let list = try await choice.current()
            guard list.version >= .v110, !list.disablesGarbageCollection else { return }
            let valid = try await pool.run { [store] in try store.containers() }
                .map { NetworkConfiguration.Attachment(containerID: $0, interfaceName: Self.interface) }
            for (index, plugin) in list.plugins.enumerated() {
                let request = PluginRequest(
                    collectGarbageOf: list, plugin: index, valid: valid, path: runner.folders)
                do throws(CNIError) {
                    _ = try await runner.run(request)
                } catch {
                    log.warning("network \(list.name): plugin \(plugin.type) cannot collect garbage: \(error)")
                }
            }
        }
    }

    /// Without pods for a while, the built-in network is taken down.
    private func settleLater() {
        guard active.isEmpty else { return }
        if let idleTimer { loop.cancel(idleTimer) }
        idleTimer = loop.schedule(after: .seconds(3)) { [weak self] in
            guard let self else { return }
            self.idleTimer = nil
            Task { await self.settle() }
        }
    }

    /// Takes the built-in network down when no pod is attached: its bridge, its rules, the settings of the host.
    public func settle() async {
        if let idleTimer { loop.cancel(idleTimer) }
        idleTimer = nil
        guard active.isEmpty else { return }
        do {
            try await gate.pass(exclusively: true) {
                guard active.isEmpty else { return }
                try await pool.run { [store, builtIn] in
                    guard try store.containers().isEmpty else { return }
                    try builtIn.takeDown()
                }
                if active.isEmpty { keeper.stop() }
                obstacles = nil
            }
        } catch {
            log.warning("the built-in network is not taken down: \(error)")
        }
    }
}
