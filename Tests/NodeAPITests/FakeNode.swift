import Base
import CLinux
import JSON

@testable import NodeAPI

/// An agent of a few dictionaries, driven by the test.
final class FakeNode: NodeService {
    let loop: EventLoop
    var podsByName: [String: JSONValue] = [:]
    var eventList: [JSONValue] = []
    var imageList: [ImageSummary] = []
    var problemList: [ManifestProblem] = []
    var imageUploadFolder = "/tmp"
    var loaded: [(bytes: [UInt8], name: String?)] = []
    var loadDelay: Nanoseconds?
    var logSources: [String: LogSource] = [:]
    var isDrained = false
    var session: FakeSession?
    private var podWatchers: [Int: (WatchEvent) -> Void] = [:]
    private var eventWatchers: [Int: (WatchEvent) -> Void] = [:]
    private var nextID = 0

    init(loop: EventLoop) { self.loop = loop }

    var watcherCount: Int { podWatchers.count + eventWatchers.count }

    func setPod(_ name: String, phase: String) {
        let kind: WatchEvent.Kind = podsByName[name] == nil ? .added : .modified
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
            "status": ["phase": .string(phase)],
        ]
        podsByName[name] = pod
        for watcher in podWatchers.values { watcher(WatchEvent(kind, pod)) }
    }

    func removePod(_ name: String) {
        guard let pod = podsByName.removeValue(forKey: name) else { return }
        for watcher in podWatchers.values { watcher(WatchEvent(.deleted, pod)) }
    }

    func addEvent(_ reason: String) {
        let event: JSONValue = ["metadata": ["namespace": "default"], "reason": .string(reason)]
        eventList.append(event)
        for watcher in eventWatchers.values { watcher(WatchEvent(.added, event)) }
    }

    var listings = 0
    func pods() -> [JSONValue] {
        listings += 1
        return podsByName.sorted { $0.key < $1.key }.map(\.value)
    }
    func pod(namespace: String, name: String) -> JSONValue? { namespace == "default" ? podsByName[name] : nil }
    func watchPods(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        nextID += 1
        let id = nextID
        podWatchers[id] = handler
        return Subscription { [weak self] in self?.podWatchers.removeValue(forKey: id) }
    }
    func manifestProblems() -> [ManifestProblem] { problemList }
    func events() -> [JSONValue] { eventList }
    func watchEvents(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        nextID += 1
        let id = nextID
        eventWatchers[id] = handler
        return Subscription { [weak self] in self?.eventWatchers.removeValue(forKey: id) }
    }
    func images() -> [ImageSummary] { imageList }
    func runBlocking(_ work: @escaping @Sendable () -> Void, then: @escaping () -> Void) {
        work()
        loop.enqueue(then)
    }
    func loadImage(
        path: String, name: String?, completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) {
        let result: Result<[ImageSummary], NodeServiceError>
        do {
            loaded.append((try Files.read(path, limit: 64 << 20), name))
            result = .success([ImageSummary(names: [name ?? "x"], digest: "sha256:1", id: "sha256:2", size: 3)])
        } catch {
            result = .failure(.badRequest("\(error)"))
        }
        loop.schedule(after: loadDelay ?? Nanoseconds(0)) { completion(result) }
    }
    func removeImage(
        _ reference: String, completion: @escaping (Result<ImageRemoval, NodeServiceError>) -> Void
    ) {
        loop.enqueue {
            completion(
                reference == "gone"
                    ? .failure(.notFound("no image \"gone\""))
                    : .success(ImageRemoval(untagged: [reference], deleted: ["sha256:1"])))
        }
    }
    func status() -> NodeStatus {
        NodeStatus(
            version: "1.2.3", nodeName: "node", root: "", processID: 1, started: Timestamp(nanoseconds: 0),
            kernel: "6.12", limitsEnforced: true, cgroupRoot: "/sys/fs/cgroup/swiftlet", isDraining: isDrained)
    }
    func drain(
        gracePeriod: Int64?, progress: @escaping (String) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        loop.enqueue {
            progress("ending default/a")
            self.isDrained = true
            completion(.success(()))
        }
    }
    func logSource(
        namespace: String, pod: String, container: String?, previous: Bool
    ) throws(NodeServiceError) -> LogSource {
        guard let source = logSources["\(pod)/\(container ?? "c")\(previous ? "/previous" : "")"] else {
            throw .notFound("container \"\(container ?? "c")\" in pod \"\(pod)\" is not available")
        }
        return source
    }
    func exec(_ request: NodeAPI.ExecRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession {
        guard podsByName[request.pod] != nil else { throw .notFound("pods \"\(request.pod)\" not found") }
        let session = FakeSession(request, client, loop)
        self.session = session
        return session
    }
}

/// A process that says back what it is told, and ends with status 7 at the end of its input.
final class FakeSession: ExecSession {
    let request: NodeAPI.ExecRequest
    let client: ExecClient
    let loop: EventLoop
    var received = 0
    var size: (UInt16, UInt16)?
    var isCancelled = false
    var isPaused = false
    /// Takes no more until told.
    var refusesInput = false

    init(_ request: NodeAPI.ExecRequest, _ client: ExecClient, _ loop: EventLoop) {
        self.request = request
        self.client = client
        self.loop = loop
    }

    func send(_ bytes: [UInt8]) -> Bool {
        received += bytes.count
        loop.enqueue { [self] in if !isCancelled { client.output(.standardOutput, bytes) } }
        return !refusesInput
    }
    func closeInput() {
        loop.enqueue { [self] in if !isCancelled { client.finished(.success(7)) } }
    }
    func resize(rows: UInt16, columns: UInt16) { size = (rows, columns) }
    func pauseOutput() { isPaused = true }
    func resumeOutput() { isPaused = false }
    func cancel() { isCancelled = true }
}
