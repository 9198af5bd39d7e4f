import Base
import Kube
import PodRuntime

@testable import NodeAgent

/// Operations that only write down what is asked of them, and do what the test says.
@LoopActor
final class FakeOperations: PodOperations {
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
    var volumeImages: [VolumeImage] = []

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

    func podChanged(_ pod: Pod, openPullPolicies: Set<String>) {
        calls.append("changed \(pod.metadata.generation ?? 1)")
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
