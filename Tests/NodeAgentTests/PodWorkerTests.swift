import Base
import JSON
import Kube
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// A pod from its beginning to its end, and what is on record of it meanwhile.
@Suite struct PodWorkerTests {
    @Test func aPodRunsAndEndsThroughItsOperationsAndLeavesNoRecord() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                var onDisk: [String] = []
                worker.onChange = { worker in
                    guard worker.machine.containers[0].isRunning, worker.stopRequested == nil else { return }
                    onDisk = (try? Files.list(pod.folder)) ?? []
                    pod.loop.enqueue { worker.stop(message: "test") }
                }
                worker.onFinished = { _ in pod.stopWhenEmpty() }
                worker.start()
                try pod.run()
                precondition(onDisk == ["u.json"], "the record is there before anything runs: \(onDisk)")
                precondition(pod.calls == ["make", "start c.0", "stop c", "tear down finally"], "\(pod.calls)")
                let left = try Files.list(pod.folder)
                precondition(left == [], "nothing is left of it: \(left)")
            }
        }
    }

    @Test func aPodThatIsEndedWithItsNodeKeepsItsRecordAndItsFiles() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                let worker = pod.restored(WorkerLaboratory.manifest(restart: .always))
                worker.onFinished = { _ in pod.stopWhenRecorded() }
                worker.start()
                worker.suspend(message: "test")
                try pod.run()
                precondition(pod.calls == ["make", "stop c", "tear down"], "\(pod.calls)")
                let kept = try pod.records.load().records
                precondition(kept.count == 1 && !kept[0].isFinished)
                precondition(kept[0].containers[0].lastTermination?.exitCode == 0)
                let plan = PodPlan(WorkerLaboratory.manifest().pod)
                var next = PodMachine(plan, restoring: kept[0].containers, finished: kept[0].isFinished)
                precondition(next.on(.sandboxReady, now: .now) == [.start(container: "c", attempt: 1)])
            }
        }
    }

    @Test func aPodThatHasEndedIsRunOnceMoreAlsoWhileWhatItStoodOnIsStillGoing() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                var made: [FakeOperations] = []
                let agent = pod.agent { made.append($0) }
                let manifest = WorkerLaboratory.manifest(restart: .never)
                agent.want(Wanted(pods: [.init(manifest: manifest, path: "/m.yaml")]))
                let first = made[0]
                var stages: [PodMachine.Stage?] = []
                first.whileTearingDown = {
                    stages.append(agent.worker(manifest.key)?.machine.stage)
                    if stages.count == 1 {
                        try? await agent.control(.restart, manifest.key, container: nil, grace: nil)
                    }
                }
                @LoopActor func end(_ looks: Int) {
                    precondition(looks > 0, "it does not go on: \(made.map { $0.calls })")
                    if first.calls.last == "start c.0" { first.onExit?("c", 0, WorkerLaboratory.ended(0)) }
                    if made.count == 2, made[1].calls.last == "start c.0" { return pod.loop.stop() }
                    pod.loop.schedule(after: .milliseconds(10)) { end(looks - 1) }
                }
                end(2000)
                try pod.loop.run()
                precondition(stages == [.tearingDown(final: false), .tearingDown(final: true)], "\(stages)")
                let calls = first.calls.filter { !$0.hasPrefix("forget") }
                precondition(calls == ["make", "start c.0", "tear down", "tear down finally"], "\(calls)")
            }
        }
    }

    @Test func anObjectThatComesWhileAStartFailsForItIsNotOverlooked() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                pod.operations.startFailures = [
                    StartFailure(
                        .object, reason: "CreateContainerConfigError", message: "configmap \"m\" not found", at: .now)
                ]
                pod.operations.whileStarting = {
                    worker.objectsChanged([.init(.configMap, namespace: "default", name: "m")])
                }
                worker.onChange = { worker in
                    if worker.machine.containers[0].isRunning { pod.loop.enqueue { pod.loop.stop() } }
                }
                worker.start()
                try pod.run()
                precondition(pod.calls.filter { $0 == "start c.0" }.count == 2, "\(pod.calls)")
            }
        }
    }

    @Test func anEndIsOnRecordBeforeTheSupervisorMayForgetIt() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(.ended(WorkerLaboratory.ended(5)))
                var onDisk = ""
                pod.operations.onForget = {
                    onDisk = pod.onDisk
                    pod.loop.stop()
                }
                let worker = pod.restored()
                worker.start()
                try pod.run()
                precondition(pod.operations.calls.contains("forget c.0"), "\(pod.operations.calls)")
                precondition(onDisk.contains("\"exitCode\":5"), "on disk: \(onDisk)")
            }
        }
    }

    @Test func aPodsEndIsOnRecordBeforeItsSupervisorIsEnded() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(.ended(WorkerLaboratory.ended(5)))
                var onDisk = ""
                pod.operations.onTearDown = {
                    onDisk = pod.onDisk
                    pod.loop.stop()
                }
                let worker = pod.restored()
                worker.start()
                try pod.run()
                precondition(pod.calls.contains("tear down"), "\(pod.calls)")
                precondition(onDisk.contains("\"finished\":true"), "on disk: \(onDisk)")
            }
        }
    }

    @Test func aRecordThatCouldNotBeWrittenIsWrittenWhenItIsAskedForAgain() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                try Files.removeTree(pod.folder)
                var outcomes: [Bool] = []
                Task {
                    pod.records.save(
                        PodRecord(
                            uid: "u", source: "/m.yaml", manifest: ["kind": "Pod"], startTime: .now, isFinished: false,
                            containers: []))
                    outcomes.append((try? await pod.records.flush("u")) != nil)
                    outcomes.append((try? await pod.records.flush("u")) != nil)
                    try? Files.makeDirectories(pod.folder)
                    outcomes.append((try? await pod.records.flush("u")) != nil)
                    pod.loop.stop()
                }
                try pod.run()
                precondition(outcomes == [false, false, true], "\(outcomes)")
                let left = try Files.list(pod.folder)
                precondition(left == ["u.json"], "\(left)")
            }
        }
    }
}
