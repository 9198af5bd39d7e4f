import Base
import JSON

/// An image in full.
public struct ImageDetails: Sendable {
    public struct Layer: Sendable {
        public var path: String
        /// Bytes on disk.
        public var size: Int64

        public init(path: String, size: Int64) {
            self.path = path
            self.size = size
        }
    }

    public var summary: ImageSummary
    /// `name@digest` of the manifests that named it.
    public var repoDigests: [String]
    public var imported: Timestamp
    /// It came from a registry, and not from an archive.
    public var isPulled: Bool
    /// The image config, as far as a node uses it.
    public var config: JSONValue
    /// The lowest first.
    public var layers: [Layer]
    /// Bytes that only it takes.
    public var ownSize: Int64

    public init(
        summary: ImageSummary, repoDigests: [String], imported: Timestamp, isPulled: Bool, config: JSONValue,
        layers: [Layer], ownSize: Int64
    ) {
        self.summary = summary
        self.repoDigests = repoDigests
        self.imported = imported
        self.isPulled = isPulled
        self.config = config
        self.layers = layers
        self.ownSize = ownSize
    }
}

/// What the image store takes on its disk.
public struct ImageStoreUsage: Sendable, Hashable {
    public var images: Int
    public var layers: Int
    /// Images that pods use or name.
    public var used: Int
    public var bytes: Int64
    /// Bytes of images that no pod uses or names.
    public var reclaimable: Int64

    public init(images: Int, layers: Int, used: Int, bytes: Int64, reclaimable: Int64) {
        self.images = images
        self.layers = layers
        self.used = used
        self.bytes = bytes
        self.reclaimable = reclaimable
    }
}

/// What a pruning did, or would do.
public struct ImagePruning: Sendable, Hashable {
    public var removal: ImageRemoval
    public var freed: Int64

    public init(removal: ImageRemoval, freed: Int64) {
        self.removal = removal
        self.freed = freed
    }
}
