import Base
import CLinux
import JSON
import Kube
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Statuses that say nothing.
@LoopActor
final class NoStatus: PodStatusSource {
    var nodeName: String { "n" }
    func status(of worker: PodWorker) -> PodStatus { PodStatus() }
    func forget(_ uid: String) {}
}

/// Instances of an earlier run that cannot be taken up.
@Suite struct AgentRestoreTests {
    static let manifest = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}
        """

    /// Restores from a folder with one record `u.json` and wants the pod. Returns how many pods were started, the
    /// problems, and what is left in the folder.
    @LoopActor
    static func restore(
        _ loop: EventLoop, _ scratch: borrowing TemporaryDirectory, record: String, isRunning: Bool
    ) throws -> (started: Int, problems: [String], left: [String]) {
        let (records, paths) = (scratch.path + "/records", NodePaths(root: scratch.path))
        for folder in [records, paths.logs, paths.runPod("u")] { try Files.makeDirectories(folder) }
        try Files.replace(records + "/u.json", with: record.utf8, durable: false)
        try Files.replace(
            paths.runPod("u") + "/supervisor.json", with: "{\"name\":\"default/p\"}".utf8, durable: false)
        // A cgroup's folder as it looks; only the kernel fills it.
        let cgroup = scratch.path + "/cgroup/kubepods/besteffort/podu"
        try Files.makeDirectories(cgroup)
        try Files.replace(
            cgroup + "/cgroup.events", with: "populated \(isRunning ? 1 : 0)\nfrozen 0\n".utf8, durable: false)
        var started = 0
        let store = PodRecordStore(folder: records, pool: BlockingPool(size: 1), log: Log(limit: .error) { _ in })
        let agent = Agent(
            loop: loop, log: Log(limit: .error) { _ in }, events: EventRecorder(host: "n"), objects: NodeObjects(),
            records: store, starts: StartQueue(loop: loop, width: 4), status: NoStatus(),
            makeOperations: { _, _ throws(SystemError) in
                started += 1
                throw SystemError("start", "nothing here", .invalid)
            })
        let found = try store.load()
        let survey = InstanceSurvey(cgroupRoot: scratch.path + "/cgroup", paths: paths)
        _ = agent.restore(found.records, unusable: found.unusable, survey: survey)
        let pod = try ManifestReader.read(Array(manifest.utf8), path: "/m.yaml").pods
        agent.want(Wanted(pods: pod.map { .init(manifest: $0, path: "/m.yaml") }))
        let problems = agent.problems.map(\.description)
        loop.schedule(after: .milliseconds(50)) { loop.stop() }
        try loop.run()
        return (started, problems, try Files.list(records))
    }

    @Test func theRecordOfANewerVersionAndItsPodAreLeftAloneAndNothingIsStartedASecondTime() async {
        await #expect(processExitsWith: .success) {
            for isRunning in [true, false] {
                let scratch = try TemporaryDirectory()
                try LoopActor.run { loop in
                    let newer = "{\"schema\":99,\"uid\":\"u\",\"manifest\":\(Self.manifest)}"
                    let result = try Self.restore(loop, scratch, record: newer, isRunning: isRunning)
                    precondition(result.started == 0 && result.left == ["u.json"], "\(result)")
                    precondition(result.problems.count == 1 && result.problems[0].contains("default/p"), "\(result)")
                    precondition(result.problems[0].contains("99"), "\(result)")
                }
            }
        }
    }

    @Test func aRunningPodWhoseRecordIsDamagedIsLeftAlone() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let result = try Self.restore(loop, scratch, record: "{\"sche", isRunning: true)
                precondition(result.started == 0 && result.left == ["u.json"], "\(result)")
                precondition(result.problems.count == 1 && result.problems[0].contains("default/p"), "\(result)")
            }
        }
    }

    @Test func aRecordThatAPowerCutLeftInPartHoldsNothingUp() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let result = try Self.restore(loop, scratch, record: "", isRunning: false)
                precondition(result.started == 1 && result.left == [] && result.problems == [], "\(result)")
            }
        }
    }

    @Test func aPodWhoseManifestThisVersionDoesNotKnowIsLeftAloneWhileItRuns() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            try LoopActor.run { loop in
                let manifest = Self.manifest.replacing("\"image\"", with: "\"ofTomorrow\":1,\"image\"")
                let record =
                    "{\"schema\":1,\"uid\":\"u\",\"source\":\"/m.yaml\",\"startTime\":1,\"manifest\":\(manifest),\"containers\":[]}"
                let result = try Self.restore(loop, scratch, record: record, isRunning: true)
                precondition(result.started == 0 && result.left == ["u.json"], "\(result)")
                precondition(result.problems.count == 1 && result.problems[0].contains("ofTomorrow"), "\(result)")
            }
        }
    }
}
