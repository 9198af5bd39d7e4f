import Base
import Images
import JSON
import Kube
import NodeAgent
import OCI
import PodSources

/// The images of the node.
extension AgentService {
    public func images() -> [ImageSummary] {
        let stored: [StoredImage]
        do throws(ImageError) { stored = try imageService.store.list() } catch {
            node.log.error("the image store cannot be read: \(error)")
            return []
        }
        return stored.map(summary)
    }

    private func summary(_ image: StoredImage) -> ImageSummary {
        let digest = image.repoDigests.first.flatMap { $0.split(separator: "@").last.map(String.init) } ?? image.id
        return ImageSummary(
            names: image.names, digest: digest, id: image.id, size: image.size, created: image.created,
            usedBy: users(image).map(\.fullName))
    }

    public func runBlocking(_ work: @escaping @Sendable () -> Void, then: @escaping () -> Void) {
        Task {
            try? await node.pool.run(work)
            then()
        }
    }

    public var imageUploadFolder: String { imageService.store.root }

    public func loadImage(
        path: String, name: String?, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) {
        imageService.load(reachable(path), name: name, progress: { progress(ImageProgress($0)) }) { [self] result in
            completion(
                result.mapError { NodeServiceError(status: $0.isTransient ? 500 : 400, "\($0)") }.map { loaded in
                    let ids = Set(loaded.map(\.id))
                    return images().filter { ids.contains($0.id) }
                })
        }
    }

    public func removeImage(
        _ reference: String, completion: @escaping (Result<ImageRemoval, NodeServiceError>) -> Void
    ) {
        imageService.remove(reference, inUse: agent.layersInUse(imageService.store)) { result in
            completion(
                result.mapError { NodeServiceError(status: $0.reason == .notFound ? 404 : 409, "\($0)") }
                    .map { ImageRemoval(untagged: $0.untagged, deleted: $0.deleted) })
        }
    }

    /// The pods that use an image or name it.
    private func users(_ image: StoredImage) -> [Pod] {
        agent.pods.filter { pod in
            let runs = pod.status.allContainerStatuses.contains {
                $0.imageID == image.id
            }
            return runs || agent.volumeImages(of: pod, imageService.store).contains(image.id)
                || pod.spec.allContainers.contains { container in
                    (try? imageService.store.resolve(container.image))?.id == image.id
                }
        }
    }

    public func image(_ reference: String) throws(NodeServiceError) -> ImageDetails {
        do throws(ImageError) {
            guard let image = try imageService.store.resolve(reference) else {
                throw ImageError(.notFound, "no image \"\(reference)\" in the store")
            }
            let usage = try imageService.store.usage()
            return ImageDetails(
                summary: summary(image), repoDigests: image.repoDigests, imported: image.imported,
                isPulled: image.isPulled, config: image.config.json,
                layers: image.layerPaths.reversed().map { .init(path: $0, size: usage.size($0)) },
                ownSize: usage.bytesOnly(of: [image.id]))
        } catch {
            throw error.reason == .notFound ? .notFound("\(error)") : .badRequest("\(error)")
        }
    }

    public func imageUsage() throws(NodeServiceError) -> ImageStoreUsage {
        do throws(ImageError) {
            let (images, usage) = (try imageService.store.list(), try imageService.store.usage())
            let unused = images.filter { users($0).isEmpty }
            return ImageStoreUsage(
                images: images.count, layers: usage.layers, used: images.count - unused.count, bytes: usage.bytes,
                reclaimable: usage.bytesOnly(of: Set(unused.map(\.id))))
        } catch {
            throw .failed("\(error)")
        }
    }

    public func pruneImages(
        all: Bool, olderThan age: Nanoseconds, isDry: Bool,
        completion: @escaping (Result<ImagePruning, NodeServiceError>) -> Void
    ) {
        let unused: [StoredImage]
        let freed: Int64
        do throws(ImageError) {
            let limit = Timestamp.now.nanoseconds - age.count
            unused = try imageService.store.list().filter {
                (all || $0.names.isEmpty) && $0.imported.nanoseconds <= limit && users($0).isEmpty
            }
            freed = try imageService.store.usage().bytesOnly(of: Set(unused.map(\.id)))
        } catch {
            return completion(.failure(.failed("\(error)")))
        }
        var removal = ImageRemoval(untagged: [], deleted: [])
        if isDry {
            removal.untagged = unused.flatMap(\.names)
            removal.deleted = unused.map(\.id)
            node.loop.enqueue { completion(.success(ImagePruning(removal: removal, freed: freed))) }
            return
        }
        func next(_ rest: ArraySlice<StoredImage>) {
            guard let image = rest.first else {
                return completion(.success(ImagePruning(removal: removal, freed: freed)))
            }
            // A pod may have come for it meanwhile.
            guard users(image).isEmpty else { return next(rest.dropFirst()) }
            removeImage(image.id) { result in
                switch result {
                case .success(let one):
                    removal.untagged += one.untagged
                    removal.deleted += one.deleted
                    next(rest.dropFirst())
                case .failure(let error): completion(.failure(error))
                }
            }
        }
        node.loop.enqueue { next(unused[...]) }
    }

    public func pullImage(
        _ reference: String, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) -> Subscription {
        let task = Task {
            do throws(PullError) {
                let parsed: ImageReference
                do throws(ImageError) { parsed = try ImageReference(parsing: reference) } catch {
                    throw PullError(error)
                }
                let image = try await imageService.pull(parsed, credentials: []) { progress(ImageProgress($0)) }
                completion(.success([summary(image)]))
            } catch {
                let status =
                    switch error.kind {
                    case .invalidName: 400
                    case .notFound: 404
                    case .unauthorized: 401
                    case .unsigned: 403
                    case .unavailable: 503
                    case .invalid: 502
                    case .configuration, .storage: 500
                    }
                completion(.failure(NodeServiceError(status: status, error.message)))
            }
        }
        return Subscription { task.cancel() }
    }

    public func pulls() -> [PodPull] {
        let now = BootInstant.now
        return agent.currentPulls.map { key, pull in
            PodPull(
                namespace: key.namespace, pod: key.name, container: pull.container, image: pull.image,
                progress: ImageProgress(pull.progress), seconds: (now - pull.began).count / 1_000_000_000)
        }
    }
}

extension ImageProgress {
    init(_ progress: ImportProgress) {
        self.init(
            .unpacking, layersDone: progress.layersDone, layers: progress.layers, bytesDone: progress.expandedBytes)
    }

    init(_ progress: PullProgress) {
        switch (progress.phase, progress.unpacking) {
        case (.unpacking, let unpacking?): self.init(unpacking)
        case (.unpacking, nil): self.init(.unpacking)
        case (.resolving, _): self.init(.resolving)
        case (.downloading, _):
            self.init(
                .downloading, layersDone: progress.layers.count { $0.done == $0.total }, layers: progress.layers.count,
                bytesDone: progress.layers.reduce(0) { $0 + $1.done },
                bytes: progress.layers.reduce(0) { $0 + $1.total })
        }
    }
}
