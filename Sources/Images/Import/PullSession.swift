import Base
import CLinux
import JSON
import OCI

/// An image on its way from a registry: somebody fills the session's folder with an OCI layout, which then becomes part
/// of the store. Until then the store is as it was, and what is left of a session is swept.
public final class PullSession {
    private let store: ImageStore
    private let session: ImportSession
    private let limits: ImageLimits
    /// An empty folder in the store.
    public let folder: String
    /// Bytes that may be written to the store's file system.
    public let freeBytes: Int64

    /// Begins a session; `end` must follow.
    public init(_ store: ImageStore, limits: ImageLimits = ImageLimits()) throws(ImageError) {
        self.store = store
        self.limits = limits
        let session = try ImportSession(store)
        self.session = session
        let folder = Path.join(session.path, "layout")
        self.folder = folder
        do throws(ImageError) {
            freeBytes = try session.freeBytes()
            try storage { () throws(SystemError) in try Files.makeDirectories(folder, mode: 0o700) }
        } catch {
            session.end()
            throw error
        }
    }

    /// Removes the folder.
    public func end() { session.end() }

    /// The layers, the lowest first, that the image with this config has: true for those that the store lacks. The others
    /// need not be in the folder, and stay in the store while the session lives.
    ///
    /// - Throws: `ImageError` for a config that is none, or too big an image.
    public func missingLayers(config: [UInt8]) throws(ImageError) -> [Bool] {
        let parsed: ImageConfig
        do throws(JSONError) {
            let limits = JSONParser.Limits(bytes: limits.documentBytes, depth: limits.documentDepth)
            parsed = try ImageConfig(try JSONParser.parse(config, limits: limits))
        } catch {
            throw ImageError(.corrupt, "the image's config: \(escaped("\(error)"))")
        }
        let plan = try ImagePlan(
            id: try .of(config), config: parsed, names: [], manifestDigests: [],
            blobs: [(ByteRange?, ImageDigest?)](repeating: (nil, nil), count: parsed.diffIDs.count), limits: limits)
        let known = try store.index().layerSizes
        return plan.layers.map { store.storedName($0, known) == nil }
    }

    /// Makes the layout in the folder part of the store, durably.
    ///
    /// - Parameters:
    ///   - reference: the image's name; one with a digest gives it no tag.
    ///   - digests: what the reference meant at the registry, and what that led to.
    /// - Throws: `ImageError`; the store is then as it was.
    public func commit(
        _ reference: ImageReference, digests: [ImageDigest], progress: @escaping @Sendable (ImportProgress) -> Void
    ) throws(ImageError) -> StoredImage {
        do throws(ImageError) {
            let opened = try storage { () throws(SystemError) in
                SharedDescriptor(try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            }
            let archive = Archive(LayoutFolder(opened, name: folder), limits: limits)
            var layout = OCILayout(
                archive, host: .host, fallbackName: FallbackName(file: ""), mayLackLayers: true)
            var plans = try layout.images()
            guard plans.count == 1 else { throw ImageError(.corrupt, "the registry gave \(plans.count) images") }
            // With a digest, a tag is only a word.
            plans[0].names = [try ImageReference(parsing: reference.canonical)]
            plans[0].isPulled = true
            plans[0].manifestDigests = digests + plans[0].manifestDigests.filter { !digests.contains($0) }
            let loading = try ImageStore.Loading(session, limits, progress)
            guard let image = try store.load(plans, loading).first else {
                throw ImageError(.storage, "the image is not in the store's index")
            }
            return image
        } catch {
            throw error.during("cannot unpack \(reference)")
        }
    }
}
