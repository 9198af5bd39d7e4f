import Kube
import PodSources

extension PodWorker {
    /// Gives the pod further containers. They are on record before they begin, so that no agent knows of less than runs.
    ///
    /// - Throws: when they cannot be recorded; the pod is then without them.
    func debug(_ new: [EphemeralContainer]) async throws {
        pod.spec.ephemeralContainers += new
        save()
        do { try await records.flush(uid) } catch {
            pod.spec.ephemeralContainers.removeAll { ephemeral in new.contains { $0.name == ephemeral.name } }
            save()
            throw error
        }
        if manifest.pod.metadata.generation == nil { pod.metadata.generation = (pod.metadata.generation ?? 1) + 1 }
        operations.podChanged(pod, openPullPolicies: manifest.openPullPolicies)
        for container in new { handle(.debug(name: container.name, image: container.container.image)) }
    }
}
