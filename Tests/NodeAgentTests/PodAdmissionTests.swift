import Base
import JSON
import Kube
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Which pods a node has room for.
@Suite struct PodAdmissionTests {
    /// 4 CPUs, 1 GiB, 10 GiB of disk, 3 pods.
    private let node = PodAdmission(maxPods: 3, milliCPU: 4000, memory: 1 << 30, storage: 10 << 30)

    private static func spec(_ requests: [String: String] = [:], limits: [String: String] = [:]) -> PodSpec {
        var container = Container(name: "c", image: "i")
        container.resources.requests = requests.compactMapValues { Quantity($0) }
        container.resources.limits = limits.compactMapValues { Quantity($0) }
        return PodSpec(containers: [container])
    }

    private func refusal(_ spec: PodSpec, _ others: PodSpec...) -> PodRejection? {
        node.refusal(of: spec, beside: others)
    }

    @Test func whatHasNoRoomIsRefusedInTheKubeletsWords() {
        let cases: [(PodSpec, [PodSpec], String, String)] = [
            (
                Self.spec(["cpu": "5"]), [Self.spec(["cpu": "2"])], "OutOfcpu",
                "cpu, requested: 5000, used: 2000, capacity: 4000"
            ),
            (
                Self.spec(["memory": "600Mi"]), [Self.spec(["memory": "512Mi"])], "OutOfmemory",
                "memory, requested: 629145600, used: 536870912, capacity: 1073741824"
            ),
            (
                Self.spec(["ephemeral-storage": "11Gi"]), [], "OutOfephemeral-storage",
                "ephemeral-storage, requested: 11811160064, used: 0, capacity: 10737418240"
            ),
            (
                Self.spec(), [Self.spec(), Self.spec(), Self.spec()], "OutOfpods",
                "pods, requested: 1, used: 3, capacity: 3"
            ),
        ]
        for (pod, others, reason, rest) in cases {
            let refusal = node.refusal(of: pod, beside: others)
            #expect(refusal?.reason == reason)
            #expect(refusal?.message == "Node didn't have enough resource: " + rest)
            #expect(refusal?.isForRoom == true)
        }
    }

    @Test func requestsCountAndWhatIsFullIsNoMatterToWhoAsksForNothing() {
        #expect(refusal(Self.spec(["cpu": "2"]), Self.spec(["cpu": "2"])) == nil, "to the last")
        #expect(refusal(Self.spec(), Self.spec(["cpu": "9"])) == nil)
        #expect(refusal(Self.spec(["memory": "1Mi"]), Self.spec(["cpu": "9"])) == nil)
        // A limit without a request is one, as the API server fills it in.
        #expect(refusal(Self.spec(limits: ["cpu": "5"]))?.reason == "OutOfcpu")
        #expect(refusal(Self.spec(["cpu": "1"], limits: ["cpu": "5"])) == nil)
        let endless = Self.spec(["memory": "9E"])
        #expect(node.refusal(of: Self.spec(["memory": "1"]), beside: [endless, endless])?.reason == "OutOfmemory")
        // A node that does not know what it has refuses nobody for it.
        let unknown = PodAdmission(maxPods: 3, milliCPU: 0, memory: 0, storage: 0)
        #expect(unknown.refusal(of: Self.spec(["cpu": "1", "ephemeral-storage": "1"]), beside: []) == nil)
    }

    private static func manifest(_ name: String, cpu: String, priority: Int32 = 0) -> ManifestPod {
        var spec = spec(["cpu": cpu])
        spec.priority = priority
        return ManifestPod(
            key: PodKey(namespace: "default", name: name), value: ["kind": .string(name + cpu)],
            pod: Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: spec), ineffective: [])
    }

    /// What the agent says of its pods, by name.
    @LoopActor private static func phases(_ agent: Agent) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: agent.pods.map { pod in
                let worker = agent.worker(PodKey(namespace: "default", name: pod.metadata.name))
                return (pod.metadata.name, worker?.machine.rejection?.reason ?? "taken")
            })
    }

    @Test func theMostImportantAreTakenAndTheOthersWhenThereIsRoom() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { laboratory in
                let agent = laboratory.agent()
                agent.admission = PodAdmission(maxPods: 9, milliCPU: 2000, memory: 0, storage: 0)
                @LoopActor func want(_ manifests: ManifestPod...) {
                    agent.want(Wanted(pods: manifests.map { .init(manifest: $0, path: "/\($0.key.name).yaml") }))
                }
                let a = Self.manifest("a", cpu: "1")
                let b = Self.manifest("b", cpu: "1")
                let z = Self.manifest("z", cpu: "1500m", priority: 1000)
                want(a, b, z)
                precondition(Self.phases(agent) == ["a": "OutOfcpu", "b": "OutOfcpu", "z": "taken"])
                let first = agent.worker(a.key)?.uid
                want(a, b)
                laboratory.loop.schedule(after: .milliseconds(1)) { look(4000) }
                @LoopActor func look(_ looks: Int) {
                    precondition(looks > 0, "it does not go on: \(Self.phases(agent))")
                    if Self.phases(agent) == ["a": "taken", "b": "taken"] { return laboratory.loop.stop() }
                    laboratory.loop.schedule(after: .milliseconds(5)) { look(looks - 1) }
                }
                try laboratory.loop.run()
                precondition(agent.worker(a.key)?.uid != first, "it begins anew")
            }
        }
    }

    @Test func theDiskKeepsItsFloorAndSmallOnesAFiftieth() {
        let floor = DiskFloor()
        #expect(floor.shortage("/x", capacity: 100 << 30, available: 256 << 20) == nil)
        #expect(
            floor.shortage("/x", capacity: 100 << 30, available: 255 << 20)
                == "the file system of /x has only 255Mi free, less than the 256Mi that are kept free (minimumFreeDisk): "
                + "no image is unpacked and no container started until there is more")
        #expect(floor.shortage("/x", capacity: 1 << 30, available: 22 << 20) == nil)
        #expect(floor.shortage("/x", capacity: 1 << 30, available: 20 << 20) != nil)
        #expect(DiskFloor(bytes: 1 << 40).shortage(at: "/") != nil)
        #expect(DiskFloor(bytes: 0).shortage(at: "/") == nil)
        #expect(DiskFloor(bytes: 1 << 40).shortage(at: "/no such folder") == nil, "what cannot be told is no shortage")
    }
}
