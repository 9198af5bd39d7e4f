import Base
import CLinux
import JSON
import Kube
import NodeAPI
import NodeAgent

/// An agent of a few dictionaries, driven by the test.
public final class FakeNode: NodeService {
    public let loop: EventLoop
    public var podsByName: [String: JSONValue] = [:]
    public var eventList: [JSONValue] = []
    public var imageList: [ImageSummary] = []
    public var problemList: [ManifestProblem] = []
    public var imageUploadFolder = "/tmp"
    public var manifestFolder = "/etc/podspecs"
    public var loaded: [(bytes: [UInt8], name: String?)] = []
    public var loadDelay: Nanoseconds?
    public var logSources: [String: LogSource] = [:]
    public var isDrained = false
    public var session: FakeSession?
    private var podWatchers: [Int: (WatchEvent) -> Void] = [:]
    private var eventWatchers: [Int: (WatchEvent) -> Void] = [:]
    private var nextID = 0

    public init(loop: EventLoop) { self.loop = loop }

    public var watcherCount: Int { podWatchers.count + eventWatchers.count }

    /// - Parameter state: what its container waits for; nil while it runs.
    public func setPod(_ name: String, phase: String, state: String? = nil) {
        let kind: WatchEvent.Kind = podsByName[name] == nil ? .added : .modified
        let pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
            "status": [
                "phase": .string(phase),
                "containerStatuses": [
                    ["name": "main", "state": state.map { ["waiting": ["reason": .string($0)]] } ?? ["running": [:]]]
                ],
            ],
        ]
        podsByName[name] = pod
        for watcher in podWatchers.values { watcher(WatchEvent(kind, pod)) }
    }

    public func removePod(_ name: String) {
        guard let pod = podsByName.removeValue(forKey: name) else { return }
        for watcher in podWatchers.values { watcher(WatchEvent(.deleted, pod)) }
    }

    public func addEvent(_ reason: String) {
        let event: JSONValue = ["metadata": ["namespace": "default"], "reason": .string(reason)]
        eventList.append(event)
        for watcher in eventWatchers.values { watcher(WatchEvent(.added, event)) }
    }

    public var listings = 0
    public func pods() -> [JSONValue] {
        listings += 1
        return podsByName.sorted { $0.key < $1.key }.map(\.value)
    }
    public func pod(namespace: String, name: String) -> JSONValue? { namespace == "default" ? podsByName[name] : nil }
    public func timeline(namespace: String, name: String) -> PodTimeline? {
        pod(namespace: namespace, name: name).map { PodTimeline(Pod($0), events: eventList.map { Event($0) }) }
    }
    public func setGracePeriod(_ seconds: Int64, namespace: String, pod: String) throws(NodeServiceError) {
        guard self.pod(namespace: namespace, name: pod) != nil else { throw .notFound("pods \"\(pod)\" not found") }
        controls.append("grace \(pod) \(seconds)")
    }
    public var objectList: [DataObject] = []
    public func objects(_ kind: DataObject.Kind) -> [DataObject] { objectList.filter { $0.kind == kind } }
    public var controls: [String] = []
    public func control(
        _ action: PodAction, namespace: String, pod: String, container: String?, gracePeriod: Int64?,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        controls.append("\(action) \(namespace)/\(pod) \(container ?? "all") \(gracePeriod.map(String.init) ?? "own")")
        loop.enqueue { [self] in
            guard podsByName[pod] != nil else { return completion(.failure(.notFound("pods \"\(pod)\" not found"))) }
            setPod(pod, phase: "Running", state: action == .stop ? "Stopped" : nil)
            completion(.success(()))
        }
    }
    /// What a pod was given; one of the name `bad` is refused.
    public var given: [JSONValue] = []
    public func change(
        _ subresource: PodSubresource, _ request: JSONValue, _ form: ListForm, namespace: String, pod: String,
        completion: @escaping (Result<JSONValue, NodeServiceError>) -> Void
    ) {
        loop.enqueue { [self] in
            guard let object = podsByName[pod] else {
                return completion(.failure(.notFound("pods \"\(pod)\" not found")))
            }
            let containers = request["spec"]?["ephemeralContainers"]?.arrayValue ?? []
            if containers.contains(where: { $0["name"]?.stringValue == "bad" }) {
                return completion(.failure(NodeServiceError(status: 422, "Pod \"\(pod)\" is invalid: bad")))
            }
            controls.append("\(subresource) \(namespace)/\(pod) \(form)")
            given += containers + (request["status"]?["conditions"]?.arrayValue ?? [])
            completion(.success(object))
        }
    }
    public func watchPods(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        nextID += 1
        let id = nextID
        podWatchers[id] = handler
        return Subscription { [weak self] in self?.podWatchers.removeValue(forKey: id) }
    }
    public func manifestProblems() -> [ManifestProblem] { problemList }
    public func events() -> [JSONValue] { eventList }
    public func watchEvents(_ handler: @escaping (WatchEvent) -> Void) -> Subscription {
        nextID += 1
        let id = nextID
        eventWatchers[id] = handler
        return Subscription { [weak self] in self?.eventWatchers.removeValue(forKey: id) }
    }
    public func images() -> [ImageSummary] { imageList }
    public func image(_ reference: String) throws(NodeServiceError) -> ImageDetails {
        guard let image = imageList.first(where: { $0.names.contains(reference) || $0.id == reference }) else {
            throw .notFound("no image \"\(reference)\" in the store")
        }
        return ImageDetails(
            summary: image, repoDigests: [], imported: Timestamp(nanoseconds: 0), isPulled: false,
            config: [
                "os": "linux", "architecture": "amd64", "config": ["Cmd": ["sh"], "Env": ["A=1"], "User": "me"],
                "rootfs": ["type": "layers", "diff_ids": ["sha256:9"]],
            ], layers: [.init(path: "/layers/a", size: image.size)], ownSize: 1)
    }
    public func imageUsage() throws(NodeServiceError) -> ImageStoreUsage {
        ImageStoreUsage(images: imageList.count, layers: 2, used: 1, bytes: 3_000_000, reclaimable: 1_000_000)
    }
    public func pruneImages(
        all: Bool, olderThan age: Nanoseconds, isDry: Bool,
        completion: @escaping (Result<ImagePruning, NodeServiceError>) -> Void
    ) {
        controls.append("prune all=\(all) age=\(age) dry=\(isDry)")
        loop.enqueue {
            completion(
                .success(ImagePruning(removal: ImageRemoval(untagged: ["a:1"], deleted: ["sha256:1"]), freed: 1500)))
        }
    }
    public func imageHistory(
        _ reference: String, completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void
    ) {
        let long = "RUN " + String(repeating: "x", count: 60)
        loop.enqueue { [self] in
            guard imageList.contains(where: { $0.names.contains(reference) }) else {
                return completion(.failure(.notFound("no image \"\(reference)\" in the store")))
            }
            completion(
                .success([
                    ["created": "2026-01-02T03:04:05Z", "createdBy": .string(long), "size": 0, "comment": "last"],
                    ["createdBy": "ADD /", "size": 1_500_000, "comment": "", "layer": "sha256:9"],
                ]))
        }
    }
    /// What is found of images that are verified.
    public var verifications: [JSONValue] = []
    public func verifyImages(
        _ references: [String], contents: Bool,
        completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void
    ) {
        controls.append("verify \(references) contents=\(contents)")
        loop.enqueue { [self] in completion(.success(verifications)) }
    }
    /// What saving gives before it fails, or ends.
    public var savedPieces: [[UInt8]] = []
    public var saveFailure: NodeServiceError?
    public func saveImages(
        _ references: [String], format: String, output: @escaping ([UInt8]) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) throws(NodeServiceError) -> any ImageSaving {
        controls.append("save \(references) \(format)")
        guard references.allSatisfy({ name in imageList.contains { $0.names.contains(name) } }) else {
            throw .notFound("no image \"\(references[0])\" in the store")
        }
        loop.enqueue { [self] in
            for piece in savedPieces { output(piece) }
            completion(saveFailure.map { .failure($0) } ?? .success(()))
        }
        return FakeSaving()
    }
    private final class FakeSaving: ImageSaving {
        func pause() {}
        func resume() {}
        func cancel() {}
    }
    public func importImage(
        path: String, _ root: ImageRoot, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) {
        controls.append("import \(root.reference) \(JSONWriter().text(root.config)) \(root.source ?? path)")
        loop.enqueue {
            completion(.success([ImageSummary(names: [root.reference], digest: "sha256:1", id: "sha256:2", size: 3)]))
        }
    }
    public func runBlocking(_ work: @escaping @Sendable () -> Void, then: @escaping () -> Void) {
        work()
        loop.enqueue(then)
    }
    public func loadImage(
        path: String, name: String?, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) {
        loop.enqueue { progress(ImageProgress(.unpacking, layersDone: 1, layers: 3, bytesDone: 2_000_000)) }
        let result: Result<[ImageSummary], NodeServiceError>
        do {
            let bytes = try Files.read(path, limit: 64 << 20)
            loaded.append((bytes, name))
            result =
                bytes == Array("bad".utf8)
                ? .failure(.badRequest("cannot load \"\(path)\": no archive"))
                : .success([ImageSummary(names: [name ?? "x"], digest: "sha256:1", id: "sha256:2", size: 3)])
        } catch {
            result = .failure(.badRequest("\(error)"))
        }
        guard let loadDelay else { return loop.enqueue { completion(result) } }
        loop.schedule(after: loadDelay) { completion(result) }
    }
    public func pullImage(
        _ reference: String, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) -> Subscription {
        if reference == "endless" {
            return Subscription { [self] in
                cancelledPulls += 1
                loop.enqueue { completion(.failure(.notFound("the pull was given up"))) }
            }
        }
        loop.enqueue {
            progress(ImageProgress(.downloading, layers: 2, bytesDone: 5, bytes: 10))
            completion(
                reference == "gone"
                    ? .failure(.notFound("manifest unknown"))
                    : .success([
                        ImageSummary(names: ["\(reference):latest"], digest: "sha256:1", id: "sha256:2", size: 3)
                    ]))
        }
        return Subscription {}
    }
    public var cancelledPulls = 0
    public var pullList: [PodPull] = []
    public func pulls() -> [PodPull] { pullList }
    public func removeImage(
        _ reference: String, completion: @escaping (Result<ImageRemoval, NodeServiceError>) -> Void
    ) {
        loop.enqueue {
            completion(
                reference == "gone"
                    ? .failure(.notFound("no image \"gone\""))
                    : .success(ImageRemoval(untagged: [reference], deleted: ["sha256:1"])))
        }
    }
    public func status() -> NodeStatus {
        NodeStatus(
            version: "1.2.3", nodeName: "node", root: "", processID: 1, started: Timestamp(nanoseconds: 0),
            kernel: "6.12", limitsEnforced: true, cgroupRoot: "/sys/fs/cgroup/swiftlet",
            manifestFolder: manifestFolder, isDraining: isDrained)
    }
    public var usageNow = NodeUsage(
        nodeName: "node", time: Timestamp(nanoseconds: 0), instant: BootInstant(nanoseconds: 0),
        booted: Timestamp(nanoseconds: 0), resources: .init(), availableMemory: nil, fileSystem: nil,
        imageFileSystem: nil, pods: [])
    public var countersNow = NodeCounters()
    /// What is told in turn, before `usageNow`.
    public var usages: [NodeUsage] = []
    public func usage(withDisk: Bool, _ completion: @escaping (NodeUsage) -> Void) {
        let usage = usages.isEmpty ? usageNow : usages.removeFirst()
        loop.enqueue { completion(usage) }
    }
    public var configurationNow = NodeConfiguration(
        path: "/etc/swiftlet/config.yaml",
        settings: [
            .init(name: "nodeName", value: "node", origin: .builtIn, afterRestart: "other"),
            .init(name: "podsURL", value: "https://fleet.example/pods", origin: .commandLine),
            .init(name: "podsURLClient", value: ["timeout": "30s", "tokenFile": "/t"], origin: .file),
        ])
    public func configuration() -> NodeConfiguration { configurationNow }
    public func counters() -> NodeCounters { countersNow }
    public func drain(
        gracePeriod: Int64?, progress: @escaping (String) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) {
        loop.enqueue {
            progress("ending default/a")
            self.isDrained = true
            completion(.success(()))
        }
    }
    public func logSource(
        namespace: String, pod: String, container: String?, previous: Bool
    ) throws(NodeServiceError) -> LogSource {
        guard let source = logSources["\(pod)/\(container ?? "c")\(previous ? "/previous" : "")"] else {
            throw .notFound("container \"\(container ?? "c")\" in pod \"\(pod)\" is not available")
        }
        return source
    }
    public var forwarded: [UInt16] = []
    public var connections: [FakeSession] = []
    public func forward(
        namespace: String, pod: String, port: UInt16, client: ExecClient
    ) throws(NodeServiceError) -> any ExecSession {
        guard podsByName[pod] != nil else { throw .notFound("pods \"\(pod)\" not found") }
        guard port != 1 else { throw .badRequest("no port 1 here") }
        forwarded.append(port)
        let connection = FakeSession(
            .init(namespace: namespace, pod: pod, container: nil, command: [], stdin: true, tty: false), client, loop)
        connections.append(connection)
        return connection
    }
    public var attached: [NodeAPI.AttachRequest] = []
    public func attach(
        _ request: NodeAPI.AttachRequest, client: ExecClient
    ) throws(NodeServiceError) -> any ExecSession {
        guard podsByName[request.pod] != nil else { throw .notFound("pods \"\(request.pod)\" not found") }
        attached.append(request)
        let exec = NodeAPI.ExecRequest(
            namespace: request.namespace, pod: request.pod, container: request.container, command: [],
            stdin: request.stdin, tty: false, rows: request.rows, columns: request.columns)
        let session = FakeSession(exec, client, loop)
        self.session = session
        return session
    }
    public func exec(_ request: NodeAPI.ExecRequest, client: ExecClient) throws(NodeServiceError) -> any ExecSession {
        guard podsByName[request.pod] != nil else { throw .notFound("pods \"\(request.pod)\" not found") }
        let session = FakeSession(request, client, loop)
        self.session = session
        return session
    }
}

/// A process that says back what it is told, and ends with status 7 at the end of its input.
public final class FakeSession: ExecSession {
    public let request: NodeAPI.ExecRequest
    public let client: ExecClient
    public let loop: EventLoop
    public var received = 0
    public var size: (UInt16, UInt16)?
    public var isCancelled = false
    public var isPaused = false
    /// Takes no more until told.
    public var refusesInput = false

    public init(_ request: NodeAPI.ExecRequest, _ client: ExecClient, _ loop: EventLoop) {
        self.request = request
        self.client = client
        self.loop = loop
    }

    public func send(_ bytes: [UInt8]) -> Bool {
        received += bytes.count
        loop.enqueue { [self] in if !isCancelled { client.output(.standardOutput, bytes) } }
        return !refusesInput
    }
    public func closeInput() {
        loop.enqueue { [self] in if !isCancelled { client.finished(.success(7)) } }
    }
    public func resize(rows: UInt16, columns: UInt16) { size = (rows, columns) }
    public func pauseOutput() { isPaused = true }
    public func resumeOutput() { isPaused = false }
    public func cancel() { isCancelled = true }
}
