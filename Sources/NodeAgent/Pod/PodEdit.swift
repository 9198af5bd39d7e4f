import Kube
import PodSources

/// What an edit of a manifest asks of the instance that runs it.
enum PodEdit: Hashable {
    /// Nothing that runs is touched: only metadata has changed, if anything.
    case metadata
    /// These containers run anew, with other images; the rest of the pod stays.
    case images(Set<String>)
    /// Anything else. The instance ends, and a new one begins.
    case replacement

    init(from old: ManifestPod, to new: ManifestPod) {
        guard old.specWithoutImages == new.specWithoutImages else {
            self = .replacement
            return
        }
        let before = old.pod.spec.initContainers + old.pod.spec.containers
        let after = new.pod.spec.initContainers + new.pod.spec.containers
        let changed = zip(before, after).filter { $0.image != $1.image }.map(\.0.name)
        // What is left is a pull policy: it is of the next run.
        self = changed.isEmpty ? .metadata : .images(Set(changed))
    }
}

extension ManifestPod {
    /// What the edits of two manifests are told apart by.
    fileprivate var specWithoutImages: PodSpec {
        let open = openPullPolicies
        func bare(_ container: Container) -> Container {
            var container = container
            container.image = ""
            // Kubernetes' default goes by the image's tag.
            if open.contains(container.name) { container.imagePullPolicy = .ifNotPresent }
            return container
        }
        var spec = pod.spec
        spec.initContainers = spec.initContainers.map(bare)
        spec.containers = spec.containers.map(bare)
        return spec
    }
}
