import JSON

/// A reference to content by digest and size.
public struct ImageDescriptor: Hashable, Sendable {
    /// Empty when absent.
    public var mediaType: String
    public var digest: ImageDigest
    /// Bytes; never negative.
    public var size: Int64
    public var annotations: [String: String]
    public var platform: ImagePlatform?
    public var artifactType: String?

    public init(mediaType: String, digest: ImageDigest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        annotations = [:]
    }

    /// Reads a descriptor.
    ///
    /// - Throws: `JSONError` for a missing or malformed digest or size.
    public init(_ value: JSONValue) throws(JSONError) {
        mediaType = try value.optionalString("mediaType") ?? ""
        let text = try value.requiredString("digest")
        guard let digest = ImageDigest(text) else {
            throw JSONError("digest: not a sha256 or sha512 digest", at: value["digest"]?.position ?? .none)
        }
        self.digest = digest
        size = try value.requiredInteger("size")
        guard size >= 0 else { throw JSONError("size: negative", at: value["size"]?.position ?? .none) }
        annotations = try value.stringMap("annotations")
        platform = nil
        if let member = value["platform"], !member.isNull { platform = try ImagePlatform(member) }
        artifactType = try value.optionalString("artifactType")
    }
}

extension JSONValue {
    /// The string members of the object at `key`; empty when absent. Members that are no strings are an error.
    func stringMap(_ key: String) throws(JSONError) -> [String: String] {
        guard let member = self[key], !member.isNull else { return [:] }
        guard let object = member.objectValue else {
            throw JSONError("\(key): expected an object, found \(member.kind)", at: member.position)
        }
        var map: [String: String] = [:]
        for entry in object.members {
            guard let text = entry.value.stringValue else {
                throw JSONError("\(key): expected strings, found \(entry.value.kind)", at: entry.value.position)
            }
            map[entry.key] = text
        }
        return map
    }

    /// The keys of the object at `key` (how Docker writes sets); empty when absent.
    func keySet(_ key: String) throws(JSONError) -> [String] {
        guard let member = self[key], !member.isNull else { return [] }
        guard let object = member.objectValue else {
            throw JSONError("\(key): expected an object, found \(member.kind)", at: member.position)
        }
        return object.members.map(\.key)
    }
}
