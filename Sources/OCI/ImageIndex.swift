import JSON

/// An OCI image index or a Docker manifest list.
public struct ImageIndex: Hashable, Sendable {
    public var manifests: [ImageDescriptor]

    /// Reads an index.
    ///
    /// - Throws: `JSONError` for a malformed document, and for one that could also be read as a manifest: what it means
    ///   must not depend on who reads it (CVE-2021-41190).
    public init(_ value: JSONValue) throws(JSONError) {
        guard let object = value.objectValue else {
            throw JSONError("expected an object, found \(value.kind)", at: value.position)
        }
        for key in ["layers", "config", "fsLayers"] where object[key] != nil {
            throw JSONError("ambiguous document: an index with \"\(key)\"", at: object[key]?.position ?? .none)
        }
        let type = try value.optionalString("mediaType") ?? ""
        guard type.isEmpty || ImageMediaType.isIndex(type) else {
            throw JSONError("mediaType: \(type) is not an index", at: value["mediaType"]?.position ?? .none)
        }
        let version = try value.optionalInteger("schemaVersion")
        guard version == 2 else { throw JSONError("schemaVersion: expected 2", at: value.position) }
        guard let list = object["manifests"]?.arrayValue else {
            throw JSONError("manifests: missing or not a list", at: value.position)
        }
        manifests = []
        for element in list { manifests.append(try ImageDescriptor(element)) }
    }
}
