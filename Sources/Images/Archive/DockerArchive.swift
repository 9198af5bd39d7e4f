import JSON
import OCI

/// Reads what `docker save` writes: `manifest.json`, which names configs and layers by their path in the archive.
struct DockerArchive {
    let archive: Archive
    let host: ImagePlatform
    let fallbackName: FallbackName

    /// All images of the archive.
    func images() throws(ImageError) -> [ImagePlan] {
        let items = try archive.parse(try archive.document("manifest.json"), "manifest.json") {
            value throws(JSONError) in
            guard let list = value.arrayValue else {
                throw JSONError("expected a list, found \(value.kind)", at: value.position)
            }
            var items: [Item] = []
            for element in list { items.append(try Item(element)) }
            return items
        }
        guard !items.isEmpty else { throw ImageError(.notFound, "manifest.json lists no image") }
        guard items.count <= archive.limits.images else {
            throw ImageError(.tooLarge, "more than \(archive.limits.images) images in one archive")
        }
        let nameless = items.filter(\.tags.isEmpty).count
        var plans: [ImagePlan] = []
        for item in items {
            var names: [ImageReference] = []
            for tag in item.tags { names.append(try ImageReference(parsing: tag)) }
            if names.isEmpty, nameless == 1 { names = try fallbackName.with(tag: nil) }
            do throws(ImageError) {
                plans.append(try plan(item, names))
            } catch {
                throw error.during(names.first.map { "image \($0)" } ?? "image \"\(escaped(item.config))\"")
            }
        }
        return plans
    }

    private struct Item {
        var config: String
        var tags: [String]
        var layers: [String]

        init(_ value: JSONValue) throws(JSONError) {
            for key in ["manifests", "schemaVersion"] where value[key] != nil {
                throw JSONError("ambiguous document: an image with \"\(key)\"", at: value.position)
            }
            config = try value.requiredString("Config")
            tags = try value.optionalStrings("RepoTags") ?? []
            layers = try value.optionalStrings("Layers") ?? []
        }
    }

    private func plan(_ item: Item, _ names: [ImageReference]) throws(ImageError) -> ImagePlan {
        let bytes = try archive.document(item.config)
        let id = try ImageDigest.of(bytes)
        // Writers name the config after its digest; when they do, it must be true.
        let stem = item.config.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
        if let claimed = ImageDigest(.sha256, hex: String(stem)), claimed != id {
            throw ImageError(.corrupt, "config \(claimed) is damaged: its content has digest \(id)")
        }
        let config = try archive.parse(bytes, item.config) { value throws(JSONError) in try ImageConfig(value) }
        guard config.platform.suitability(for: host) != nil else {
            throw ImageError(
                .wrongPlatform, "not built for \(host): the archive has \(escaped(config.platform.description))")
        }
        var blobs: [(ByteRange?, ImageDigest?)] = []
        for layer in item.layers { blobs.append((try archive.required(layer), nil)) }
        var plan = try ImagePlan(
            id: id, config: config, names: names, manifestDigests: [], blobs: blobs, limits: archive.limits)
        plan.documents = [id: bytes]
        return plan
    }
}
