import Base
import CLinux
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
    let status: any PodStatusSource

    var workers: [PodKey: PodWorker] = [:]
    /// Instances beside these: successors that are not ready yet, and what ends without being its pod any more. By UID.
    var aside: [String: PodWorker] = [:]
    /// When successors are given up, by UID.
    var deadlines: [String: EventLoop.Token] = [:]
    /// What the manifests were whose successors were given up, and why.
    var rolledBack: [PodKey: (manifest: JSONValue, why: String)] = [:]
    private(set) var wanted: [PodKey: WantedPod] = [:]
    /// Instances of the agent's earlier run, until the first word of what is wanted.
    var restorable: [PodKey: (record: PodRecord, manifest: ManifestPod)] = [:]
    /// Those among them that are not their pods, and end.
    private(set) var superseded: [(record: PodRecord, manifest: ManifestPod)] = []
    private var observers: [Int: (Change, Pod) -> Void] = [:]
    private var nextObserver = 0
    var drainWaiters: [() -> Void] = []
    /// The longest time that containers of pods begun from now on are held back before their next run.
    public var longestBackOff = CrashLoopBackOff.longest
    /// What the node has for pods; nil for no bounds.
    public var admission: PodAdmission? { didSet { takeRefused() } }
    /// Told of every change of a pod.
    public private(set) var statusReporter: (any StatusReporter)?

    /// Instances of an earlier run whose records this version cannot use: nothing of them is touched.
    private(set) var leftAlone: [UnusableRecord] = []
    private var manifestProblems: [ManifestProblem] = []

    /// What is wrong now with the manifests, with records of pods, and with pods that cannot be reached.
    public var problems: [ManifestProblem] {
        leftAlone.map(\.problem) + unreachable + rollBackProblems + manifestProblems
    }

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
                if record.isSuccessor {
                    superseded.append((record, manifest))
                    continue
                }
                if let older = restorable[manifest.key] { superseded.append(older) }
                restorable[manifest.key] = (record, manifest)
            } catch {
                unusable.append(
                    UnusableRecord(
                        uid: record.uid, path: records.path(record.uid),
                        key: UnusableRecord.key(ofManifest: record.manifest), isNewer: false,
                        reason: "its manifest is not one of this version: \(error)"))
            }
        }
        for (record, manifest) in restorable.values where !record.isEnding {
            lastGood[record.source, default: []].append(manifest)
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

    /// The instances of an earlier run that have not been taken up yet.
    var onRecord: [PodRecord] { (Array(restorable.values) + superseded).map(\.record) }

    /// Makes `new` what is wanted.
    public func want(_ new: Wanted) {
        for problem in new.problems where !manifestProblems.contains(problem) { log.warning("\(problem)") }
        manifestProblems = new.problems
        // Before the pods that may need them.
        let changes = objects.set(new.objects, isWhole: new.problems.isEmpty)
        wanted = Dictionary(new.pods.map { ($0.manifest.key, $0) }, uniquingKeysWith: { first, _ in first })
        let earlier = restorable
        restorable = [:]
        // What runs is taken up before others are judged, and who was there first stays.
        for (record, manifest) in earlier.values.sorted(by: { $0.record.startTime < $1.record.startTime }) {
            start(manifest, source: record.source, restoring: record)
        }
        endSuperseded()
        for key in Set(wanted.keys).union(workers.keys).sorted(by: isFirst) { reconcile(key) }
        if !changes.isEmpty { objectsChanged(changes) }
    }

    /// These are not as they were, or can be had that could not.
    public func objectsChanged(_ changes: Set<DataObject.Key>) {
        for worker in everyWorker {
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
            let message = isDraining ? "the node drains" : "its manifest was removed"
            rolledBack[key] = nil
            if let next = successor(of: key) { dismiss(next, message) }
            return worker.stop(message: message)
        }
        if let next = successor(of: key) {
            if want.manifest.value == next.manifest.value { return next.source = want.path }
            // Its end brings this up again.
            return dismiss(next, "its manifest changed")
        }
        if let given = rolledBack[key], given.manifest == want.manifest.value { return worker.source = want.path }
        rolledBack[key] = nil
        worker.take(want.manifest, from: want.path)
    }

    /// Ends what an earlier agent left of instances that are not their pods.
    func endSuperseded() {
        let found = superseded
        superseded = []
        for (record, manifest) in found {
            start(manifest, source: record.source, restoring: record, beside: true)?
                .stop(message: "another instance is the pod")
        }
    }

    /// - Parameter beside: another instance is the pod.
    @discardableResult
    func start(
        _ manifest: ManifestPod, source: String, restoring record: PodRecord?, beside: Bool = false
    ) -> PodWorker? {
        var pod = manifest.pod
        // A UID names one instance on this node and a folder on its disk: it is never a manifest's to choose.
        pod.metadata.uid = record?.uid ?? Self.newUID()
        pod.spec.nodeName = status.nodeName
        let startTime = record?.startTime ?? .now
        pod.metadata.creationTimestamp = startTime
        // One that comes from an API server has the server's.
        if pod.metadata.generation == nil { pod.metadata.generation = record?.generation ?? 1 }
        var plan = PodPlan(pod)
        plan.longestBackOff = longestBackOff
        var machine =
            record.map { PodMachine(plan, restoring: $0) } ?? PodMachine(plan)
        if let record { pod.spec.ephemeralContainers = machine.restoreEphemeral(record) }
        let operations: any PodOperations
        do throws(SystemError) { operations = try makeOperations(pod, manifest) } catch {
            log.error("pod \(manifest.key) cannot be run: \(error)")
            return nil
        }
        let worker = PodWorker(
            pod: pod, manifest: manifest, source: source, startTime: startTime, machine: machine,
            isRestored: record != nil, operations: operations, records: records, starts: starts,
            loop: loop)
        let refusal = worker.isToBegin ? refusal(of: pod) : nil
        if beside {
            aside[worker.uid] = worker
        } else {
            workers[manifest.key] = worker
            // One that begins as its manifest says is not one that went back.
            if record == nil { rolledBack[manifest.key] = nil }
        }
        worker.conditions = record?.conditions ?? []
        // Of what an earlier agent left aside some had been the pod, and their end is told as its.
        worker.isSuccessor = record?.isSuccessor ?? beside
        worker.onChange = { [unowned self] worker in changed(worker) }
        worker.onReplaced = { [unowned self] worker, manifest in replace(worker, by: manifest) }
        worker.onNote = { [unowned self] worker, note in
            events.record(note, pod: worker.pod)
            let line = "pod \(worker.key)\(note.container.map { "[\($0)]" } ?? ""): \(note.reason): \(note.message)"
            log.entry(
                note.isWarning ? .warning : .info, line, identifier: "swiftletd",
                fields: note.journalFields(of: worker.pod))
        }
        worker.keepEnd = { [unowned self] worker in await keepEnd(worker) }
        worker.onFinished = { [unowned self] worker in finished(worker) }
        if !beside { publish(.added, worker) }
        worker.start(refusal: refusal)
        if record?.isEnding == true { worker.stop(message: "it was being ended when the agent went") }
        return worker
    }

    private func changed(_ worker: PodWorker) {
        guard workers[worker.key] === worker else { return follow(worker) }
        publish(.modified, worker)
        // Nothing is gained by waiting any longer.
        if worker.isFinished, let next = successor(of: worker.key) { promote(next, "it has ended") }
    }

    private func finished(_ worker: PodWorker) {
        log.info("pod \(worker.key): ended, nothing of it is left")
        status.forget(worker.uid)
        if workers[worker.key] === worker {
            workers[worker.key] = nil
            publish(.deleted, worker)
            if let next = successor(of: worker.key) { promote(next, "it has ended") }
        } else {
            aside[worker.uid] = nil
        }
        reconcile(worker.key)
        takeRefused()
        guard isDraining, workers.isEmpty, aside.isEmpty else { return }
        let waiters = drainWaiters
        drainWaiters = []
        for waiter in waiters { waiter() }
    }

    /// What waits for an image looks again.
    public func imagesChanged() {
        for worker in everyWorker { worker.imagesChanged() }
    }

    /// The pods' network is another, or can be had that could not.
    public func networkChanged() {
        for worker in everyWorker { worker.networkChanged() }
    }

    /// Ends all pods within their grace periods and starts none any more; calls `completion` when none is left.
    ///
    /// - Parameter grace: replaces every pod's own, in seconds.
    public func drain(grace: Int64? = nil, completion: @escaping () -> Void) {
        isDraining = true
        for record in leftAlone { log.warning("not drained: \(record.problem)") }
        if everyWorker.isEmpty {
            loop.enqueue(completion)
            return
        }
        drainWaiters.append(completion)
        for worker in everyWorker { worker.stop(grace: grace, message: "the node drains") }
    }

    /// Releases what is left of pods that no record names: an earlier agent was killed between two steps. What records
    /// name is taken up again instead.
    public func sweep(_ node: NodeServices) {
        let known = Set(onRecord.map(\.uid)).union(leftAlone.map(\.uid))
        let leftovers = SandboxSweep(node).leftovers(known: known)
        for line in leftovers.released { log.info("released what was left of pod \(line)") }
        for failure in leftovers.failures { log.warning("\(failure)") }
        Task { await node.networks.sweep(known: known) }
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

    /// The instances whose manifest stands in `file`.
    public func workers(from file: String) -> [PodWorker] { workers.values.filter { $0.source == file } }

    public func pod(_ key: PodKey) -> Pod? { workers[key].map(object) }

    /// Calls `handler` with every change of a pod. The result ends that.
    public func observe(_ handler: @escaping (Change, Pod) -> Void) -> () -> Void {
        let id = nextObserver
        nextObserver += 1
        observers[id] = handler
        return { [weak self] in self?.observers[id] = nil }
    }

    func object(_ worker: PodWorker) -> Pod {
        var pod = worker.pod
        pod.status = status.status(of: worker)
        if let networks = worker.networkStatus {
            pod.metadata.annotations[NetworkSelection.statusAnnotation] = networks
        }
        if let time = worker.stopRequested { pod.metadata.deletionTimestamp = time }
        return pod
    }

    func publish(_ change: Change, _ worker: PodWorker) {
        // The status is computed at every change, also when nobody watches: its transition times are then right.
        let pod = object(worker)
        for handler in observers.values { handler(change, pod) }
        // Of an end more was told by `keepEnd`.
        if case .deleted = change { return }
        if worker.tellsStatus { statusReporter?.report(pod) }
        if worker.isFinished { takeRefused() }
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
        // One that never was the pod was never told of.
        guard let statusReporter, !worker.isSuccessor else { return }
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
