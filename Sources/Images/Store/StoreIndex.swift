import Base
import JSON
import OCI

/// The store's table of contents, one small file that is replaced as a whole.
struct StoreIndex: Hashable, Sendable {
    struct Image: Hashable, Sendable {
        var id: String
        var names: [String]
        var repoDigests: [String]
        var size: Int64
        var imported: Timestamp
        var config: ImageConfig
        /// Names of folders in `layers/`, the lowest first, without those that an opaque root above hides.
        var layers: [String]
        /// It came from a registry, and not from an archive of the operator's.
        var isPulled = false
        /// Digest of the manifest that is kept in `configs/`, where there was one.
        var manifest: String?
        /// Layers that nothing shows of, because one above hides all: only needed to save the image.
        var hiddenLayers: [String] = []
    }

    /// The newest form of the file that this program knows.
    static let schema: Int64 = 1
    static let limit = 256 << 20

    var images: [Image] = []
    /// The complete layers in `layers/` and the bytes of their files. A folder that is not listed is a leftover.
    var layerSizes: [String: Int64] = [:]
    /// Layers that were found damaged: they are unpacked anew when an image brings them.
    var brokenLayers: Set<String> = []

    init() {}

    init(_ value: JSONValue) throws(JSONError) {
        for member in try value.required("layers", "an object", { $0.objectValue }).members {
            guard let size = member.value.integerValue else {
                throw JSONError("layers: expected integers", at: member.value.position)
            }
            layerSizes[member.key] = size
        }
        brokenLayers = Set(try value.optionalStrings("brokenLayers") ?? [])
        for member in try value.required("images", "a list", { $0.arrayValue }) {
            let imported = try member.requiredString("imported")
            let config = try member.required("config", "an object") { $0.objectValue.map { .object($0) } as JSONValue? }
            images.append(
                Image(
                    id: try member.requiredString("id"), names: try member.optionalStrings("names") ?? [],
                    repoDigests: try member.optionalStrings("repoDigests") ?? [],
                    size: try member.requiredInteger("size"),
                    imported: Timestamp(rfc3339: imported) ?? Timestamp(nanoseconds: 0),
                    config: try ImageConfig(config),
                    layers: try member.optionalStrings("layers") ?? [], isPulled: member["pulled"] == true,
                    manifest: try member.optionalString("manifest"),
                    hiddenLayers: try member.optionalStrings("hiddenLayers") ?? []))
        }
    }

    var json: JSONValue {
        let members = images.map { image -> JSONValue in
            var object = JSONObject()
            object.append("id", .string(image.id))
            object.append("names", .strings(image.names))
            object.append("repoDigests", .strings(image.repoDigests))
            object.append("size", .integer(image.size))
            object.append("imported", .string(image.imported.rfc3339))
            if image.isPulled { object.append("pulled", true) }
            object.append("manifest", ifPresent: image.manifest.map { .string($0) })
            object.append("layers", .strings(image.layers))
            if !image.hiddenLayers.isEmpty { object.append("hiddenLayers", .strings(image.hiddenLayers)) }
            object.append("config", image.config.json)
            return .object(object)
        }
        let layers = layerSizes.sorted { $0.key < $1.key }
            .map { JSONObject.Member(key: $0.key, value: .integer($0.value)) }
        var object = JSONObject()
        object.append("schema", .integer(Self.schema))
        object.append("images", .array(members))
        object.append("layers", .object(JSONObject(layers)))
        if !brokenLayers.isEmpty { object.append("brokenLayers", .strings(brokenLayers.sorted())) }
        return .object(object)
    }

    /// All layer folders that an image needs.
    var layers: Set<String> { Set(images.flatMap { $0.layers + $0.hiddenLayers }) }

    /// Names of all files in `configs/` that an image needs.
    var documents: Set<String> {
        Set(images.flatMap { [$0.id, $0.manifest] }.compactMap { $0.flatMap(ImageDigest.init)?.fileName })
    }

    /// Puts an image in: its names move to it, its digests are added to those it has.
    mutating func add(_ image: Image) {
        var image = image
        for i in images.indices where images[i].id != image.id {
            images[i].names.removeAll { image.names.contains($0) }
        }
        if let i = images.firstIndex(where: { $0.id == image.id }) {
            let old = images[i]
            image.names = old.names + image.names.filter { !old.names.contains($0) }
            image.repoDigests = old.repoDigests + image.repoDigests.filter { !old.repoDigests.contains($0) }
            image.imported = old.imported
            if image.manifest == nil { image.manifest = old.manifest }
            // Once the operator has brought it, it is the operator's.
            image.isPulled = image.isPulled && old.isPulled
            images[i] = image
        } else {
            images.append(image)
        }
    }

    /// The image that a reference of a pod or an operator means: an id, a pinned digest or a name.
    ///
    /// - Throws: `ImageError` with `invalidReference` for text that is neither.
    func find(_ reference: String) throws(ImageError) -> Int? {
        if ImageDigest(reference) != nil { return images.firstIndex { $0.id == reference } }
        if let digest = ImageDigest(.sha256, hex: reference) {
            return images.firstIndex { $0.id == digest.description }
        }
        let parsed = try ImageReference(parsing: reference)
        if parsed.digest != nil {
            let name = parsed.canonical
            return images.firstIndex { $0.repoDigests.contains(name) }
        }
        let name = parsed.canonical
        return images.firstIndex { $0.names.contains(name) }
    }
}
