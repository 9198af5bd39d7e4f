import Base

/// An image of the store.
public struct ImageSummary: Sendable, Hashable {
    /// Normalised names with tag, `docker.io/library/busybox:latest`; empty for an image that lost its name.
    public var names: [String]
    /// Digest of the manifest, `sha256:…`.
    public var digest: String
    /// Digest of the configuration, which is the image's ID.
    public var id: String
    /// Bytes on disk.
    public var size: Int64
    public var created: Timestamp?
    /// `namespace/name` of the pods that use it.
    public var usedBy: [String]

    public init(
        names: [String], digest: String, id: String, size: Int64, created: Timestamp? = nil, usedBy: [String] = []
    ) {
        self.names = names
        self.digest = digest
        self.id = id
        self.size = size
        self.created = created
        self.usedBy = usedBy
    }
}

/// What removing an image did.
public struct ImageRemoval: Sendable, Hashable {
    /// Names that are gone.
    public var untagged: [String]
    /// Digests of images that are gone.
    public var deleted: [String]

    public init(untagged: [String], deleted: [String]) {
        self.untagged = untagged
        self.deleted = deleted
    }
}
