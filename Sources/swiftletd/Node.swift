import Base
import CLinux
import CNITypes
import Cgroups
import Endpoints
import Images
import NodeAPI
import NodeAgent
import PodRuntime
import PodSources

/// Puts the agent's parts together.
@LoopActor
final class Node {
    let log: Log
    let loop: EventLoop
    let paths: NodePaths
    private let preflight: Preflight
    let services: NodeServices
    let records: PodRecordStore
    let agent: Agent
    let images: ImageService
    let collector: ImageCollector
    private let classes: ServiceClassLimits
    private let started = Timestamp.now
    private let lock: FileDescriptor
    var sources: PodSourceSet?
    var urlSource: URLSource?
    var followed: FollowedURL?
    var statusReporter: HTTPStatusReporter?
    var reported: EndpointSettings?
    let work: LoopWork
    private var server: NodeAPIServer?
    private var service: AgentService?
    private var signals: SharedDescriptor?
    var isEnding = false
    private var restTimer: EventLoop.Token?
    /// The program is to end with a failure.
    var hasFailed = false
    /// Set while nothing but the end of the pods is wanted.
    private let onlyEndsPods: Bool
    var configuration: Configuration
    private let manager: ServiceManager
    lazy var reporter = ServiceReporter(manager, loop: loop) { [unowned self] in agent.serviceStatus }

    init(_ options: Options, loop: EventLoop, manager: ServiceManager) throws {
        self.manager = manager
        self.loop = loop
        onlyEndsPods = options.stopsPods
        configuration = Configuration(options)
        let problem = configuration.read()
        let settings = configuration.settings
        log = Log(limit: settings.logLevel ?? NodeSettings.Default.logLevel)
        if let problem {
            // Pods are ended whatever is wrong with a file; the agent starts only as it was told to.
            guard onlyEndsPods else { throw problem }
            log.warning("goes on without the configuration file: \(problem)")
        }
        paths = NodePaths(root: options.root)
        preflight = Preflight(
            paths: paths, acceptsUnenforced: onlyEndsPods || settings.acceptsUnenforcedLimits == true)
        for finding in preflight.findings where finding.verdict == .warning {
            log.warning("\(finding.name): \(finding.detail)")
        }
        guard let hierarchy = preflight.hierarchy, !preflight.hasFailed else { throw PreflightFailure(preflight) }
        try paths.create()
        lock = try Self.takeLock(paths.lock, within: onlyEndsPods ? .seconds(60) : nil)
        // Signals are blocked before any thread is there, so that every thread inherits it.
        signals = SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("signalfd", "SIGTERM, SIGINT, SIGHUP") {
                    swl_signalfd([SIGTERM, SIGINT, SIGHUP, SIGPIPE], 4)
                }))
        let pool = BlockingPool()
        work = LoopWork(pool)
        let builtIn = BuiltInNetwork(
            range: settings.podRange ?? BuiltInNetwork.defaultRange,
            opensFirewall: settings.opensFirewall == true, paths: paths)
        var facts = NodeFacts(
            name: settings.nodeName ?? NodeProbe.hostname(),
            addresses: NodeProbe.addresses(without: builtIn.bridge),
            memoryCapacity: NodeProbe.memory(), allocatableMilliCPU: NodeProbe.cpus() * 1000,
            allocatableMemory: NodeProbe.memory(), allocatableStorage: NodeProbe.storage(paths.pods),
            capabilities: try NodeProbe.capabilities(), minimumOOMScoreAdjustment: try NodeProbe.minimumOOMScore())
        facts.hiddenPaths = NodeFacts.thermalThrottlePaths()
        facts.clusterDNS = settings.clusterDNS ?? []
        if let domain = settings.clusterDomain { facts.clusterDomain = domain }
        let cgroups = try NodeCgroups(
            hierarchy, path: settings.cgroupRoot ?? NodeSettings.Default.cgroupRoot + paths.instanceSuffix)
        let store = try ImageStore(root: paths.images)
        let networks = PodNetworks(
            loop: loop, pool: pool, log: log, paths: paths, builtIn: builtIn,
            pluginFolders: Self.pluginFolders(root: paths.root))
        services = NodeServices(
            loop: loop, pool: pool, log: log, paths: paths, facts: facts, cgroups: cgroups, networks: networks,
            images: store,
            seccomp: SeccompPrograms(folder: paths.seccomp, profiles: paths.seccompProfiles),
            supervisor: try SupervisorExecutable(path: try Self.findSupervisor()),
            podPIDLimit: NodeServices.podPIDLimit(settings))
        services.onlyEndsPods = onlyEndsPods
        services.sysctls = SysctlPolicy(allowing: settings.allowedUnsafeSysctls ?? [])
        records = PodRecordStore(folder: paths.podRecords, pool: pool, log: log)
        classes = ServiceClassLimits(cgroups, pool: pool, log: log)
        images = try ImageService(store: store, loop: loop, log: log)
        images.pullFiles = PullFiles(root: paths.root)
        services.puller = images
        agent = Agent(
            loop: loop, log: log, events: EventRecorder(host: facts.name), objects: services.objects, records: records,
            starts: StartQueue(loop: loop, width: Int(max(4, 2 * NodeProbe.cpus()))),
            status: PodStatuses(facts: facts),
            makeOperations: { [services] pod, manifest throws(SystemError) in
                try PodSandbox(
                    pod, services, openPullPolicies: manifest.openPullPolicies,
                    openVolumePolicies: manifest.openVolumePolicies)
            })
        agent.longestBackOff = settings.longestBackOff ?? CrashLoopBackOff.longest
        collector = ImageCollector(images, agent, settings.imageCollection, loop: loop, log: log)
        follow(settings)
    }

    private var manifestFolder: String {
        configuration.settings.manifestFolder.map { paths.root + $0 } ?? paths.manifests
    }

    func start() throws {
        log.info("swiftletd \(Release.version) starts on \(services.facts.name), manifests in \(manifestFolder)")
        try watchSignals()
        classes.start(services.facts)
        _ = agent.observe { [unowned self] change, _ in
            reporter.changed()
            rest()
            if case .modified = change { return }
            classes.update(agent.pods)
            if case .deleted = change { images.podEnded(inUse: agent.layersInUse(services.images)) }
        }
        let lastGood = try restore()
        services.networks.start { [unowned self] in agent.networkChanged() }
        // Before the first pod does anything.
        try reportToURL()
        agent.sweep(services)
        images.onChange = { [unowned self] in agent.imagesChanged() }
        services.claimUses.onRelease = { [unowned self] in agent.objectsChanged([$0]) }
        images.onAbandonedPull = { [unowned self] in images.sweep(inUse: agent.layersInUse(services.images)) }
        try images.start()
        images.sweep(inUse: agent.layersOnRecord(services.images).union(services.volumes.imageLayers()))
        collector.start()
        let folder = ManifestFolder(
            path: manifestFolder, lastGood: lastGood.filter { !URLSource.isURL($0.key) }
        ) { bytes, path throws(ManifestRefusal) in
            try ManifestReader.read(bytes, path: path)
        }
        let sources = PodSourceSet(lastGood: lastGood) { [unowned self] wanted in
            agent.want(wanted)
            reporter.changed()
        }
        self.sources = sources
        try sources.set(.folder, to: try FolderWatcher(folder, on: loop))
        if let folder = getenv("CREDENTIALS_DIRECTORY") {
            try sources.set(.credentials, to: CredentialFolder(String(cString: folder)))
        }
        try followURL(lastGood: lastGood)
        try sources.start()
        let service = AgentService(
            agent: agent, images: images, node: services,
            configuration: { [unowned self] in describeConfiguration() }, describe: { [unowned self] in describe() })
        self.service = service
        server = try serve(service)
        log.info("ready: \(paths.socket)")
        reporter.ready()
    }

    /// The API for root, and for the machine's groups where they exist and can be let in.
    private func serve(_ service: AgentService) throws(SystemError) -> NodeAPIServer {
        do throws(SystemError) {
            return try NodeAPIServer(loop: loop, path: paths.socket, service: service, access: .groups())
        } catch  where error.errno == .notSupported {
            log.warning("\(error): only root may use the API")
            return try NodeAPIServer(loop: loop, path: paths.socket, service: service)
        }
    }

    /// Gives memory back some time after work. One timer at a time, and none when nothing happens.
    private func rest() {
        guard restTimer == nil else { return }
        restTimer = loop.schedule(after: .seconds(10)) { [unowned self] in
            restTimer = nil
            swl_release_shared_memory()
        }
    }

    /// Makes this the only agent of its root folder.
    ///
    /// - Parameter time: how long another agent may take to end; nil when there is to be none. One that was killed may
    ///   still have the lock for a moment: what it was starting shares its open files up to the exec.
    private static func takeLock(_ path: String, within time: Nanoseconds?) throws(SystemError) -> FileDescriptor {
        let lock = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        let deadline = BootInstant.now + (time ?? .seconds(2))
        while flock(lock.raw, LOCK_EX | LOCK_NB) != 0 {
            switch Errno.current {
            case .interrupted: continue
            case .again where BootInstant.now < deadline:
                // A lock cannot be waited for with a time limit, and nothing else runs in this process yet.
                usleep(20_000)
            case .again: throw SystemError("lock (another swiftletd runs with this --root)", path, .again)
            case let error: throw SystemError("lock", path, error)
            }
        }
        return lock
    }

    /// The folder of this program; nil when it cannot be told.
    private static func ownFolder() -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return nil }
        return Path.parent(String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    /// Network plugins: beside this program, below the root prefix, then ours in the installed place, then others'.
    private static func pluginFolders(root: String) -> [String] {
        let own = ownFolder().map { Path.join($0, "cni") }
        let places = ["/usr/libexec/swiftlet/cni", "/opt/cni/bin", "/usr/lib/cni"]
        return [own].compactMap { $0 } + (root.isEmpty ? [] : [root + "/opt/cni/bin"]) + places
    }

    /// The supervisor's program: beside this one, then in the installed place.
    private static func findSupervisor() throws(SystemError) -> String {
        let places = [ownFolder().map { Path.join($0, "swiftlet-pod") }, "/usr/libexec/swiftlet/swiftlet-pod"]
            .compactMap { $0 }
        guard let path = places.first(where: { access($0, X_OK) == 0 }) else {
            throw SystemError("find the program swiftlet-pod in", places.joined(separator: " or "), .noEntry)
        }
        return path
    }

    // MARK: - Ending

    func watchSignals() throws {
        guard let signals else { return }
        _ = try loop.watch(signals.descriptor, for: .readable) { [unowned self] _ in readSignals() }
    }

    private func readSignals() {
        guard let signals else { return }
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while read(signals.raw, &info, size) == size {
            switch Int32(info.ssi_signo) {
            case SIGHUP: reload()
            case SIGPIPE: break
            default: end()
            }
        }
    }

    private func end() {
        guard !isEnding else {
            log.warning("asked to end again: pods that are still ending go on without the agent")
            hasFailed = onlyEndsPods
            return loop.stop()
        }
        isEnding = true
        guard configuration.settings.drainsOnExit == true else {
            log.info("ends; \(agent.pods.count) pods go on without the agent")
            reporter.stopping("stopped; the pods go on")
            service?.podsGoOn()
            server?.close()
            // Of the network nothing stays without pods.
            Task {
                await services.networks.settle()
                loop.stop()
            }
            return
        }
        log.info("ends when its \(agent.pods.count) pods have ended")
        reporter.stopping("ending \(agent.pods.count) pods", within: agent.longestEnd)
        agent.drain { [unowned self] in
            server?.close()
            log.info("all pods have ended")
            Task {
                await services.networks.settle()
                services.cgroups.removeIfEmpty()
                loop.stop()
            }
        }
    }

    /// Whether the node runs pods, as the kubelet says it.
    private var readyCondition: NodeStatus.Condition {
        let problem = services.networks.state.unreadiness
        return NodeStatus.Condition(
            type: "Ready", status: problem == nil, reason: problem == nil ? "KubeletReady" : "KubeletNotReady",
            message: problem ?? "kubelet is posting ready status")
    }

    private func describe() -> NodeStatus {
        NodeStatus(
            version: Release.version, nodeName: services.facts.name, root: paths.root, processID: getpid(),
            started: started, kernel: (try? Files.readText("/proc/sys/kernel/osrelease")) ?? "",
            limitsEnforced: services.cgroups.unenforced.isEmpty, cgroupRoot: services.cgroups.root.path,
            manifestFolder: manifestFolder, isDraining: agent.isDraining,
            conditions: [readyCondition] + configurationConditions + endpointConditions,
            features: preflight.findings.map { finding in
                NodeStatus.Feature(
                    name: finding.name, state: finding.verdict == .ok ? .used : .fallback, detail: finding.detail)
            } + [
                NodeStatus.Feature(
                    name: "network", state: services.networks.state.isHealthy ? .used : .fallback,
                    detail: services.networks.state.summary)
            ])
    }
}

/// The machine lacks something that cannot be done without.
struct PreflightFailure: Error, CustomStringConvertible {
    let description: String
    init(_ preflight: Preflight) {
        let failed = preflight.findings.filter { $0.verdict == .failed }.map { "\($0.name): \($0.detail)" }
        description = "this machine cannot run pods:\n  " + failed.joined(separator: "\n  ")
    }
}
