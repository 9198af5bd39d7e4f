import Base
import Kube
import TestSupport
import Testing

@testable import NodeAgent

/// What probes find comes to the pod, and to its record.
@Suite struct PodWorkerProbeTests {
    private static let readiness: Probe = {
        var probe = Probe(.exec(ExecAction(command: ["true"])))
        probe.periodSeconds = 1
        return probe
    }()

    @Test func aProbeMakesAContainerReadyAndItsRecordSaysSo() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                let worker = pod.worker(WorkerLaboratory.manifest(readiness: Self.readiness))
                worker.onChange = { if $0.machine.containers[0].isReady { pod.stopWhenRecorded() } }
                worker.start()
                try pod.run()
                precondition(pod.operations.calls == ["make", "start c.0", "probe c"], "\(pod.operations.calls)")
                let kept = try pod.records.load().records
                precondition(kept[0].containers[0].isReady && kept[0].containers[0].isStarted)
            }
        }
    }

    @Test func whatWasReadyBeforeTheAgentCameStaysSoUntilAProbeSaysOtherwise() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                pod.operations.outcome = .failure("no")
                let worker = pod.restored(WorkerLaboratory.manifest(readiness: Self.readiness), isReady: true)
                var notes: [String] = []
                worker.onNote = { worker, note in
                    notes.append(note.message)
                    // Three failures make it so, and not one less.
                    precondition(worker.machine.containers[0].isReady, "\(notes)")
                }
                worker.onChange = { worker in if !worker.machine.containers[0].isReady { pod.loop.stop() } }
                worker.start()
                try pod.run()
                let wanted = [String](repeating: "Readiness probe failed: no", count: 3)
                precondition(notes == wanted, "\(notes)")
            }
        }
    }
}
