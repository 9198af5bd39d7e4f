import Base
import CLinux
import JSON
import OCI

/// An image on its way from a registry: somebody fills the session's folder with an OCI layout, which then becomes part
/// of the store. Its layers are unpacked while they come. Until the end the store is as it was, and what is left of a
/// session is swept.
public final class PullSession {
    private let store: ImageStore
    private let session: ImportSession
    private let limits: ImageLimits
    private let progress: @Sendable (ImportProgress) -> Void
    private var loading: ImageStore.Loading?
    private var arriving: ArrivingLayers?
    /// Is told of the layers that come into the folder.
    public let arrivals = LayerArrivals()
    /// An empty folder in the store.
    public let folder: String
    /// Bytes that may be written to the store's file system.
    public let freeBytes: Int64

    /// Begins a session; `end` must follow.
    ///
    /// - Parameter progress: how far the unpacking is; called from any thread, a few times a second.
    public init(
        _ store: ImageStore, limits: ImageLimits = ImageLimits(),
        progress: @escaping @Sendable (ImportProgress) -> Void = { _ in }
    ) throws(ImageError) {
        self.store = store
        self.progress = progress
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
    public func end() {
        arriving?.abandon()
        session.end()
    }

    /// The layers, the lowest first, that the image with this config has: true for those that the store lacks. The
    /// others need not be in the folder, and stay in the store while the session lives. Those that it lacks are
    /// unpacked as soon as `arrivals` is told of them.
    ///
    /// - Parameter blobs: the layers as the manifest has them.
    /// - Throws: `ImageError` for a config that is none, or too big an image.
    public func missingLayers(config: [UInt8], blobs: [ImageDescriptor]) throws(ImageError) -> [Bool] {
        let parsed: ImageConfig
        do throws(JSONError) {
            let limits = JSONParser.Limits(bytes: limits.documentBytes, depth: limits.documentDepth)
            parsed = try ImageConfig(try JSONParser.parse(config, limits: limits))
        } catch {
            throw ImageError(.corrupt, "the image's config: \(escaped("\(error)"))")
        }
        let plan = try ImagePlan(
            id: try .of(config), config: parsed, names: [], manifestDigests: [],
            blobs: blobs.map { (nil, $0.digest) }, limits: limits)
        let known = try store.index()
        let missing = plan.layers.map { store.storedName($0, known) == nil }
        var tasks: [LayerTask] = []
        let loading = try ImageStore.Loading(session, limits, progress)
        do throws(SystemError) {
            for (n, layer) in plan.layers.enumerated()
            where missing[n] && blobs[n].size > 0 && !arrivals.contains(blobs[n].digest) {
                let digest = blobs[n].digest
                tasks.append(
                    LayerTask(
                        layer: layer, title: "layer \(n + 1) of \(plan.layers.count)",
                        folder: Path.join(session.path, "arriving-\(n)"),
                        arriving: ArrivingBlob(
                            path: Path.join(folder, "blobs/\(digest.algorithm.rawValue)/\(digest.hex)"),
                            size: blobs[n].size, arrival: try arrivals.add(digest))))
            }
            arriving = tasks.isEmpty ? nil : try ArrivingLayers(tasks, arrivals, loading.budget)
            self.loading = loading
        } catch {
            // Without threads or descriptors to spare it is unpacked in the end.
            arrivals.loseAll()
        }
        return missing
    }

    /// Makes the layout in the folder part of the store, durably.
    ///
    /// - Parameters:
    ///   - reference: the image's name; one with a digest gives it no tag.
    ///   - digests: what the reference meant at the registry, and what that led to.
    /// - Throws: `ImageError`; the store is then as it was.
    public func commit(_ reference: ImageReference, digests: [ImageDigest]) throws(ImageError) -> StoredImage {
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
            let unpacked = arriving?.finish()
            arriving = nil
            // What was thrown away does not count.
            var loading = unpacked == nil ? nil : self.loading
            if loading == nil { loading = try ImageStore.Loading(session, limits, progress) }
            guard let loading else { throw ImageError(.storage, "no import is going on") }
            guard let image = try store.load(plans, loading, unpacked: unpacked ?? [:]).first else {
                throw ImageError(.storage, "the image is not in the store's index")
            }
            return image
        } catch {
            throw error.during("cannot unpack \(reference)")
        }
    }
}
