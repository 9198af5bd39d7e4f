import Base
import JSON
import Kube
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Manifests that are edited while their pods are there.
@Suite struct PodWorkerEditTests {
    /// The laboratory's manifest with other words.
    @LoopActor private static func manifest(_ version: Int64, image: String = "i", label: String? = nil) -> ManifestPod
    {
        var manifest = WorkerLaboratory.manifest()
        manifest.value = ["kind": "Pod", "version": .integer(version)]
        manifest.pod.spec.containers[0].image = image
        manifest.pod.metadata.labels = label.map { ["l": $0] } ?? [:]
        return manifest
    }

    @Test func theInstanceStaysAndItsSpecsAreCounted() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                var seen: [String] = []
                worker.onChange = { worker in
                    let container = worker.machine.containers[0]
                    guard container.isRunning, seen.count < 3 else { return }
                    seen.append(
                        "\(worker.pod.metadata.generation ?? 1) \(worker.pod.metadata.labels["l"] ?? "-") "
                            + "\(worker.pod.spec.containers[0].image).\(container.restartCount)")
                    switch seen.count {
                    case 1: pod.loop.enqueue { worker.take(Self.manifest(1, label: "x"), from: "/n.yaml") }
                    case 2: pod.loop.enqueue { worker.take(Self.manifest(2, image: "j"), from: "/n.yaml") }
                    default: pod.loop.enqueue { pod.stopWhenRecorded() }
                    }
                }
                worker.start()
                try pod.run()
                precondition(seen == ["1 - i.0", "1 x i.0", "2 - j.1"], "\(seen)")
                precondition(
                    pod.calls == ["make", "start c.0", "changed 1", "changed 2", "stop c", "start c.1"], "\(pod.calls)")
                let kept = try pod.records.load().records
                precondition(kept.first?.generation == 2 && kept.first?.source == "/n.yaml")
                precondition(kept.first?.manifest == ["kind": "Pod", "version": 2])
                precondition(worker.uid == "u" && worker.stopRequested == nil)
            }
        }
    }

    @Test func anEditWaitsForTheSandboxAndTheLastOneCounts() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                pod.operations.whileMaking = {
                    worker.take(Self.manifest(1, image: "j"), from: "/m.yaml")
                    worker.take(Self.manifest(2, image: "k"), from: "/m.yaml")
                }
                worker.onChange = { worker in
                    let isDone = worker.machine.containers[0].isRunning && worker.pod.spec.containers[0].image == "k"
                    if isDone { pod.loop.enqueue { pod.loop.stop() } }
                }
                worker.start()
                try pod.run()
                precondition(!pod.calls.contains("changed 3") && pod.calls.contains("changed 2"), "\(pod.calls)")
            }
        }
    }

    @Test func anEditThatIsTakenBackBeforeItsTimeIsNone() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                pod.operations.whileMaking = {
                    worker.take(Self.manifest(1, image: "j"), from: "/m.yaml")
                    worker.take(WorkerLaboratory.manifest(), from: "/m.yaml")
                }
                worker.onChange = { worker in
                    if worker.machine.containers[0].isRunning { pod.loop.enqueue { pod.loop.stop() } }
                }
                worker.start()
                try pod.run()
                precondition(pod.calls == ["make", "start c.0"], "\(pod.calls)")
            }
        }
    }

    @Test func whatIsNoImageEndsTheInstance() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker()
                worker.onChange = { worker in
                    guard worker.machine.containers[0].isRunning, worker.stopRequested == nil else { return }
                    var other = Self.manifest(1, image: "j")
                    other.pod.spec.hostNetwork = true
                    pod.loop.enqueue { [other] in worker.take(other, from: "/m.yaml") }
                }
                worker.onFinished = { _ in pod.stopWhenEmpty() }
                worker.start()
                try pod.run()
                precondition(pod.calls == ["make", "start c.0", "stop c", "tear down finally"], "\(pod.calls)")
            }
        }
    }
}
