import JSON

/// An OCI image manifest or a Docker manifest of schema 2.
public struct ImageManifest: Hashable, Sendable {
    public var config: ImageDescriptor
    /// The lowest first.
    public var layers: [ImageDescriptor]

    /// Reads a manifest.
    ///
    /// - Throws: `JSONError` for a malformed document, one that could also be read as an index (CVE-2021-41190),
    ///   Docker's schema 1, and an artifact that is no container image.
    public init(_ value: JSONValue) throws(JSONError) {
        guard let object = value.objectValue else {
            throw JSONError("expected an object, found \(value.kind)", at: value.position)
        }
        for key in ["manifests", "fsLayers"] where object[key] != nil {
            throw JSONError("ambiguous document: a manifest with \"\(key)\"", at: object[key]?.position ?? .none)
        }
        let type = try value.optionalString("mediaType") ?? ""
        guard type.isEmpty || ImageMediaType.isManifest(type) else {
            throw JSONError("mediaType: \(type) is not an image manifest", at: value["mediaType"]?.position ?? .none)
        }
        guard try value.optionalInteger("schemaVersion") == 2 else {
            throw JSONError("schemaVersion: expected 2", at: value.position)
        }
        guard let member = object["config"] else { throw JSONError("config: missing", at: value.position) }
        config = try ImageDescriptor(member)
        guard ImageMediaType.isConfig(config.mediaType) else {
            throw JSONError(
                "config.mediaType: \(config.mediaType) is not a container image's: an artifact cannot run",
                at: member.position)
        }
        guard let list = object["layers"]?.arrayValue else {
            throw JSONError("layers: missing or not a list", at: value.position)
        }
        layers = []
        for element in list {
            let layer = try ImageDescriptor(element)
            guard ImageMediaType.isLayer(layer.mediaType) else {
                throw JSONError("layers: media type \(layer.mediaType) is not a tar layer", at: element.position)
            }
            layers.append(layer)
        }
    }
}
