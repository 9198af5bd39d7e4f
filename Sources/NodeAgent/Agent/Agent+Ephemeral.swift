import Base
import JSON
import Kube
import PodSources

extension Agent {
    /// Gives a pod further containers, to look into it while it runs. They are on disk when this returns.
    ///
    /// - Parameters:
    ///   - request: a Pod, of which only `spec.ephemeralContainers` counts.
    ///   - form: whether these are all of the pod's, or a change of them.
    /// - Throws: `ControlError` with a sentence for people.
    public func debug(
        _ key: PodKey, _ request: JSONValue, _ form: ListForm
    ) async throws(ControlError) {
        guard let worker = worker(key) else {
            throw ControlError(reason: .noSuchPod, description: "pods \"\(key.name)\" not found")
        }
        let pod = worker.pod
        let wanted: [EphemeralContainer]
        do throws(PodDecodingError) {
            wanted = try EphemeralContainerDecoder.decode(request, form, of: pod)
        } catch {
            throw ControlError(error, of: key)
        }
        let new = wanted.filter { asked in !pod.spec.ephemeralContainers.contains { $0.name == asked.name } }
        if new.isEmpty { return }
        if worker.stopRequested != nil {
            throw ControlError(reason: .conflict, description: "pod \(key) is being ended: it takes no container more")
        }
        switch worker.machine.stage {
        case .preparing, .running: break
        case .finished, .tearingDown, .terminating, .gone:
            throw ControlError(
                reason: .conflict,
                description: "pod \(key) has ended: nothing of it is left to look into; read its logs instead")
        }
        log.info("pod \(key): it is given \(new.map { "container \($0.name)" }.joined(separator: ", "))")
        do { try await worker.debug(new) } catch {
            throw ControlError(
                reason: .notRecorded,
                description: "pod \(key): the container is not started, because it cannot be recorded: \(error)")
        }
    }
}
