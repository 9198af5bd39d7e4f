import Images
import Kube
import PodSources

/// What of the image store the pods use.
extension Agent {
    /// The images that are pulled for pods now.
    public var currentPulls: [(pod: PodKey, pull: ContainerPull)] {
        workers.sorted { $0.key < $1.key }.flatMap { key, worker in worker.currentPulls.map { (key, $0) } }
    }

    /// The layers of images that pods on record were started with.
    public func layersOnRecord(_ store: ImageStore) -> Set<String> {
        layers(of: onRecord.flatMap(\.everyContainer), store).union(layersInUse(store))
    }

    /// The layers that live containers stand on.
    public func layersInUse(_ store: ImageStore) -> Set<String> {
        layers(of: everyWorker.flatMap(\.machine.everyContainer).filter(\.isLive), store)
            .union(everyWorker.flatMap(\.volumeImages).flatMap(\.layers))
    }

    /// Ids of the images that pods use, on record too, or name.
    public func imagesInUse(_ store: ImageStore) -> Set<String> {
        var ids = Set(onRecord.flatMap(\.everyContainer).compactMap(\.imageID))
        for pod in everyWorker.map(object) {
            ids.formUnion(volumeImages(of: pod, store))
            ids.formUnion(pod.status.allContainerStatuses.map(\.imageID))
            for container in pod.spec.allContainers {
                if let image = try? store.resolve(container.image) { ids.insert(image.id) }
            }
        }
        for (_, manifest) in Array(restorable.values) + superseded {
            ids.formUnion(volumeImages(of: manifest.pod, store))
        }
        // What instances that are left alone use is not known: it may be any.
        if !leftAlone.isEmpty { ids.formUnion(((try? store.list()) ?? []).map(\.id)) }
        return ids
    }

    private func layers(of containers: [ContainerRecord], _ store: ImageStore) -> Set<String> {
        // What instances that are left alone stand on is not known: it may be any.
        if !leftAlone.isEmpty { return Set((try? store.allLayerPaths()) ?? []) }
        var layers = Set(containers.flatMap(\.layers))
        // Asked of the store where a record does not say.
        let asked = Set(containers.filter(\.layers.isEmpty).compactMap(\.imageID))
        if asked.isEmpty { return layers }
        for image in (try? store.list()) ?? [] where asked.contains(image.id) { layers.formUnion(image.layerPaths) }
        return layers
    }

    /// The images that volumes of the pod show, or will.
    public func volumeImages(of pod: Pod, _ store: ImageStore) -> Set<String> {
        let shown = everyWorker.first { $0.uid == pod.metadata.uid }?.volumeImages ?? []
        let named = pod.spec.volumes.compactMap(\.image).compactMap { try? store.resolve($0.reference)?.id }
        return Set(named + shown.map(\.id))
    }
}
