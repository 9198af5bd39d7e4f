import Base
import Kube
import PodSources

extension Agent {
    /// Stops, starts or restarts a pod's containers. What is asked is on disk when this returns.
    ///
    /// - Parameters:
    ///   - container: nil for all.
    ///   - grace: how long a container has to end, in seconds; nil for the pod's own.
    /// - Throws: `ControlError` with a sentence for people.
    public func control(
        _ control: PodControl, _ key: PodKey, container: String?, grace: Int64?
    ) async throws(ControlError) {
        guard let worker = worker(key) else {
            throw ControlError(reason: .noSuchPod, description: "pods \"\(key.name)\" not found")
        }
        let names = worker.machine.containers.map(\.name)
        if let container, !names.contains(container) {
            throw ControlError(
                reason: .noSuchContainer,
                description: "container \(container) is not valid for pod \(key.name); it has "
                    + names.joined(separator: ", "))
        }
        if worker.stopRequested != nil {
            throw ControlError(reason: .conflict, description: "pod \(key) is being ended")
        }
        switch worker.machine.stage {
        case .preparing, .running: break
        case .finished, .tearingDown, .terminating, .gone:
            guard control == .restart, container == nil, worker.isFinished else {
                throw ControlError(
                    reason: .conflict,
                    description: "pod \(key) has ended; \"swiftlet restart pod/\(key.name)\" runs it once more")
            }
            // Its manifest is still wanted: another instance follows.
            return worker.stop(message: "the operator restarts it")
        }
        log.info("pod \(key): the operator asks to \(control.rawValue) \(container.map { "container \($0)" } ?? "it")")
        do { try await worker.control(control, containers: container.map { [$0] }, grace: grace) } catch {
            throw ControlError(
                reason: .notRecorded,
                description: "pod \(key): it is done, but will not hold over a restart of the agent: \(error)")
        }
    }

    /// Replaces how long a pod's containers have to end, in seconds, until the agent is restarted.
    ///
    /// - Throws: `ControlError` when there is no such pod.
    public func setGracePeriod(_ seconds: Int64, _ key: PodKey) throws(ControlError) {
        guard let worker = worker(key) else {
            throw ControlError(reason: .noSuchPod, description: "pods \"\(key.name)\" not found")
        }
        worker.setGracePeriod(seconds)
    }
}
