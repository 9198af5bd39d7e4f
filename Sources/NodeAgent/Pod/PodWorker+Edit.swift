import Base
import Kube
import PodSources

/// A manifest that is edited while its pod is there.
extension PodWorker {
    /// Makes the instance what its manifest says now: its metadata changes, or containers run anew with other images,
    /// or, where that is not all, another instance is asked for.
    func take(_ manifest: ManifestPod, from source: String) {
        self.source = source
        awaitedEdit = nil
        guard stopRequested == nil, manifest.value != self.manifest.value else { return }
        let edit = PodEdit(from: self.manifest, to: manifest)
        if machine.stage == .preparing {
            // What is being made, or taken up, is of the manifest as it was. One that has not run gives way at once.
            let isKept =
                edit != .replacement || isRestored && PodReplacement(manifest.pod.metadata.annotations).isRolling
            return isKept ? awaitedEdit = manifest : onReplaced(self, manifest)
        }
        switch edit {
        case .replacement: return onReplaced(self, manifest)
        case .images(let names) where !machine.canChangeImages(of: names): return onReplaced(self, manifest)
        case .images, .metadata: break
        }
        let before = pod
        self.manifest = manifest
        pod.metadata = manifest.pod.metadata
        pod.metadata.uid = before.metadata.uid
        pod.metadata.creationTimestamp = before.metadata.creationTimestamp
        pod.metadata.generation = manifest.pod.metadata.generation ?? before.metadata.generation
        pod.spec = manifest.pod.spec
        pod.spec.nodeName = before.spec.nodeName
        pod.spec.ephemeralContainers = before.spec.ephemeralContainers
        if pod.spec != before.spec, manifest.pod.metadata.generation == nil {
            pod.metadata.generation = (before.metadata.generation ?? 1) + 1
        }
        operations.podChanged(pod, openPullPolicies: manifest.openPullPolicies)
        if case .images = edit {
            var plan = machine.plan
            plan.setImages(of: pod.spec)
            handle(.edited(plan))
        }
        save()
        onChange(self)
    }

    /// Takes up the edit that waited for the sandbox.
    func takeAwaitedEdit() {
        guard let manifest = awaitedEdit, machine.stage != .preparing else { return }
        take(manifest, from: source)
    }
}
