/// The media types of image documents. What a blob is decides its content, never its media type alone.
public enum ImageMediaType {
    public static let index = "application/vnd.oci.image.index.v1+json"
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    public static let config = "application/vnd.oci.image.config.v1+json"
    public static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    public static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    public static let dockerConfig = "application/vnd.docker.container.image.v1+json"

    public static func isIndex(_ type: String) -> Bool { type == index || type == dockerList }
    public static func isManifest(_ type: String) -> Bool { type == manifest || type == dockerManifest }
    public static func isConfig(_ type: String) -> Bool { type == config || type == dockerConfig }

    /// Whether a layer of this type is a tar stream. Unknown types are refused rather than unpacked as something else.
    public static func isLayer(_ type: String) -> Bool {
        let families = [
            "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.foreign.diff.tar",
        ]
        return families.contains { type == $0 || type == $0 + "+gzip" || type == $0 + "+zstd" || type == $0 + ".gzip" }
            || families.contains { type == $0 + ".zstd" }
    }
}
