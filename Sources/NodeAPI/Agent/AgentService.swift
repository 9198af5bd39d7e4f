import Base
import CLinux
import Images
import JSON
import Kube
import NodeAgent
import PodProtocol
import PodRuntime
import PodSources

/// The agent as the API sees it.
@LoopActor
public final class AgentService: @LoopActor NodeService {
    let agent: Agent
    let imageService: ImageService
    let node: NodeServices
    private let describe: () -> NodeStatus
    private let configurationNow: () -> NodeConfiguration
    private let counted: CounterKeeper
    private let disk = DiskUsageKeeper()
    /// A client that goes ends no container's input.
    private var keepsInput = false

    /// - Parameters:
    ///   - configuration: gives the settings that hold.
    ///   - describe: makes the node's status; the drain state is filled in here.
    public init(
        agent: Agent, images: ImageService, node: NodeServices, configuration: @escaping () -> NodeConfiguration,
        describe: @escaping () -> NodeStatus
    ) {
        self.agent = agent
        imageService = images
        self.node = node
        self.describe = describe
        configurationNow = configuration
        counted = CounterKeeper(agent)
    }

    // MARK: Pods

    public func pods() -> [JSONValue] { agent.pods.map(\.json) }

    public func pod(namespace: String, name: String) -> JSONValue? {
        agent.pod(PodKey(namespace: namespace, name: name))?.json
    }

    public func timeline(namespace: String, name: String) -> PodTimeline? {
        agent.pod(PodKey(namespace: namespace, name: name)).map { pod in
            PodTimeline(pod, events: agent.events.all.filter { $0.involvedObject.uid == pod.metadata.uid })
        }
    }

    public func control(
        _ action: PodAction, namespace: String, pod: String, container: String?, gracePeriod: Int64?,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        let control: PodControl =
            switch action {
            case .stop: .stop
            case .start: .start
            case .restart: .restart
            }
        Task {
            do throws(ControlError) {
                try await agent.control(
                    control, PodKey(namespace: namespace, name: pod), container: container, grace: gracePeriod)
                completion(.success(()))
            } catch {
                completion(.failure(NodeServiceError(error)))
            }
        }
    }

    public func setGracePeriod(_ seconds: Int64, namespace: String, pod: String) throws(NodeServiceError) {
        do throws(ControlError) { try agent.setGracePeriod(seconds, PodKey(namespace: namespace, name: pod)) } catch {
            throw .notFound(error.description)
        }
    }

    public func watchPods(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        Subscription(
            onCancel: agent.observe { change, pod in
                let kind: WatchEvent.Kind =
                    switch change {
                    case .added: .added
                    case .modified: .modified
                    case .deleted: .deleted
                    }
                handler(WatchEvent(kind, pod.json))
            })
    }

    public func objects(_ kind: DataObject.Kind) -> [DataObject] { agent.objects.current.all(kind) }

    public func manifestProblems() -> [ManifestProblem] {
        agent.problems.map { problem in
            ManifestProblem(
                path: problem.path, line: Int(problem.position.line), column: Int(problem.position.column),
                message: problem.message,
                keepsRunning: agent.workers(from: problem.path).map(\.key.description).sorted().first)
        }
    }

    // MARK: Events

    public func events() -> [JSONValue] { agent.events.all.map(\.json) }

    public func watchEvents(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        Subscription(
            onCancel: agent.events.observe { event, isNew in
                handler(WatchEvent(isNew ? .added : .modified, event.json))
            })
    }

    // MARK: The node

    public func status() -> NodeStatus {
        var status = describe()
        status.isDraining = agent.isDraining
        return status
    }

    public func usage(withDisk: Bool, _ completion: @escaping (NodeUsage) -> Void) {
        let reader = UsageReader(
            node, imageFolder: imageService.store.root, pods: agent.pods, disk: withDisk ? disk : nil)
        Task {
            // Nothing in it throws: a job that is given up has no answer.
            guard let usage = try? await node.pool.run({ reader.read() }) else { return }
            completion(usage)
        }
    }

    public func configuration() -> NodeConfiguration { configurationNow() }

    public func counters() -> NodeCounters { counted.counters }

    public func drain(
        gracePeriod: Int64?, progress: @escaping (String) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        progress("ending \(agent.pods.count) pods")
        var watch: (() -> Void)?
        watch = agent.observe { change, pod in
            if case .deleted = change { progress("pod \(pod.fullName) ended") }
        }
        agent.drain(grace: gracePeriod) {
            watch?()
            watch = nil
            completion(.success(()))
        }
    }

    // MARK: Containers

    public func logSource(
        namespace: String, pod: String, container: String?, previous: Bool
    ) throws(NodeServiceError) -> LogSource {
        let (worker, name) = try find(namespace, pod, container)
        guard let record = worker.machine.everyContainer.first(where: { $0.name == name }), record.hasBegun else {
            throw .badRequest("container \"\(name)\" in pod \"\(pod)\" is waiting to start: \(waiting(worker, name))")
        }
        var attempt = record.restartCount
        if previous {
            guard attempt > 0 else {
                throw .badRequest("previous terminated container \"\(name)\" in pod \"\(pod)\" not found")
            }
            attempt -= 1
        }
        let folder = Path.join(
            node.paths.podLogs(namespace: namespace, name: pod, uid: worker.uid), name)
        return LogSource(folder: folder, attempt: attempt, isComplete: previous || worker.isOver(name))
    }

    private func waiting(_ worker: PodWorker, _ container: String) -> String {
        if let record = worker.machine.everyContainer.first(where: { $0.name == container }),
            case .waiting(let reason?, let message) = record.state
        {
            return message ?? reason
        }
        return worker.pod.spec.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing"
    }

    private func find(
        _ namespace: String, _ name: String, _ container: String?
    ) throws(NodeServiceError) -> (PodWorker, String) {
        guard let worker = agent.worker(PodKey(namespace: namespace, name: name)) else {
            throw .notFound("pods \"\(name)\" not found")
        }
        let all = worker.machine.everyContainer.map(\.name)
        if let container {
            guard all.contains(container) else {
                throw .badRequest(
                    "container \(container) is not valid for pod \(name); it has \(all.joined(separator: ", "))")
            }
            return (worker, container)
        }
        let preferred = worker.pod.metadata.annotations["kubectl.kubernetes.io/default-container"]
        if let preferred, all.contains(preferred) { return (worker, preferred) }
        let containers = worker.pod.spec.containers.map(\.name)
        guard containers.count == 1 else {
            throw .badRequest(
                "a container name must be specified for pod \(name), choose one of: [\(all.joined(separator: " "))]")
        }
        return (worker, containers[0])
    }

    public func exec(_ request: ExecRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession {
        let (_, name, supervisor) = try running(request.namespace, request.pod, request.container)
        return try SupervisedExec.start(request, container: name, supervisor: supervisor, client: client)
    }

    public func attach(_ request: AttachRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession {
        let (worker, name, supervisor) = try running(request.namespace, request.pod, request.container)
        guard let hello = supervisor.hello else {
            throw NodeServiceError(
                status: 503, "the supervisor of pod \"\(request.pod)\" has not answered yet; try again")
        }
        guard supervisor.canAttach else {
            throw NodeServiceError(
                status: 501,
                "pod \"\(request.pod)\" is run by \(hello.program), which cannot attach; a new instance of the pod can")
        }
        let container = worker.pod.spec.allContainers.first { $0.name == name }
        return try SupervisedAttach.start(
            request, container: name, hasTerminal: container?.tty ?? false, supervisor: supervisor, client: client,
            on: node.loop, keepsInput: { [weak self] in self?.keepsInput ?? true })
    }

    /// The agent ends, and the pods do not: the end of a session is no word to its container from now on.
    public func podsGoOn() { keepsInput = true }

    /// A container that runs, and who runs it.
    private func running(
        _ namespace: String, _ pod: String, _ container: String?
    ) throws(NodeServiceError) -> (PodWorker, String, SupervisorClient) {
        let (worker, name) = try find(namespace, pod, container)
        guard let record = worker.machine.everyContainer.first(where: { $0.name == name }), record.isRunning else {
            throw .badRequest("container \"\(name)\" of pod \"\(pod)\" is not running")
        }
        guard let supervisor = worker.supervisor else {
            throw .failed("the supervisor of pod \"\(pod)\" is gone")
        }
        return (worker, name, supervisor)
    }

    public func forward(
        namespace: String, pod: String, port: UInt16, client: ExecClient
    ) throws(NodeServiceError) -> any ExecSession {
        guard let worker = agent.worker(PodKey(namespace: namespace, name: pod)) else {
            throw .notFound("pods \"\(pod)\" not found")
        }
        guard worker.hasSandbox else { throw .badRequest("pod \"\(pod)\" is not running: it has no network yet") }
        return PodConnection(
            node, place: "pod \"\(pod)\"",
            namespace: worker.pod.spec.hostNetwork ? nil : node.networks.namespacePath(worker.uid), port: port,
            client: client)
    }
}
