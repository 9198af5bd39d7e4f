import Base
import JSON
import Kube
import PodRuntime
import PodSources
import TestSupport

@testable import NodeAgent

/// A worker of a pod `p` (uid `u`) with one container `c`, its records in a folder, and operations that only write down
/// what is asked of them. The actor's loop belongs to one thread of a process: each test has a process of its own.
@LoopActor
final class WorkerLaboratory {
    let loop: EventLoop
    /// The folder of the records.
    let folder: String
    let records: PodRecordStore
    let operations = FakeOperations()

    private init(_ loop: EventLoop, folder: String) {
        self.loop = loop
        self.folder = folder
        records = PodRecordStore(folder: folder, pool: BlockingPool(size: 1), log: Log(limit: .error) { _ in })
        operations.loop = loop
    }

    nonisolated static func run(_ body: @LoopActor (WorkerLaboratory) throws -> Void) throws {
        let scratch = try TemporaryDirectory()
        try LoopActor.run { loop in try body(WorkerLaboratory(loop, folder: scratch.path)) }
    }

    // MARK: The pod

    static func manifest(restart: RestartPolicy = .always, readiness: Probe? = nil) -> ManifestPod {
        var spec = PodSpec(containers: [Container(name: "c", image: "i")])
        spec.restartPolicy = restart
        spec.containers[0].readinessProbe = readiness
        return ManifestPod(
            key: PodKey(namespace: "default", name: "p"), value: ["kind": "Pod"],
            pod: Pod(metadata: ObjectMeta(name: "p", namespace: "default", uid: "u"), spec: spec), ineffective: [])
    }

    /// The container as its supervisor tells of it.
    static func adopted(_ state: AdoptedContainer.State) -> [AdoptedContainer] {
        [AdoptedContainer(name: "c", attempt: 0, state: state)]
    }

    static let running = AdoptedContainer.State.running(
        .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 1), user: nil))

    static func ended(_ exitCode: Int32) -> ContainerRecord.Termination {
        .init(exitCode: exitCode, reason: "Error", finishedAt: Timestamp(nanoseconds: 2))
    }

    // MARK: Its worker

    /// A worker of a new pod.
    func worker(_ manifest: ManifestPod = WorkerLaboratory.manifest()) -> PodWorker {
        worker(manifest, PodMachine(PodPlan(manifest.pod)), isRestored: false)
    }

    /// A worker of a pod whose container an earlier agent ran.
    func restored(
        _ manifest: ManifestPod = WorkerLaboratory.manifest(restart: .never), isReady: Bool = false
    ) -> PodWorker {
        var record = ContainerRecord(name: "c", image: "i", isInit: false)
        record.hasBegun = true
        record.state = .running(since: Timestamp(nanoseconds: 1))
        (record.isStarted, record.isReady) = (isReady, isReady)
        return worker(
            manifest, PodMachine(PodPlan(manifest.pod), restoring: [record], finished: false), isRestored: true)
    }

    private func worker(_ manifest: ManifestPod, _ machine: PodMachine, isRestored: Bool) -> PodWorker {
        PodWorker(
            pod: manifest.pod, manifest: manifest, source: "/m.yaml", startTime: .now, machine: machine,
            isRestored: isRestored, operations: operations, records: records, starts: StartQueue(loop: loop, width: 4),
            loop: loop)
    }

    /// An agent whose pods have operations of their own that only write down what is asked of them.
    ///
    /// - Parameter hasStatus: it computes the pods' statuses.
    func agent(hasStatus: Bool = false, _ made: @escaping (FakeOperations) -> Void = { _ in }) -> Agent {
        let facts = NodeFacts(
            name: "n", addresses: ["192.0.2.1"], memoryCapacity: 1, allocatableMilliCPU: 1, allocatableMemory: 1)
        let status: any PodStatusSource = hasStatus ? PodStatuses(facts: facts) : NoStatus()
        return self.agent(status, made)
    }

    private func agent(_ status: any PodStatusSource, _ made: @escaping (FakeOperations) -> Void) -> Agent {
        Agent(
            loop: loop, log: Log(limit: .error) { _ in }, events: EventRecorder(host: "n"), objects: NodeObjects(),
            records: records, starts: StartQueue(loop: loop, width: 4), status: status,
            makeOperations: { _, _ throws(SystemError) in
                let operations = FakeOperations()
                operations.loop = self.loop
                made(operations)
                return operations
            })
    }

    // MARK: The time

    /// Runs the loop until the test stops it, which it does within a moment.
    func run() throws {
        loop.schedule(after: .seconds(20)) { [operations] in
            preconditionFailure("it does not go on: \(operations.calls)")
        }
        try loop.run()
    }

    /// Stops the loop once the pod's record is on the disk.
    func stopWhenRecorded() {
        Task {
            try? await records.flush("u")
            loop.stop()
        }
    }

    /// Stops the loop once the folder of records is empty, or has not become so for a while.
    func stopWhenEmpty(looks: Int = 1000) {
        if looks == 0 || (try? Files.list(folder).isEmpty) == true { return loop.stop() }
        loop.schedule(after: .milliseconds(10)) { [self] in stopWhenEmpty(looks: looks - 1) }
    }

    /// The pod's record as it lies on the disk.
    var onDisk: String { (try? Files.readText(folder + "/u.json")) ?? "" }

    /// What was asked of the operations, but for what is forgotten.
    var calls: [String] { operations.calls.filter { !$0.hasPrefix("forget") } }
}
