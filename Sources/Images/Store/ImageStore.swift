import Base
import CLinux
import JSON
import Synchronization

/// The images of this node: a folder with one folder a layer, shared between images, and an index that is replaced as a
/// whole. Any number of processes and threads may use one store: changes hold a file lock, readers need none.
///
///     index.json   names, configs and layer lists
///     layers/      sha256-<diffID> or chain-<chainID>: an overlayfs lower layer each
///     outlines/    a file a layer, of the same name: its tar stream without the contents of files
///     configs/     sha256-<digest>: configs and manifests as they came
///     ingest/      one folder an import that is going on, locked by it
///     trash/       what was removed and is being deleted
///     lock         held while the above change
public final class ImageStore: Sendable {
    /// The store's folder.
    public let root: String
    private let cache = Mutex(Cache())

    private struct Cache {
        var version: FileIdentity?
        var index = StoreIndex()
    }

    /// Opens the store, making its folders (0700: set-uid programs of images must not be reachable).
    ///
    /// - Throws: `ImageError` with `storage`; `unsupported` when a newer release wrote the index.
    public init(root: String) throws(ImageError) {
        self.root = root
        try storage { () throws(SystemError) in
            try Files.makeDirectories(root, mode: 0o700)
            let folder = try FileDescriptor.open(root, O_RDONLY | O_DIRECTORY)
            let raw = folder.raw
            if try folder.status(name: root).st_mode & 0o7777 != 0o700 {
                try retrying("chmod", root) { fchmod(raw, 0o700) }
            }
            for folder in ["layers", "outlines", "configs", "ingest", "trash", "import"] {
                try Files.makeDirectories(Path.join(root, folder), mode: 0o700)
            }
        }
        _ = try index()
    }

    var layersFolder: String { Path.join(root, "layers") }
    var outlinesFolder: String { Path.join(root, "outlines") }
    var documentsFolder: String { Path.join(root, "configs") }
    var ingestFolder: String { Path.join(root, "ingest") }
    var trashFolder: String { Path.join(root, "trash") }
    /// Tarballs put here are loaded by the agent.
    public var importFolder: String { Path.join(root, "import") }
    private var indexFile: String { Path.join(root, "index.json") }

    /// The image that `reference` means, or nil when it is not here. Cheap: the index is read again only when it has
    /// changed.
    ///
    /// - Throws: `ImageError` with `invalidReference`, or `storage`/`corrupt` for an unreadable index.
    public func resolve(_ reference: String) throws(ImageError) -> StoredImage? {
        let index = try index()
        return try index.find(reference).map { stored(index.images[$0]) }
    }

    /// All images, in the order they came.
    public func list() throws(ImageError) -> [StoredImage] { try index().images.map(stored) }

    func stored(_ image: StoreIndex.Image) -> StoredImage {
        StoredImage(
            id: image.id, names: image.names, repoDigests: image.repoDigests, size: image.size,
            imported: image.imported, config: image.config,
            layerPaths: image.layers.reversed().map { Path.join(layersFolder, $0) }, isPulled: image.isPulled)
    }

    // MARK: - The index

    /// The index as it stands.
    func index() throws(ImageError) -> StoreIndex {
        let version = try storage { () throws(SystemError) in try FileIdentity(path: indexFile) }
        let cached = cache.withLock { $0.version == version ? $0.index : nil }
        if let cached { return cached }
        guard let version else { return StoreIndex() }
        let bytes = try storage { () throws(SystemError) in try Files.read(indexFile, limit: StoreIndex.limit) }
        let index = try parse(bytes)
        cache.withLock { $0 = Cache(version: version, index: index) }
        return index
    }

    private func parse(_ bytes: [UInt8]) throws(ImageError) -> StoreIndex {
        do {
            let value = try JSONParser.parse(bytes, limits: .init(bytes: StoreIndex.limit, depth: 64))
            let schema = try value.requiredInteger("schema")
            guard schema <= StoreIndex.schema else {
                throw ImageError(
                    .unsupported,
                    "\(indexFile) has schema \(schema), this release knows up to \(StoreIndex.schema): "
                        + "a newer release wrote it; install that again")
            }
            return try StoreIndex(value)
        } catch let error as ImageError {
            throw error
        } catch {
            throw ImageError(
                .corrupt, "\(indexFile): \(error); move the file away and import the images again")
        }
    }

    /// Replaces the index. Only with the lock held.
    func write(_ index: StoreIndex, durable: Bool = true) throws(ImageError) {
        let bytes = JSONWriter().bytes(index.json)
        try storage { () throws(SystemError) in try Files.replace(indexFile, with: bytes, durable: durable) }
    }

    /// Runs `body` while no other process or thread changes the store.
    func locked<R: ~Copyable>(_ body: () throws(ImageError) -> R) throws(ImageError) -> R {
        let file = try storage { () throws(SystemError) in
            let path = Path.join(root, "lock")
            let file = try FileDescriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
            let raw = file.raw
            try retrying("lock", path) { flock(raw, LOCK_EX) }
            return file
        }
        defer { _ = flock(file.raw, LOCK_UN) }
        return try body()
    }
}
