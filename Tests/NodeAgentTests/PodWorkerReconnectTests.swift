import Base
import TestSupport
import Testing

@testable import NodeAgent

/// A pod that an earlier agent ran, or whose supervisor cannot be reached.
@Suite struct PodWorkerReconnectTests {
    @Test func whatEndsWhileItsSandboxIsTakenUpIsNotTakenForRunning() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                pod.operations.whileMaking = { pod.operations.onExit?("c", 0, WorkerLaboratory.ended(5)) }
                let worker = pod.restored()
                worker.onChange = { if $0.machine.stage == .finished { pod.loop.stop() } }
                worker.start()
                try pod.run()
                precondition(worker.machine.stage == .finished, "\(worker.machine.stage)")
                precondition(worker.machine.containers[0].termination?.exitCode == 5)
            }
        }
    }

    @Test func aSupervisorThatCannotBeReachedIsTriedAgainAndSaidToBeInTrouble() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                pod.operations.failures = [SupervisorUnreachable("it is silent")]
                let worker = pod.restored()
                var notes: [String] = []
                var troubles: [String?] = []
                worker.onNote = { worker, note in
                    notes.append(note.reason)
                    troubles.append(worker.trouble)
                    precondition(worker.machine.containers[0].isRunning && worker.hasSandbox)
                }
                worker.onChange = { if $0.machine.stage == .running { pod.loop.stop() } }
                worker.start()
                try pod.run()
                precondition(notes == ["SupervisorUnreachable"] && troubles == ["it is silent"], "\(notes) \(troubles)")
                precondition(worker.machine.stage == .running && worker.trouble == nil, "\(worker.machine.stage)")
                precondition(pod.operations.calls == ["make", "make"], "\(pod.operations.calls)")
            }
        }
    }

    @Test func aConnectionThatBreaksUnderAPodIsMadeAgainAtOnce() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                let worker = pod.restored()
                var times = 0
                worker.onChange = { worker in
                    guard worker.machine.stage == .running else { return }
                    times += 1
                    if times == 2 { return pod.loop.stop() }
                    pod.loop.enqueue { pod.operations.onSupervisorUnreachable?("broken") }
                }
                worker.start()
                try pod.run()
                precondition(times == 2 && pod.operations.calls == ["make", "make"], "\(pod.operations.calls)")
            }
        }
    }

    @Test func aSupervisorThatIsFoundDeadEndsAPodThatNeverRestarts() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                pod.operations.failures = [SupervisorGone()]
                let worker = pod.restored()
                worker.onChange = { if $0.machine.stage == .finished { pod.loop.stop() } }
                worker.start()
                try pod.run()
                precondition(worker.machine.stage == .finished, "\(worker.machine.stage)")
                precondition(worker.machine.containers[0].termination?.reason == "ContainerStatusUnknown")
                precondition(pod.operations.calls == ["make", "tear down"], "\(pod.operations.calls)")
            }
        }
    }

    @Test func theEndOfASupervisorThatCannotBeReachedIsLookedAtAtOnce() async {
        await #expect(processExitsWith: .success) {
            try WorkerLaboratory.run { pod in
                pod.operations.adopted = WorkerLaboratory.adopted(WorkerLaboratory.running)
                // The waits between them would be 63 s.
                pod.operations.failures = (0..<7).map { _ in SupervisorUnreachable("it is silent") }
                let worker = pod.restored()
                worker.onNote = { _, _ in pod.loop.enqueue { pod.operations.onSupervisorLost?() } }
                worker.onChange = { if $0.machine.stage == .running { pod.loop.stop() } }
                worker.start()
                try pod.run()
                precondition(worker.machine.stage == .running, "\(worker.machine.stage)")
                precondition(pod.operations.calls.count == 8, "\(pod.operations.calls)")
            }
        }
    }
}
