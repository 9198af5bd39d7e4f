import Base
import Images
import Kube
import PodRuntime

/// Volumes that show the files of images: mounted when the first container that has one starts, once for the pod.
extension PodSandbox {
    struct ImageVolume {
        var image: VolumeImage
        /// Nil when it is there.
        var mounting: Task<Void, any Error>?
    }

    public var volumeImages: [VolumeImage] { imageVolumes.values.map(\.image) }

    /// Takes over what an earlier agent has mounted.
    func findImageVolumes() {
        guard pod.spec.volumes.contains(where: { $0.image != nil }) else { return }
        imageVolumes = node.volumes.mountedImages(directory).mapValues { ImageVolume(image: $0) }
    }

    /// Makes ready the volumes of images that the container mounts. An image that cannot be had is told of as the
    /// container's own is.
    func prepareImageVolumes(of container: Container) async throws(StartFailure) {
        for volume in pod.spec.imageVolumes(of: container) {
            guard let source = volume.image else { continue }
            if imageVolumes[volume.name] == nil {
                do throws(StartFailure) {
                    let image = try await image(
                        source.reference, source.pullPolicy, isOpen: openVolumePolicies.contains(volume.name),
                        for: container.name)
                    // Another container's start may have been quicker.
                    if imageVolumes[volume.name] == nil { try mount(image, volume.name) }
                } catch {
                    var failure = error
                    failure.image = source.reference
                    throw failure
                }
            }
            do { try await imageVolumes[volume.name]?.mounting?.value } catch {
                throw StartFailure(
                    .configuration, reason: "CreateContainerError", message: "ImageVolumeMountFailed: \(error)",
                    at: .now)
            }
        }
    }

    private func mount(_ image: StoredImage, _ volume: String) throws(StartFailure) {
        guard context != nil else {
            throw StartFailure(
                .configuration, reason: "CreateContainerError", message: "the pod's sandbox is not ready", at: .now)
        }
        // From now on, and not only when it is mounted, the layers are in use.
        let image = VolumeImage(id: image.id, layers: image.layerPaths)
        imageVolumes[volume] = ImageVolume(
            image: image,
            mounting: Task {
                do {
                    try await node.pool.run { [directory, volumes = node.volumes] in
                        try volumes.mount(image, volume: volume, of: directory)
                    }
                    imageVolumes[volume]?.mounting = nil
                } catch {
                    imageVolumes[volume] = nil
                    throw error
                }
            })
    }

    /// What is being mounted is there, or has failed.
    func imageVolumesSettled() async {
        for volume in imageVolumes.values { _ = await volume.mounting?.result }
    }
}

extension PodSpec {
    /// The volumes of images that a container mounts, in their order.
    func imageVolumes(of container: Container) -> [Volume] {
        volumes.filter { volume in
            volume.image != nil && container.volumeMounts.contains { $0.name == volume.name }
        }
    }
}
