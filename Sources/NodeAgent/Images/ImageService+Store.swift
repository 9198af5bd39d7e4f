import Base
import CLinux
import Images
import JSON

/// Work on the store that changes no image.
extension ImageService {
    /// Makes an image of a root file system's tarball.
    ///
    /// - Parameters:
    ///   - config: the `config` member of the image's config.
    ///   - source: what messages and the image's history call the tarball.
    public func importRoot(
        _ path: String, as reference: String, config: JSONValue, source: String?,
        progress: @escaping (ImportProgress) -> Void,
        completion: @escaping (Result<[ImageWorkerMessage.Loaded], ImageError>) -> Void
    ) {
        let arguments = ["import", "--store", store.root, "--name", reference, "--config", JSONWriter().text(config)]
        unpack(arguments + (source.map { ["--source", $0] } ?? []) + ["--", path], progress, completion)
    }

    /// Compares images with what was recorded when they were unpacked.
    ///
    /// - Parameter references: empty for all.
    public func verify(
        _ references: [String], contents: Bool,
        completion: @escaping (Result<[ImageVerification], ImageError>) -> Void
    ) {
        runAside(["verify", "--store", store.root] + (contents ? ["--contents"] : []) + ["--"] + references) { result in
            completion(
                result.flatMap {
                    if case .verified(let images) = $0 { return .success(images) }
                    return .failure(Self.misfit)
                })
        }
    }

    /// Writes images as an archive into a pipe.
    ///
    /// - Returns: the end to read, which does not block. Who closes it ends the work.
    /// - Throws: `SystemError` when there can be no pipe.
    public func save(
        _ references: [String], as format: SaveFormat,
        completion: @escaping (Result<Void, ImageError>) -> Void
    ) throws(SystemError) -> SharedDescriptor {
        let pipe = try SharedPipe(readsNonBlocking: true)
        let options = ["--format", format.rawValue, "--output", String(pipe.write.raw)]
        runAside(
            ["save", "--store", store.root] + options + ["--"] + references, keep: [pipe.write], endsWithAgent: true
        ) { result in
            completion(
                result.flatMap {
                    if case .saved = $0 { return .success(()) }
                    return .failure(Self.misfit)
                })
        }
        return pipe.read
    }
}
