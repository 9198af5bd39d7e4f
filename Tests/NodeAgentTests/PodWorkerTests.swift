import Base
import JSON
import Kube
import PodRuntime
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Operations that only write down what is asked of them, and do what the test says.
@LoopActor
private final class FakeOperations: PodOperations {
    var calls: [String] = []
    var adopted: [AdoptedContainer]?
    var onExit: ((String, Int, ContainerRecord.Termination) -> Void)?
    var onSupervisorLost: (() -> Void)?
    var onSupervisorUnreachable: ((String) -> Void)?
    var onNote: ((EventNote) -> Void)?
    var supervisor: SupervisorClient? { nil }
    var addresses: [String] { [] }
    var isThere: Bool { adopted != nil }
    var currentPulls: [ContainerPull] { [] }

    var whileMaking: () -> Void = {}
    /// What goes wrong in the next makings.
    var failures: [any Error] = []
    var whileStarting: () -> Void = {}
    var startFailures: [StartFailure] = []
    var onForget: () -> Void = {}
    var onTearDown: () -> Void = {}
    var whileTearingDown: () async -> Void = {}

    func makeSandbox() async throws -> [AdoptedContainer]? {
        calls.append("make")
        whileMaking()
        if !failures.isEmpty { throw failures.removeFirst() }
        return adopted
    }

    func start(_ record: ContainerRecord, attempt: Int) async throws(StartFailure) -> StartedContainer {
        calls.append("start \(record.name).\(attempt)")
        whileStarting()
        if !startFailures.isEmpty { throw startFailures.removeFirst() }
        return StartedContainer(
            containerID: "id", imageID: "image", startedAt: Timestamp(nanoseconds: 1), user: nil)
    }

    func stop(container: String) {
        calls.append("stop \(container)")
        onExit?(container, 0, .init(exitCode: 0, reason: "Completed", finishedAt: Timestamp(nanoseconds: 2)))
    }

    func forget(container: String, attempt: Int) {
        calls.append("forget \(container).\(attempt)")
        onForget()
    }
    func runHook(
        _ hook: Hook, container: String, attempt: Int, _ completion: @escaping @LoopActor (HookOutcome) -> Void
    ) { calls.append("\(hook) \(container).\(attempt)") }
    func cancelHook(container: String) { calls.append("cancel hook \(container)") }
    func kill(container: String) { calls.append("kill \(container)") }
    /// What the probes find.
    var outcome = ProbeOutcome.success
    var loop: EventLoop?
    func probe(_ probe: Probe, container: String, completion: @escaping (ProbeOutcome) -> Void) -> ProbeRun {
        calls.append("probe \(container)")
        loop?.enqueue { [outcome] in completion(outcome) }
        return ProbeRun {}
    }
    func giveUpStart(container: String) { calls.append("give up \(container)") }
    func hasImage(container: String) -> Bool { true }
    func objectsChanged() {}
    func tearDown(final: Bool) async throws {
        calls.append("tear down\(final ? " finally" : "")")
        onTearDown()
        await whileTearingDown()
    }
}

/// Ends the loop when nothing is in the folder any more, or after so many looks.
private func stop(_ loop: EventLoop, whenEmpty folder: String, looks: Int) {
    if looks == 0 || (try? Files.list(folder).isEmpty) == true { return loop.stop() }
    loop.schedule(after: .milliseconds(10)) { stop(loop, whenEmpty: folder, looks: looks - 1) }
}

/// The actor's loop belongs to one thread of a process: each test has a process of its own.
@Suite struct PodWorkerTests {
    /// The manifest of a pod `p` (uid `u`) of one container `c`.
    private static func manifest(restart: RestartPolicy = .always) -> ManifestPod {
        var spec = PodSpec(containers: [Container(name: "c", image: "i")])
        spec.restartPolicy = restart
        return ManifestPod(
            key: PodKey(namespace: "default", name: "p"), value: ["kind": "Pod"],
            pod: Pod(metadata: ObjectMeta(name: "p", namespace: "default", uid: "u"), spec: spec), ineffective: [])
    }

    @LoopActor
    private static func records(_ folder: String) -> PodRecordStore {
        PodRecordStore(folder: folder, pool: BlockingPool(size: 1), log: Log(limit: .error) { _ in })
    }

    /// Container `c` as its supervisor tells of it.
    private static func adopted(_ state: AdoptedContainer.State) -> [AdoptedContainer] {
        [AdoptedContainer(name: "c", attempt: 0, state: state)]
    }

    private static let running = AdoptedContainer.State.running(
        .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 1), user: nil))

    @LoopActor
    private static func worker(
        _ manifest: ManifestPod, _ machine: PodMachine, isRestored: Bool, _ operations: FakeOperations,
        _ records: PodRecordStore, _ loop: EventLoop
    ) -> PodWorker {
        PodWorker(
            pod: manifest.pod, manifest: manifest, source: "/m.yaml", startTime: .now, machine: machine,
            isRestored: isRestored, operations: operations, records: records, starts: StartQueue(loop: loop, width: 4),
            loop: loop)
    }

    /// A worker of a pod whose container an earlier agent ran.
    @LoopActor
    private static func restored(
        _ operations: FakeOperations, _ records: PodRecordStore, _ loop: EventLoop, restart: RestartPolicy = .never
    ) -> PodWorker {
        let manifest = manifest(restart: restart)
        var record = ContainerRecord(name: "c", image: "i", isInit: false)
        record.hasBegun = true
        record.state = .running(since: Timestamp(nanoseconds: 1))
        let machine = PodMachine(PodPlan(manifest.pod), restoring: [record], finished: false)
        return worker(manifest, machine, isRestored: true, operations, records, loop)
    }

    @Test func aPodThatHasEndedIsRunOnceMoreAlsoWhileWhatItStoodOnIsStillGoing() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            let records = scratch.path + "/records"
            try Files.makeDirectories(records)
            try LoopActor.run { loop in
                let log = Log(limit: .error) { _ in }
                var made: [FakeOperations] = []
                let agent = Agent(
                    loop: loop, log: log, events: EventRecorder(host: "n"), objects: NodeObjects(),
                    records: Self.records(records), starts: StartQueue(loop: loop, width: 4), status: NoStatus(),
                    makeOperations: { _, _ throws(SystemError) in
                        made.append(FakeOperations())
                        return made[made.count - 1]
                    })
                let key = PodKey(namespace: "default", name: "p")
                agent.want(Wanted(pods: [.init(manifest: Self.manifest(restart: .never), path: "/m.yaml")]))
                let first = made[0]
                var stages: [PodMachine.Stage?] = []
                first.whileTearingDown = {
                    stages.append(agent.worker(key)?.machine.stage)
                    if stages.count == 1 { try? await agent.control(.restart, key, container: nil, grace: nil) }
                }
                @LoopActor func end(_ looks: Int) {
                    precondition(looks > 0, "it does not go on: \(made.map { $0.calls })")
                    if first.calls.contains("start c.0"), first.calls.last == "start c.0" {
                        first.onExit?("c", 0, .init(exitCode: 0, reason: "Completed", finishedAt: .now))
                    }
                    if made.count == 2, made[1].calls.last == "start c.0" { return loop.stop() }
                    loop.schedule(after: .milliseconds(10)) { end(looks - 1) }
                }
                end(2000)
                try loop.run()
                precondition(stages == [.tearingDown(final: false), .tearingDown(final: true)], "\(stages)")
                let calls = first.calls.filter { !$0.hasPrefix("forget") }
                precondition(calls == ["make", "start c.0", "tear down", "tear down finally"], "\(calls)")
            }
        }
    }

    @Test func anObjectThatComesWhileAStartFailsForItIsNotOverlooked() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let operations = FakeOperations()
                let manifest = Self.manifest()
                let worker = Self.worker(
                    manifest, PodMachine(PodPlan(manifest.pod)), isRestored: false, operations,
                    Self.records(scratch.path), loop)
                operations.startFailures = [
                    StartFailure(
                        .object, reason: "CreateContainerConfigError", message: "configmap \"m\" not found", at: .now)
                ]
                operations.whileStarting = {
                    worker.objectsChanged([.init(.configMap, namespace: "default", name: "m")])
                }
                worker.onChange = { worker in
                    if worker.machine.containers[0].isRunning { loop.enqueue { loop.stop() } }
                }
                loop.schedule(after: .seconds(20)) { preconditionFailure("it waits on: \(operations.calls)") }
                worker.start()
                try loop.run()
                precondition(operations.calls.filter { $0 == "start c.0" }.count == 2, "\(operations.calls)")
            }
        }
    }

    @Test func aPodRunsAndEndsThroughItsOperationsAndLeavesNoRecord() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                let manifest = Self.manifest()
                let worker = Self.worker(
                    manifest, PodMachine(PodPlan(manifest.pod)), isRestored: false, operations, records, loop)
                var onDisk: [String] = []
                worker.onChange = { worker in
                    guard worker.machine.containers[0].isRunning, worker.stopRequested == nil else { return }
                    onDisk = (try? Files.list(scratch.path)) ?? []
                    loop.enqueue { worker.stop(message: "test") }
                }
                let path = scratch.path as String
                worker.onFinished = { _ in stop(loop, whenEmpty: path, looks: 1000) }
                worker.start()
                try loop.run()
                precondition(onDisk == ["u.json"], "the record is there before anything runs: \(onDisk)")
                let calls = operations.calls.filter { !$0.hasPrefix("forget") }
                precondition(calls == ["make", "start c.0", "stop c", "tear down finally"], "\(calls)")
                let left = try Files.list(scratch.path)
                precondition(left == [], "nothing is left of it: \(left)")
            }
        }
    }

    @Test func aPodThatIsEndedWithItsNodeKeepsItsRecordAndItsFiles() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                operations.adopted = Self.adopted(Self.running)
                let worker = Self.restored(operations, records, loop, restart: .always)
                worker.onFinished = { _ in
                    Task {
                        try? await records.flush("u")
                        loop.stop()
                    }
                }
                worker.start()
                worker.suspend(message: "test")
                try loop.run()
                let calls = operations.calls.filter { !$0.hasPrefix("forget") }
                precondition(calls == ["make", "stop c", "tear down"], "\(calls)")
                let kept = try records.load().records
                precondition(kept.count == 1 && !kept[0].isFinished)
                precondition(kept[0].containers[0].lastTermination?.exitCode == 0)
                let plan = PodPlan(Self.manifest().pod)
                var next = PodMachine(plan, restoring: kept[0].containers, finished: kept[0].isFinished)
                precondition(next.on(.sandboxReady, now: .now) == [.start(container: "c", attempt: 1)])
            }
        }
    }

    @Test func whatEndsWhileItsSandboxIsTakenUpIsNotTakenForRunning() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                operations.adopted = Self.adopted(Self.running)
                operations.whileMaking = {
                    operations.onExit?(
                        "c", 0, .init(exitCode: 5, reason: "Error", finishedAt: Timestamp(nanoseconds: 2)))
                }
                let worker = Self.restored(operations, records, loop)
                worker.onChange = { if $0.machine.stage == .finished { loop.stop() } }
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(worker.machine.stage == .finished, "\(worker.machine.stage)")
                precondition(worker.machine.containers[0].termination?.exitCode == 5)
            }
        }
    }

    /// What the restored container of these tests does.
    private static let found = AdoptedContainer(
        name: "c", attempt: 0,
        state: .running(.init(containerID: "i", imageID: "", startedAt: Timestamp(nanoseconds: 1), user: nil)))

    @Test func aSupervisorThatCannotBeReachedIsTriedAgainAndSaidToBeInTrouble() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let operations = FakeOperations()
                operations.adopted = [Self.found]
                operations.failures = [SupervisorUnreachable("it is silent")]
                let worker = Self.restored(operations, records, loop, restart: .never)
                var notes: [String] = []
                var troubles: [String?] = []
                worker.onNote = { worker, note in
                    notes.append(note.reason)
                    troubles.append(worker.trouble)
                    precondition(worker.machine.containers[0].isRunning && worker.hasSandbox)
                }
                worker.onChange = { worker in
                    guard worker.machine.stage == .running else { return }
                    loop.stop()
                }
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(notes == ["SupervisorUnreachable"] && troubles == ["it is silent"], "\(notes) \(troubles)")
                precondition(worker.machine.stage == .running && worker.trouble == nil, "\(worker.machine.stage)")
                precondition(operations.calls == ["make", "make"], "\(operations.calls)")
            }
        }
    }

    @Test func aConnectionThatBreaksUnderAPodIsMadeAgainAtOnce() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let operations = FakeOperations()
                operations.adopted = [Self.found]
                let worker = Self.restored(operations, records, loop, restart: .never)
                var times = 0
                worker.onChange = { worker in
                    guard worker.machine.stage == .running else { return }
                    times += 1
                    if times == 2 { return loop.stop() }
                    loop.enqueue { operations.onSupervisorUnreachable?("broken") }
                }
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(times == 2 && operations.calls == ["make", "make"], "\(operations.calls)")
            }
        }
    }

    @Test func aSupervisorThatIsFoundDeadEndsAPodThatNeverRestarts() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let operations = FakeOperations()
                operations.adopted = [Self.found]
                operations.failures = [SupervisorGone()]
                let worker = Self.restored(operations, records, loop, restart: .never)
                worker.onChange = { if $0.machine.stage == .finished { loop.stop() } }
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(worker.machine.stage == .finished, "\(worker.machine.stage)")
                precondition(worker.machine.containers[0].termination?.reason == "ContainerStatusUnknown")
                precondition(operations.calls == ["make", "tear down"], "\(operations.calls)")
            }
        }
    }

    @Test func theEndOfASupervisorThatCannotBeReachedIsLookedAtAtOnce() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let operations = FakeOperations()
                operations.adopted = [Self.found]
                // The waits between them would be 63 s.
                operations.failures = (0..<7).map { _ in SupervisorUnreachable("it is silent") }
                let worker = Self.restored(operations, records, loop, restart: .never)
                worker.onNote = { _, _ in loop.enqueue { operations.onSupervisorLost?() } }
                worker.onChange = { if $0.machine.stage == .running { loop.stop() } }
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(worker.machine.stage == .running, "\(worker.machine.stage)")
                precondition(operations.calls.count == 8, "\(operations.calls)")
            }
        }
    }

    @Test func anEndIsOnRecordBeforeTheSupervisorMayForgetIt() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                operations.adopted = Self.adopted(
                    .ended(.init(exitCode: 5, reason: "Error", finishedAt: Timestamp(nanoseconds: 2))))
                var onDisk = ""
                operations.onForget = {
                    onDisk = (try? Files.readText(scratch.path + "/u.json")) ?? ""
                    loop.stop()
                }
                let worker = Self.restored(operations, records, loop)
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(operations.calls.contains("forget c.0"), "\(operations.calls)")
                precondition(onDisk.contains("\"exitCode\":5"), "on disk: \(onDisk)")
            }
        }
    }

    @Test func aPodsEndIsOnRecordBeforeItsSupervisorIsEnded() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let operations = FakeOperations()
                operations.adopted = [
                    AdoptedContainer(
                        name: "c", attempt: 0,
                        state: .ended(.init(exitCode: 5, reason: "Error", finishedAt: Timestamp(nanoseconds: 2))))
                ]
                var onDisk = ""
                operations.onTearDown = {
                    onDisk = (try? Files.readText(scratch.path + "/u.json")) ?? ""
                    loop.stop()
                }
                let worker = Self.restored(operations, records, loop, restart: .never)
                worker.start()
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(operations.calls.contains("tear down"), "\(operations.calls)")
                precondition(onDisk.contains("\"finished\":true"), "on disk: \(onDisk)")
            }
        }
    }

    @Test func aRecordThatCouldNotBeWrittenIsWrittenWhenItIsAskedForAgain() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            let folder = scratch.path + "/later"
            try LoopActor.run { loop in
                let records = Self.records(folder)
                var outcomes: [Bool] = []
                Task {
                    records.save(
                        PodRecord(
                            uid: "u", source: "/m.yaml", manifest: ["kind": "Pod"], startTime: .now, isFinished: false,
                            containers: []))
                    outcomes.append((try? await records.flush("u")) != nil)
                    outcomes.append((try? await records.flush("u")) != nil)
                    try? Files.makeDirectories(folder)
                    outcomes.append((try? await records.flush("u")) != nil)
                    loop.stop()
                }
                loop.schedule(after: .seconds(20)) { loop.stop() }
                try loop.run()
                precondition(outcomes == [false, false, true], "\(outcomes)")
                let left = try Files.list(folder)
                precondition(left == ["u.json"], "\(left)")
            }
        }
    }

    /// A manifest whose container has a readiness probe.
    private static func probed(_ manifest: ManifestPod) -> ManifestPod {
        var manifest = manifest
        var probe = Probe(.exec(ExecAction(command: ["true"])))
        probe.periodSeconds = 1
        manifest.pod.spec.containers[0].readinessProbe = probe
        return manifest
    }

    @Test func aProbeMakesAContainerReadyAndItsRecordSaysSo() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                operations.loop = loop
                let manifest = Self.probed(Self.manifest())
                let worker = Self.worker(
                    manifest, PodMachine(PodPlan(manifest.pod)), isRestored: false, operations, records, loop)
                worker.onChange = { worker in
                    guard worker.machine.containers[0].isReady else { return }
                    Task {
                        try? await records.flush("u")
                        loop.stop()
                    }
                }
                loop.schedule(after: .seconds(20)) { preconditionFailure("\(operations.calls)") }
                worker.start()
                try loop.run()
                precondition(operations.calls == ["make", "start c.0", "probe c"], "\(operations.calls)")
                let kept = try records.load().records
                precondition(kept[0].containers[0].isReady && kept[0].containers[0].isStarted)
            }
        }
    }

    @Test func whatWasReadyBeforeTheAgentCameStaysSoUntilAProbeSaysOtherwise() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let records = Self.records(scratch.path)
                let operations = FakeOperations()
                operations.loop = loop
                operations.adopted = Self.adopted(Self.running)
                operations.outcome = .failure("no")
                let manifest = Self.probed(Self.manifest())
                var record = ContainerRecord(name: "c", image: "i", isInit: false)
                record.hasBegun = true
                record.state = .running(since: Timestamp(nanoseconds: 1))
                (record.isStarted, record.isReady) = (true, true)
                let machine = PodMachine(PodPlan(manifest.pod), restoring: [record], finished: false)
                let worker = Self.worker(manifest, machine, isRestored: true, operations, records, loop)
                var notes: [String] = []
                worker.onNote = { worker, note in
                    notes.append(note.message)
                    // Three failures make it so, and not one less.
                    precondition(worker.machine.containers[0].isReady, "\(notes)")
                }
                worker.onChange = { worker in if !worker.machine.containers[0].isReady { loop.stop() } }
                loop.schedule(after: .seconds(20)) { preconditionFailure("\(operations.calls)") }
                worker.start()
                try loop.run()
                let wanted = [String](repeating: "Readiness probe failed: no", count: 3)
                precondition(notes == wanted, "\(notes)")
            }
        }
    }
}
