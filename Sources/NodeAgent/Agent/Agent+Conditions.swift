import Base
import JSON
import Kube
import PodSources

extension Agent {
    /// Sets conditions of a pod that are not the node's, such as those of its readiness gates. They are on disk when this
    /// returns, and are of this instance.
    ///
    /// - Parameters:
    ///   - request: a Pod, of which only `status.conditions` counts.
    ///   - form: whether these are all of others than the node, or a change of them.
    /// - Throws: `ControlError` with a sentence for people.
    public func setConditions(
        _ key: PodKey, _ request: JSONValue, _ form: ListForm
    ) async throws(ControlError) {
        guard let worker = worker(key) else {
            throw ControlError(reason: .noSuchPod, description: "pods \"\(key.name)\" not found")
        }
        let before = worker.conditions
        let wanted: [PodCondition]
        do throws(PodDecodingError) {
            wanted = try ConditionDecoder.decode(request, form, beside: before, now: .now)
        } catch {
            throw ControlError(error, of: key)
        }
        if wanted == before { return }
        worker.conditions = wanted
        worker.save()
        do { try await worker.records.flush(worker.uid) } catch {
            // Unless another request has changed them since.
            if worker.conditions == wanted { worker.conditions = before }
            worker.save()
            throw ControlError(
                reason: .notRecorded,
                description: "pod \(key): the condition is not set, because it cannot be recorded: \(error)")
        }
        worker.onChange(worker)
    }
}
