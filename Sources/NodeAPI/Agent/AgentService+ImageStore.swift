import Base
import CLinux
import Images
import JSON
import NodeAgent

/// What is done with the images that are here.
extension AgentService {
    public func imageHistory(
        _ reference: String, completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void
    ) {
        let store = imageService.store
        Task {
            do {
                let steps = try await node.pool.run { try store.history(reference).map(\.json) }
                completion(.success(steps))
            } catch {
                completion(.failure(Self.refusal(error)))
            }
        }
    }

    public func verifyImages(
        _ references: [String], contents: Bool,
        completion: @escaping (Result<[JSONValue], NodeServiceError>) -> Void
    ) {
        do throws(NodeServiceError) { try checkPresence(references) } catch {
            return node.loop.enqueue { completion(.failure(error)) }
        }
        imageService.verify(references, contents: contents) { result in
            completion(result.mapError(Self.refusal).map { $0.map(\.json) })
        }
    }

    public func saveImages(
        _ references: [String], format: String, output: @escaping ([UInt8]) -> Void,
        completion: @escaping (Result<Void, NodeServiceError>) -> Void
    ) throws(NodeServiceError) -> any ImageSaving {
        guard let format = SaveFormat(rawValue: format) else {
            throw .badRequest("format: \"\(format)\" is neither oci nor docker")
        }
        try checkPresence(references)
        let saving = SavedImages(loop: node.loop, output: output, completion: completion)
        do throws(SystemError) {
            try saving.start(
                try imageService.save(references, as: format) { saving.finish($0.mapError(Self.refusal)) })
        } catch {
            saving.cancel()
            throw .failed("cannot save images: \(error)")
        }
        return saving
    }

    public func importImage(
        path: String, _ root: ImageRoot, progress: @escaping (ImageProgress) -> Void,
        completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) {
        do throws(ImageError) { _ = try ImageReference(parsing: root.reference) } catch {
            return node.loop.enqueue { completion(.failure(.badRequest("\(error)"))) }
        }
        imageService.importRoot(
            reachable(path), as: root.reference, config: root.config, source: root.source,
            progress: { progress(ImageProgress($0)) }
        ) { [self] result in
            completion(
                result.mapError { NodeServiceError(status: $0.isTransient ? 500 : 400, "\($0)") }.map { loaded in
                    let ids = Set(loaded.map(\.id))
                    return images().filter { ids.contains($0.id) }
                })
        }
    }

    /// A descriptor of ours is reached by its number from the worker, too.
    func reachable(_ path: String) -> String {
        let mine = "/proc/self/"
        return path.hasPrefix(mine) ? "/proc/\(getpid())/" + path.dropFirst(mine.count) : path
    }

    private func checkPresence(_ references: [String]) throws(NodeServiceError) {
        for reference in references {
            do throws(ImageError) {
                guard try imageService.store.resolve(reference) != nil else {
                    throw ImageError(.notFound, "no image \"\(reference)\" in the store")
                }
            } catch {
                throw Self.refusal(error)
            }
        }
    }

    private static func refusal(_ error: any Error) -> NodeServiceError {
        guard let error = error as? ImageError else { return .failed("\(error)") }
        let status =
            switch error.reason {
            case .notFound: 404
            case .invalidReference: 400
            case .storage, .cancelled: 500
            default: 409
            }
        return NodeServiceError(status: status, error.message)
    }
}
