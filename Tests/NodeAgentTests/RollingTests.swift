import Base
import JSON
import Kube
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Instances that give way to the next one only when it is ready.
@Suite struct RollingTests {
    /// The laboratory's manifest with other words, and a readiness probe.
    @LoopActor private static func manifest(_ version: Int64, isRolling: Bool = true) -> ManifestPod {
        var manifest = WorkerLaboratory.manifest(readiness: ProbeMachineTests.probe(period: 1))
        manifest.value = ["kind": "Pod", "version": .integer(version)]
        manifest.pod.spec.hostname = "v\(version)"
        if isRolling { manifest.pod.metadata.annotations = [PodReplacement.annotation: "rolling"] }
        return manifest
    }

    /// An agent and what its pods' operations are asked, in the order of the pods.
    @LoopActor private final class World {
        let laboratory: WorkerLaboratory
        var made: [FakeOperations] = []
        /// What the probes of pods that come from now on find.
        var outcome = ProbeOutcome.success
        /// What supervisors say of the pods that are taken up from now on.
        var adopted: [AdoptedContainer]?
        lazy var agent = laboratory.agent(hasStatus: true) { [unowned self] operations in
            operations.outcome = outcome
            operations.adopted = adopted
            made.append(operations)
        }
        let key = PodKey(namespace: "default", name: "p")
        init(_ laboratory: WorkerLaboratory) { self.laboratory = laboratory }

        func want(_ manifest: ManifestPod?) {
            agent.want(Wanted(pods: manifest.map { [.init(manifest: $0, path: "/m.yaml")] } ?? []))
        }

        /// What runs, by its manifest: the pod, then what stands aside.
        var running: [String] {
            ([agent.worker(key)].compactMap(\.self) + agent.aside.values.sorted { $0.uid < $1.uid }).map {
                ($0.pod.spec.hostname ?? "-") + ($0.stopRequested == nil ? "" : " ends")
            }
        }
        var isReady: Bool { agent.worker(key)?.machine.containers[0].isReady == true }

        /// Runs the loop until the condition holds.
        func wait(_ what: String, _ condition: @escaping @LoopActor () -> Bool) throws {
            @LoopActor func look(_ looks: Int) {
                if condition() { return laboratory.loop.stop() }
                precondition(looks > 0, "not within a while: \(what); \(running) \(made.map(\.calls))")
                laboratory.loop.schedule(after: .milliseconds(2)) { look(looks - 1) }
            }
            look(5000)
            try laboratory.loop.run()
        }
    }

    @Test func theOldOneGoesOnUntilTheNewOneIsReadyAndThenEnds() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let world = World(laboratory)
                world.want(Self.manifest(1))
                try world.wait("the first is ready") { world.isReady }
                let first = world.agent.worker(world.key)?.uid
                world.outcome = .failure("not yet")
                world.want(Self.manifest(2))
                try world.wait("the second runs") { world.made.count == 2 && world.made[1].calls.contains("start c.0") }
                precondition(world.running == ["v1", "v2"], "\(world.running)")
                precondition(world.agent.pods.count == 1 && world.agent.pods[0].metadata.uid == first)
                world.made[1].outcome = .success
                try world.wait("only the second is there") { world.running == ["v2"] }
                precondition(world.isReady && world.made[0].calls.contains("stop c"))
                precondition(world.agent.problems.isEmpty)
                world.want(nil)
                try world.wait("nothing is there") { world.running.isEmpty }
            }
        }
    }

    @Test func oneThatDoesNotComeToBeReadyIsGivenUpUntilTheManifestChanges() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let world = World(laboratory)
                world.want(Self.manifest(1))
                try world.wait("the first is ready") { world.isReady }
                world.outcome = .failure("never")
                world.want(Self.manifest(2))
                let next = world.agent.successor(of: world.key)
                next.map { world.agent.giveUp($0, "it was late") }
                try world.wait("the second has ended") { world.agent.aside.isEmpty }
                // The same again changes nothing.
                world.want(Self.manifest(2))
                precondition(world.running == ["v1"] && world.isReady && world.made.count == 2)
                precondition(world.agent.problems.count == 1, "\(world.agent.problems)")
                world.outcome = .success
                world.want(Self.manifest(3))
                try world.wait("the third has taken its place") { world.running == ["v3"] }
                precondition(world.agent.problems.isEmpty)
            }
        }
    }

    @Test func anotherEditMeanwhileDismissesTheSuccessorAndARemovalBoth() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let world = World(laboratory)
                world.want(Self.manifest(1))
                try world.wait("the first is ready") { world.isReady }
                world.outcome = .failure("not yet")
                world.want(Self.manifest(2))
                world.want(Self.manifest(3))
                try world.wait("the third begins") { world.made.count == 3 && world.running == ["v1", "v3"] }
                // Back to what runs: nothing is left to do.
                world.want(Self.manifest(1))
                try world.wait("the first is alone") { world.running == ["v1"] }
                precondition(world.made.count == 3 && !world.made[0].calls.contains("stop c"))
                world.want(Self.manifest(4))
                world.want(nil)
                try world.wait("both are gone") { world.running.isEmpty }
            }
        }
    }

    @Test func oneWithoutRoomIsGivenUpAtOnce() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let world = World(laboratory)
                world.agent.admission = PodAdmission(maxPods: 1, milliCPU: 1000, memory: 1 << 30, storage: 1 << 30)
                world.want(Self.manifest(1))
                try world.wait("the first is ready") { world.isReady }
                world.want(Self.manifest(2))
                try world.wait("the second is gone") { world.agent.aside.isEmpty }
                precondition(world.running == ["v1"] && world.isReady && world.agent.problems.count == 1)
                precondition(world.agent.deadlines.isEmpty)
                world.agent.admission = PodAdmission(maxPods: 2, milliCPU: 1000, memory: 1 << 30, storage: 1 << 30)
                world.want(Self.manifest(3))
                try world.wait("the third has taken its place") { world.running == ["v3"] }
            }
        }
    }

    @Test func anAgentThatComesAnewEndsTheSuccessorAndBeginsAnother() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let text = """
                    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","annotations":{"swiftlet/replacement":
                    "rolling"}},"spec":{"hostname":"HOST","containers":[{"name":"c","image":"i"}]}}
                    """
                func record(_ host: String, isSuccessor: Bool) throws -> PodRecord {
                    var container = ContainerRecord(name: "c", image: "i", isInit: false)
                    (container.hasBegun, container.state) = (true, .running(since: Timestamp(nanoseconds: 1)))
                    (container.isStarted, container.isReady) = (true, true)
                    let manifest = Array(text.replacing("HOST", with: host).utf8)
                    var record = PodRecord(
                        uid: host, source: "/m.yaml", manifest: try JSONParser.parse(manifest),
                        startTime: Timestamp(nanoseconds: isSuccessor ? 2 : 1), isFinished: false,
                        containers: [container])
                    record.isSuccessor = isSuccessor
                    return record
                }
                let world = World(laboratory)
                let records = [try record("v1", isSuccessor: false), try record("v2", isSuccessor: true)]
                let paths = NodePaths(root: laboratory.folder)
                _ = world.agent.restore(
                    records, survey: InstanceSurvey(cgroupRoot: laboratory.folder + "/cgroup", paths: paths))
                world.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                world.want(try ManifestReader.read(records[1].manifest))
                world.adopted = nil
                precondition(world.agent.worker(world.key)?.uid == "v1" && world.made.count == 2)
                // It is ready, and yet on its way to its end: another of its manifest takes the place.
                try world.wait("another of the second manifest has taken the place") {
                    let uid = world.agent.worker(world.key)?.uid
                    precondition(uid != "v2", "the earlier agent's successor became the pod")
                    return uid != "v1" && world.running == ["v2"]
                }
                precondition(world.made.count == 3 && world.made.prefix(2).allSatisfy { $0.calls.contains("stop c") })
            }
        }
    }
}
