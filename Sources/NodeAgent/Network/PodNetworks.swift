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
    /// The name of a pod's interface on its default network.
    static let interface = "eth0"

    let pool: BlockingPool
    let log: Log
    let paths: NodePaths
    let choice: NetworkChoice
    let store: AttachmentStore
    let cache: ResultCache
    let runner: PluginRunner
    let builtIn: BuiltInNetwork
    let gate = NetworkGate()
    let loop: EventLoop
    /// Attached, or being attached or released.
    var active: Set<String> = []
    var hostPorts = HostPorts()
    private var idleTimer: EventLoop.Token?
    /// Pods that are being attached or released now.
    var changing: Set<String> = []
    /// Those of them whose rules were not looked at meanwhile.
    var wasPassedOver: Set<String> = []
    /// Pods that are to be looked at, and whom to tell what was found.
    var checks: [(uid: String, onFailure: (EventNote) -> Void)] = []
    var checksRunning = 0
    var checkTimer: EventLoop.Token?
    var checking: [String: Task<NetworkFailure?, Never>] = [:]
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
        cache = ResultCache(folder: paths.networkResults, namespaces: paths.networkNamespaces)
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

    /// What an earlier call made for the pod and is still there; nil when something of it is missing.
    public func existing(_ pod: Pod) async throws -> PodConnection? {
        let uid = pod.metadata.uid
        let path = namespacePath(uid)
        let found = try await pool.run { [store] () -> [Attachment] in
            guard let attachments = try? store.load(uid), attachments.allSatisfy({ $0.result != nil }) else {
                return []
            }
            do { _ = try NetworkNamespace(path: path) } catch { return [] }
            return attachments
        }
        guard !found.isEmpty else { return nil }
        let connection = try PodConnection(found)
        active.insert(uid)
        // It has them: who came in between is the one that is refused.
        try? hostPorts.claim(pod)
        for attachment in found { keepRules(of: attachment) }
        return connection
    }

    /// What is on record of a pod that an earlier agent attached, without a look at whether it is attached still; nothing
    /// where there is no record. Reads one file in /run: for the agent's start.
    func connectionOnRecord(_ uid: String) -> PodConnection {
        (try? PodConnection(try store.load(uid))) ?? PodConnection()
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
            let found: Result<[Attachment], any Error> = try await pool.run { [store] in
                Result { try store.load(uid) }
            }
            switch found {
            case .success(let attachments): try await delete(attachments)
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
            if !records.isEmpty || !namespaces.isEmpty {
                try await collectGarbage()
            } else {
                // As a boot leaves them.
                try await pool.run { [cache] in try cache.removeStale(valid: []) }
            }
            // Rules that were removed while no agent ran.
            if !records.isEmpty { await keeper.look() }
        } catch {
            log.warning("the networks of earlier pods are not looked through: \(error)")
        }
        settleLater()
    }

    /// Of the network for new pods, and of those that pods on record are attached to.
    private func collectGarbage() async throws {
        try await gate.pass(exclusively: true) {
            var lists: [NetworkList] = []
            do { lists.append(try await choice.current()) } catch { log.warning("\(error)") }
            let (containers, attachments) = try await pool.run { [store] in
                let containers = try store.containers()
                return (containers, containers.flatMap { (try? store.load($0)) ?? [] })
            }
            for attachment in attachments where !lists.contains(where: { $0.name == attachment.network.name }) {
                lists.append(attachment.network)
            }
            // A record that cannot be read stands for the attachment that every pod has.
            let valid =
                Set(attachments.map { NetworkConfiguration.Attachment($0) })
                .union(containers.map { .init(containerID: $0, interfaceName: Self.interface) })
            for list in lists where list.version >= .v110 && !list.disablesGarbageCollection {
                // The folder of configurations is everybody's.
                let others = try await pool.run { [cache] in try cache.othersAttachments(on: list.name) }
                await collectGarbage(of: list, valid: valid.union(others))
            }
            try await pool.run { [cache] in try cache.removeStale(valid: valid) }
        }
    }

    private func collectGarbage(of list: NetworkList, valid: Set<NetworkConfiguration.Attachment>) async {
        let valid = valid.sorted { ($0.containerID, $0.interfaceName) < ($1.containerID, $1.interfaceName) }
        for (index, plugin) in list.plugins.enumerated() {
            let request = PluginRequest(collectGarbageOf: list, plugin: index, valid: valid, path: runner.folders)
            do throws(CNIError) {
                _ = try await runner.run(request)
            } catch {
                log.warning("network \(list.name): plugin \(plugin.type) cannot collect garbage: \(error)")
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

extension NetworkConfiguration.Attachment {
    init(_ attachment: Attachment) {
        self.init(containerID: attachment.containerID, interfaceName: attachment.interfaceName)
    }
}
