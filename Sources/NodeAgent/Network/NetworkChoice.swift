import Base
import CNIRuntime
import CNITypes

/// The network of new pods: what the folder of configurations names, followed as it changes, or the built-in one. It
/// knows whether pods can be attached to it, as the kubelet tells it of a node.
@LoopActor
final class NetworkChoice {
    private let loop: EventLoop
    private let pool: BlockingPool
    private let log: Log
    private let folder: NetworkFolder
    private let builtIn: NetworkList
    private let runner: PluginRunner
    private lazy var watch = FolderPathWatch(loop, folder.path) { [weak self] in self?.refresh() }
    private var outcome = NetworkFolder.Outcome.none
    /// Why the network that is chosen takes no pods, as its plugins answer STATUS.
    private var refusal: (list: NetworkList, failure: NetworkFailure)?
    private var isAsking = false
    private var timer: EventLoop.Token?
    private var wasReady = true
    /// Pods that wait for their network may try again.
    var onChange: () -> Void = {}

    /// How often plugins that take no pods are asked again. Of those that do one hears when they fail.
    private static let interval = Nanoseconds.seconds(5)

    init(
        loop: EventLoop, pool: BlockingPool, log: Log, folder: NetworkFolder, builtIn: NetworkList, runner: PluginRunner
    ) {
        self.loop = loop
        self.pool = pool
        self.log = log
        self.folder = folder
        self.builtIn = builtIn
        self.runner = runner
    }

    // MARK: - What is known

    /// The file that the network stands in; nil for the built-in one.
    var file: String? {
        if case .network(_, let file, _) = outcome { return file }
        return nil
    }

    /// Files that are not usable.
    var problems: [String] {
        switch outcome {
        case .none: []
        case .network(_, _, let problems), .unusable(let problems): problems
        }
    }

    /// Why no pod can be attached, in the kubelet's words; nil while one can.
    var unreadiness: String? {
        let cause: String
        if case .unusable(let problems) = outcome {
            cause = "cni plugin not initialized: \(problems.joined(separator: "; "))"
        } else if let refusal {
            cause = refusal.failure.description
        } else {
            return nil
        }
        return "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            + "message:Network plugin returns error: \(cause)"
    }

    // MARK: - Following the folder

    /// Reads the folder, and again whenever it changes.
    func start() {
        do { try watch.start() } catch {
            log.warning("changes of \(folder.path) are seen with the next pod only: \(error)")
        }
        do { take(try folder.read()) } catch { log.warning("\(error)") }
        tell()
        // Ours is taken to work until it does not.
        if file != nil { ask() }
    }

    private func refresh() {
        Task {
            do {
                let before = outcome
                take(try await pool.run { [folder] in try folder.read() })
                if outcome != before {
                    refusal = nil
                    await askNow()
                    tell()
                }
                // It may be another file that they wait for.
                onChange()
            } catch {
                log.warning("\(error)")
            }
        }
    }

    private func take(_ new: NetworkFolder.Outcome) {
        let known = problems
        outcome = new
        for problem in problems where !known.contains(problem) {
            log.warning("network configuration \(problem); it is passed over")
        }
    }

    /// Says so where it has become ready, or is so no longer.
    private func tell() {
        guard (unreadiness == nil) != wasReady else { return }
        wasReady.toggle()
        if let unreadiness { return log.warning(unreadiness) }
        log.info("the network of pods is ready")
        onChange()
    }

    // MARK: - Choosing

    /// The network for a new pod, as the folder says it now.
    ///
    /// - Throws: `NetworkFailure` when there is none that takes it.
    func current() async throws -> NetworkList {
        take(try await pool.run { [folder] in try folder.read() })
        defer { tell() }
        guard let list = chosen else {
            throw NetworkFailure(
                "no network configuration in \(folder.path) is usable: \(problems.joined(separator: "; "))")
        }
        if let refusal, refusal.list == list { await askNow() }
        if let refusal, refusal.list == list { throw refusal.failure }
        return list
    }

    /// A network that a pod asks for by its name; nil when there is none.
    func network(named name: String) async throws -> NetworkList? {
        try await pool.run { [folder] in try folder.network(named: name) }
    }

    private var chosen: NetworkList? {
        switch outcome {
        case .none: builtIn
        case .network(let list, _, _): list
        case .unusable: nil
        }
    }

    // MARK: - STATUS

    /// A pod could not be attached: whether others can is asked.
    func attachmentFailed() { ask() }

    private func ask() {
        Task {
            await askNow()
            tell()
        }
    }

    /// Asks the plugins of the network whether they take pods.
    private func askNow() async {
        guard !isAsking else { return }
        isAsking = true
        defer { isAsking = false }
        if let timer { loop.cancel(timer) }
        timer = nil
        // Another may be chosen meanwhile.
        while let list = chosen, list.version >= .v110 {
            let failure = await status(of: list)
            guard chosen == list else { continue }
            refusal = failure.map { (list, $0) }
            if failure == nil { return }
            timer = loop.schedule(after: Self.interval) { [weak self] in
                self?.timer = nil
                self?.ask()
            }
            return
        }
        refusal = nil
    }

    private func status(of list: NetworkList) async -> NetworkFailure? {
        for (index, plugin) in list.plugins.enumerated() {
            // Of the built-in network's plugins few pods need more than the first.
            if list == builtIn, !plugin.capabilities.isEmpty { continue }
            let request = PluginRequest(statusOf: list, plugin: index, path: runner.folders)
            do throws(CNIError) {
                _ = try await runner.run(request)
            } catch {
                return NetworkFailure("is not ready", plugin: plugin.type, of: list.name, error)
            }
        }
        return nil
    }
}
