import Base
import CLinux
import Images
import JSON
import Kube
import PodSources

/// The node's agent: makes the pods that run equal to the pods that are wanted.
@LoopActor
public final class Agent {
    /// A change of a pod, for those who watch.
    public enum Change: Sendable {
        case added
        case modified
        case deleted
    }

    /// Makes the operations of one pod instance.
    public typealias OperationsFactory =
        @LoopActor (_ pod: Pod, _ manifest: ManifestPod) throws(SystemError) -> any PodOperations

    public let loop: EventLoop
    public let log: Log
    public let events: EventRecorder
    public let objects: NodeObjects
    private let records: PodRecordStore
    private let starts: StartQueue
    private let makeOperations: OperationsFactory
    private let status: any PodStatusSource

    var workers: [PodKey: PodWorker] = [:]
    private var wanted: [PodKey: WantedPod] = [:]
    /// Instances of the agent's earlier run, until the first word of what is wanted.
    var restorable: [PodKey: (record: PodRecord, manifest: ManifestPod)] = [:]
    private var observers: [Int: (Change, Pod) -> Void] = [:]
    private var nextObserver = 0
    var drainWaiters: [() -> Void] = []
    /// The longest time that containers of pods begun from now on are held back before their next run.
    public var longestBackOff = CrashLoopBackOff.longest
    /// Told of every change of a pod.
    public private(set) var statusReporter: (any StatusReporter)?

    /// Instances of an earlier run whose records this version cannot use: nothing of them is touched.
    private var leftAlone: [UnusableRecord] = []
    private var manifestProblems: [ManifestProblem] = []

    /// What is wrong now with the manifests, with records of pods, and with pods that cannot be reached.
    public var problems: [ManifestProblem] { leftAlone.map(\.problem) + unreachable + manifestProblems }

    private var unreachable: [ManifestProblem] {
        workers.values.sorted { $0.key < $1.key }.compactMap { worker in
            worker.trouble.map {
                ManifestProblem(
                    path: worker.source,
                    message: "pod \(worker.key) goes on, and its supervisor cannot be reached: \($0)")
            }
        }
    }
    /// No pod is started any more, all that ran are being ended.
    public internal(set) var isDraining = false

    public init(
        loop: EventLoop, log: Log, events: EventRecorder, objects: NodeObjects, records: PodRecordStore,
        starts: StartQueue, status: any PodStatusSource, makeOperations: @escaping OperationsFactory
    ) {
        self.loop = loop
        self.log = log
        self.events = events
        self.objects = objects
        self.records = records
        self.starts = starts
        self.status = status
        self.makeOperations = makeOperations
    }

    // MARK: - What is wanted

    /// Takes the instances of an earlier run of the agent. All are taken up when it is first said what is wanted, also
    /// those that are wanted no more: they end as any pod does.
    ///
    /// An instance that cannot be taken up is left alone when a newer agent wrote of it, or when it runs. Otherwise its
    /// record was damaged before anything of it ran, or it runs no more: its pod begins anew.
    ///
    /// - Returns: by file, what each manifest asked for when it was last good.
    public func restore(
        _ found: [PodRecord], unusable: [UnusableRecord] = [], survey: InstanceSurvey
    ) -> [String: [ManifestPod]] {
        var lastGood: [String: [ManifestPod]] = [:]
        var unusable = unusable
        for record in found.sorted(by: { $0.startTime < $1.startTime }) {
            do throws(PodDecodingError) {
                let manifest = try ManifestReader.read(record.manifest)
                if let older = restorable[manifest.key] { records.remove(older.record.uid) }
                if !record.isEnding { lastGood[record.source, default: []].append(manifest) }
                restorable[manifest.key] = (record, manifest)
            } catch {
                unusable.append(
                    UnusableRecord(
                        uid: record.uid, path: records.path(record.uid),
                        key: UnusableRecord.key(ofManifest: record.manifest), isNewer: false,
                        reason: "its manifest is not one of this version: \(error)"))
            }
        }
        for var record in unusable {
            guard record.isNewer || survey.isRunning(record.uid) else {
                if record.isCutOff {
                    log.info("pod record \(record.path) was not written to its end: its pod had not begun")
                } else {
                    log.error("pod record \(record.path) cannot be used, its pod starts as a new one: \(record.reason)")
                }
                records.remove(record.uid)
                continue
            }
            if record.key == nil { record.key = survey.key(record.uid) }
            log.error("\(record.problem)")
            leftAlone.append(record)
        }
        return lastGood
    }

    /// Makes `new` what is wanted.
    public func want(_ new: Wanted) {
        for problem in new.problems where !manifestProblems.contains(problem) { log.warning("\(problem)") }
        manifestProblems = new.problems
        // Before the pods that may need them.
        let changes = objects.set(new.objects)
        wanted = Dictionary(new.pods.map { ($0.manifest.key, $0) }, uniquingKeysWith: { first, _ in first })
        let earlier = restorable
        restorable = [:]
        for (record, manifest) in earlier.values { start(manifest, source: record.source, restoring: record) }
        for key in Set(wanted.keys).union(workers.keys).sorted() { reconcile(key) }
        if changes.isEmpty { return }
        for worker in workers.values {
            let named = worker.pod.references.intersection(changes)
            if !named.isEmpty { worker.objectsChanged(named) }
        }
    }

    private func reconcile(_ key: PodKey) {
        if leftAlone.contains(where: { $0.key == key }) { return }
        let want = isDraining ? nil : wanted[key]
        guard let worker = workers[key] else {
            if let want { start(want.manifest, source: want.path, restoring: nil) }
            return
        }
        guard let want else {
            return worker.stop(message: isDraining ? "the node drains" : "its manifest was removed")
        }
        if want.manifest.value == worker.manifest.value {
            worker.source = want.path
        } else {
            worker.stop(message: "its manifest changed")
        }
    }

    func start(_ manifest: ManifestPod, source: String, restoring record: PodRecord?) {
        var pod = manifest.pod
        // A UID names one instance on this node and a folder on its disk: it is never a manifest's to choose.
        pod.metadata.uid = record?.uid ?? Self.newUID()
        pod.spec.nodeName = status.nodeName
        let startTime = record?.startTime ?? .now
        pod.metadata.creationTimestamp = startTime
        var plan = PodPlan(pod)
        plan.longestBackOff = longestBackOff
        var machine =
            record.map { PodMachine(plan, restoring: $0.containers, finished: $0.isFinished) } ?? PodMachine(plan)
        machine.failure = record?.failure
        let operations: any PodOperations
        do throws(SystemError) { operations = try makeOperations(pod, manifest) } catch {
            return log.error("pod \(manifest.key) cannot be run: \(error)")
        }
        let worker = PodWorker(
            pod: pod, manifest: manifest, source: source, startTime: startTime, machine: machine,
            isRestored: record != nil, operations: operations, records: records, starts: starts,
            loop: loop)
        workers[manifest.key] = worker
        worker.onChange = { [unowned self] worker in publish(.modified, worker) }
        worker.onNote = { [unowned self] worker, note in
            events.record(note, pod: worker.pod)
            let line = "pod \(worker.key)\(note.container.map { "[\($0)]" } ?? ""): \(note.reason): \(note.message)"
            log.entry(
                note.isWarning ? .warning : .info, line, identifier: "swiftletd",
                fields: note.journalFields(of: worker.pod))
        }
        worker.keepEnd = { [unowned self] worker in await keepEnd(worker) }
        worker.onFinished = { [unowned self] worker in finished(worker) }
        publish(.added, worker)
        worker.start()
        if record?.isEnding == true { worker.stop(message: "it was being ended when the agent went") }
    }

    private func finished(_ worker: PodWorker) {
        workers[worker.key] = nil
        log.info("pod \(worker.key): ended, nothing of it is left")
        publish(.deleted, worker)
        status.forget(worker.uid)
        reconcile(worker.key)
        guard isDraining, workers.isEmpty else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter() }
    }

    /// What waits for an image looks again.
    public func imagesChanged() {
        for worker in workers.values { worker.imagesChanged() }
    }

    /// Ends all pods within their grace periods and starts none any more; calls `completion` when none is left.
    ///
    /// - Parameter grace: replaces every pod's own, in seconds.
    public func drain(grace: Int64? = nil, completion: @escaping () -> Void) {
        isDraining = true
        for record in leftAlone { log.warning("not drained: \(record.problem)") }
        if workers.isEmpty {
            loop.enqueue(completion)
            return
        }
        drainWaiters.append(completion)
        for worker in workers.values { worker.stop(grace: grace, message: "the node drains") }
    }

    /// Releases what is left of pods that no record names: an earlier agent was killed between two steps. What records
    /// name is taken up again instead.
    public func sweep(_ node: NodeServices) {
        let known = Set(restorable.values.map(\.record.uid)).union(leftAlone.map(\.uid))
        let leftovers = SandboxSweep(node).leftovers(known: known)
        for line in leftovers.released { log.info("released what was left of pod \(line)") }
        for failure in leftovers.failures { log.warning("\(failure)") }
        Task { await node.networks.sweep(known: known) }
    }

    /// The layers of images that pods on record were started with.
    public func layersOnRecord(_ store: ImageStore) -> Set<String> {
        layers(of: restorable.values.flatMap(\.record.containers), store).union(layersInUse(store))
    }

    private static func newUID() -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        _ = bytes.withUnsafeMutableBytes { swl_random($0.baseAddress, $0.count) }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        let hex = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
        return [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]].map { $0.joined() }.joined(
            separator: "-")
    }

    // MARK: - What is there

    /// All pods as v1 Pods with their status, by namespace and name.
    public var pods: [Pod] { workers.values.sorted { $0.key < $1.key }.map(object) }

    public func worker(_ key: PodKey) -> PodWorker? { workers[key] }

    /// The images that are pulled for pods now.
    public var currentPulls: [(pod: PodKey, pull: ContainerPull)] {
        workers.sorted { $0.key < $1.key }.flatMap { key, worker in worker.currentPulls.map { (key, $0) } }
    }

    /// The instances whose manifest stands in `file`.
    public func workers(from file: String) -> [PodWorker] { workers.values.filter { $0.source == file } }

    /// The layers that live containers stand on.
    public func layersInUse(_ store: ImageStore) -> Set<String> {
        layers(of: workers.values.flatMap(\.machine.containers).filter(\.isLive), store)
    }

    /// Ids of the images that pods use, on record too, or name.
    public func imagesInUse(_ store: ImageStore) -> Set<String> {
        var ids = Set(restorable.values.flatMap(\.record.containers).compactMap(\.imageID))
        for pod in pods {
            ids.formUnion((pod.status.initContainerStatuses + pod.status.containerStatuses).map(\.imageID))
            for container in pod.spec.initContainers + pod.spec.containers {
                if let image = try? store.resolve(container.image) { ids.insert(image.id) }
            }
        }
        // What instances that are left alone use is not known: it may be any.
        if !leftAlone.isEmpty { ids.formUnion(((try? store.list()) ?? []).map(\.id)) }
        return ids
    }

    private func layers(of containers: [ContainerRecord], _ store: ImageStore) -> Set<String> {
        // What instances that are left alone stand on is not known: it may be any.
        if !leftAlone.isEmpty { return Set((try? store.allLayerPaths()) ?? []) }
        var layers = Set(containers.flatMap(\.layers))
        // Asked of the store where a record does not say.
        let asked = Set(containers.filter(\.layers.isEmpty).compactMap(\.imageID))
        if asked.isEmpty { return layers }
        for image in (try? store.list()) ?? [] where asked.contains(image.id) { layers.formUnion(image.layerPaths) }
        return layers
    }

    public func pod(_ key: PodKey) -> Pod? { workers[key].map(object) }

    /// Calls `handler` with every change of a pod. The result ends that.
    public func observe(_ handler: @escaping (Change, Pod) -> Void) -> () -> Void {
        let id = nextObserver
        nextObserver += 1
        observers[id] = handler
        return { [weak self] in self?.observers[id] = nil }
    }

    private func object(_ worker: PodWorker) -> Pod {
        var pod = worker.pod
        pod.status = status.status(of: worker)
        if let time = worker.stopRequested { pod.metadata.deletionTimestamp = time }
        return pod
    }

    private func publish(_ change: Change, _ worker: PodWorker) {
        // The status is computed at every change, also when nobody watches: its transition times are then right.
        let pod = object(worker)
        for handler in observers.values { handler(change, pod) }
        // Of an end more was told by `keepEnd`.
        if case .deleted = change { return }
        if worker.tellsStatus { statusReporter?.report(pod) }
    }

    /// Tells `reporter` from now on: first what every pod is now.
    public func report(to reporter: (any StatusReporter)?) {
        statusReporter = reporter
        guard let reporter else { return }
        for worker in workers.values.sorted(by: { $0.key < $1.key }) where worker.tellsStatus {
            reporter.report(object(worker))
        }
    }

    private func keepEnd(_ worker: PodWorker) async {
        guard let statusReporter else { return }
        await withCheckedContinuation { continuation in
            statusReporter.reportEnd(object(worker)) { continuation.resume() }
        }
    }
}

extension PodPlan {
    /// The plan of a decoded pod.
    init(_ pod: Pod) {
        func entry(_ container: Container) -> Entry {
            var hooks: Set<Hook> = []
            if container.lifecycle?.postStart != nil { hooks.insert(.postStart) }
            if container.lifecycle?.preStop != nil { hooks.insert(.preStop) }
            return Entry(
                name: container.name, image: container.image, probes: ContainerProbes(container), hooks: hooks,
                restartPolicy: container.restartPolicy.flatMap { RestartPolicy(rawValue: $0.rawValue) },
                restartRules: container.restartPolicyRules)
        }
        self.init(
            display: "\(pod.metadata.name)_\(pod.metadata.namespace)(\(pod.metadata.uid))",
            restartPolicy: RestartPolicy(rawValue: pod.spec.restartPolicy.rawValue) ?? .always,
            initContainers: pod.spec.initContainers.map(entry), containers: pod.spec.containers.map(entry))
        activeDeadline = pod.spec.activeDeadlineSeconds.map { .seconds(min($0, 1 << 31)) }
        grace = .seconds(max(2, min(pod.spec.terminationGracePeriodSeconds, 1 << 31)))
    }
}
