import Base
import Images
import OCI
import Registry
import Synchronization

/// Pulls one image into the store: fetched from its registry into a session of the store, and then imported as a
/// layout's folder is.
struct ImagePull {
    private let reference: ImageReference
    private let store: ImageStore
    private let file: RegistriesFile
    private let signatures: SignaturePolicy
    private let credentials: CredentialSources
    var limits = FetchLimits()

    /// - Parameters:
    ///   - registries, signatures: paths of registries.yaml and signatures.yaml.
    ///   - nodePaths: where the node's own credentials may be.
    init(
        _ reference: String, store: String, registries: String, signatures: String, input: PullInput,
        nodePaths: [String] = CredentialSources.nodePaths
    ) throws(PullError) {
        do {
            self.reference = try ImageReference(parsing: reference)
            file = try RegistriesFile.read(registries)
            self.signatures = try SignaturePolicy.read(signatures)
            credentials = try CredentialSources(given: input.credentials.map { Array($0.utf8) }, nodePaths: nodePaths)
            self.store = try ImageStore(root: store)
        } catch {
            throw Self.error(error)
        }
    }

    /// Does it. The image is in the store when this returns, durably; when it throws, the store is as it was.
    func run(_ progress: @escaping @Sendable (PullProgress) -> Void) throws(PullError) -> StoredImage {
        progress(PullProgress(.resolving))
        do {
            // Layers are unpacked while others come; people want to know of what takes longest.
            let isFetched = Flag()
            let session = try PullSession(store) {
                if isFetched.isSet { progress(PullProgress(.unpacking, unpacking: $0)) }
            }
            defer { session.end() }
            let arrivals = session.arrivals
            var fetch = ImageFetch(
                registry: reference.registry, repository: reference.repository, tag: reference.tag,
                digest: reference.digest, platform: .host, credentials: credentials)
            fetch.file = file
            fetch.signatures = signatures
            fetch.limits = limits
            fetch.freeBytes = session.freeBytes
            let result = try fetch.run(
                into: session.folder,
                needed: { (config, layers) throws(RegistryError) in
                    do throws(ImageError) { return try session.missingLayers(config: config, blobs: layers) } catch {
                        throw RegistryError(error.reason == .storage ? .storage : .invalid, error.message)
                    }
                },
                arrived: { digest, arrival in
                    switch arrival {
                    case .bytes(let count): arrivals.arrived(digest, count)
                    case .complete: arrivals.complete(digest)
                    }
                },
                progress: { progress(PullProgress(.downloading, layers: Self.layers($0))) })
            isFetched.set()
            return try session.commit(reference, digests: result.indexes + [result.manifest])
        } catch {
            let error = Self.error(error)
            throw error.kind == .invalidName
                ? error : PullError(error.kind, "cannot pull \(reference): \(error.message)")
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    private static func layers(_ progress: FetchProgress) -> [PullProgress.Layer] {
        progress.layers.map { PullProgress.Layer(digest: $0.digest, done: $0.done, total: $0.total) }
    }

    private static func error(_ error: any Error) -> PullError {
        if let error = error as? ImageError { return PullError(error) }
        guard let error = error as? RegistryError else { return PullError(.storage, "\(error)") }
        let kind: PullError.Kind =
            switch error.kind {
            case .notFound: .notFound
            case .unauthorized: .unauthorized
            case .unavailable, .cancelled: .unavailable
            case .invalid, .wrongPlatform: .invalid
            case .unsigned: .unsigned
            case .configuration: .configuration
            case .storage: .storage
            }
        return PullError(kind, error.message)
    }
}
