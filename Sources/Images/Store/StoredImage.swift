import Base
import JSON
import OCI

/// An image of the store, ready to run.
public struct StoredImage: Hashable, Sendable {
    /// Digest of the image config: `sha256:...`.
    public var id: String
    /// Canonical names with tag, in the order they were given. Empty for an image known only by its id.
    public var names: [String]
    /// `docker.io/library/busybox@sha256:...` for manifests and indexes that named it.
    public var repoDigests: [String]
    /// Bytes of the unpacked content; layers shared with other images count in each.
    public var size: Int64
    public var imported: Timestamp
    public var config: ImageConfig
    /// Folders for overlayfs' lowerdir, the topmost first. Never empty.
    public var layerPaths: [String]
    /// It came from a registry, and not from an archive of the operator's.
    public var isPulled = false

    /// When the image says it was made.
    public var created: Timestamp? { config.created.flatMap { Timestamp(rfc3339: $0) } }

    /// What `ls` and the worker print.
    public var json: JSONValue {
        [
            "id": .string(id), "names": .strings(names), "repoDigests": .strings(repoDigests),
            "size": .integer(size), "imported": .string(imported.rfc3339),
            "created": config.created.map { .string($0) } ?? .null,
        ]
    }
}
