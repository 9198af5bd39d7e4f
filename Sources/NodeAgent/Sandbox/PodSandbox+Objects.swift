import Base
import Kube
import PodRuntime

/// ConfigMaps and Secrets that change while the pod runs.
extension PodSandbox {
    public func objectsChanged() {
        objectChanges += 1
        updateVolumes()
    }

    /// Brings the volumes up to date, one writer at a time. What is being made looks by itself when it is done.
    func updateVolumes() {
        guard context != nil, updating == nil, !isTearingDown,
            pod.spec.volumes.contains(where: { !$0.dataSources.isEmpty })
        else { return }
        updating = Task {
            var written: Int?
            while written != objectChanges, context != nil, !isTearingDown {
                written = objectChanges
                await writeVolumes()
            }
            updating = nil
        }
    }

    private func writeVolumes() async {
        do {
            let failures = try await node.pool.run {
                [pod, directory, volumes = node.volumes, facts = node.facts, objects = node.objects.current] in
                volumes.update(pod, directory, node: facts, objects: objects)
            }
            for failure in failures { onNote?(EventNote("FailedMount", "\(failure)", warning: true)) }
        } catch {
            node.log.warning("pod \(pod.fullName): its volumes are not brought up to date: \(error)")
        }
    }

    /// What the pod's Secrets say to registries, in their order. One that is not there is told of, and done without.
    func pullCredentials() -> [String] {
        var missing: [String] = []
        var documents: [String] = []
        for name in pod.spec.imagePullSecrets {
            let key = DataObject.Key(.secret, namespace: pod.metadata.namespace, name: name)
            guard let secret = node.objects.current[key] else {
                missing.append(name)
                continue
            }
            if let document = secret.dockerConfiguration { documents.append(document) }
        }
        if !missing.isEmpty {
            let names = missing.joined(separator: ", ")
            onNote?(
                EventNote(
                    "FailedToRetrieveImagePullSecret",
                    "Unable to retrieve some image pull secrets (\(names)); attempting to pull the image may not succeed.",
                    warning: true))
        }
        return documents
    }
}
