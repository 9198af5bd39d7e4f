import Base
import JSON
import OCI

/// A step in which an image was built.
public struct ImageHistoryStep: Hashable, Sendable {
    /// RFC 3339 as the image has it, or nil.
    public var created: String?
    public var createdBy: String
    public var comment: String
    /// Name of the layer that it made; nil when it changed no file.
    public var layer: String?
    /// Bytes of that layer.
    public var size: Int64

    public var json: JSONValue {
        var object = JSONObject()
        object.append("created", ifPresent: created.map { .string($0) })
        object.append("createdBy", .string(createdBy))
        object.append("size", .integer(size))
        object.append("comment", .string(comment))
        object.append("layer", ifPresent: layer.map { .string($0) })
        return .object(object)
    }
}

extension ImageStore {
    /// How an image was built, the last step first.
    ///
    /// - Throws: `ImageError` with `notFound`: no such image, or one of an older release, whose config was not kept.
    public func history(_ reference: String) throws(ImageError) -> [ImageHistoryStep] {
        let index = try index()
        guard let at = try index.find(reference) else {
            throw ImageError(.notFound, "no image \"\(escaped(reference))\" in the store")
        }
        let image = index.images[at]
        do {
            let limits = ImageLimits()
            let value = try JSONParser.parse(
                try configBytes(image), limits: .init(bytes: limits.documentBytes, depth: limits.documentDepth))
            return try steps(value["history"], image, index).reversed()
        } catch let error as ImageError {
            throw error
        } catch {
            throw ImageError(.corrupt, "the config of image \(image.id): \(escaped("\(error)"))")
        }
    }

    private func steps(
        _ history: JSONValue?, _ image: StoreIndex.Image, _ index: StoreIndex
    ) throws -> [ImageHistoryStep] {
        var layers = try Self.layerNames(of: image.config).map { names in
            (id: names.diffID, size: names.candidates.lazy.compactMap { index.layerSizes[$0] }.first ?? 0)
        }[...]
        var steps: [ImageHistoryStep] = []
        for member in history?.arrayValue ?? [] {
            var step = ImageHistoryStep(
                created: try member.optionalString("created"), createdBy: try member.optionalString("created_by") ?? "",
                comment: try member.optionalString("comment") ?? "", size: 0)
            if member["empty_layer"] != true, let layer = layers.popFirst() {
                (step.layer, step.size) = (layer.id.description, layer.size)
            }
            steps.append(step)
        }
        // Builders exist that write no history, or one that is too short.
        for layer in layers {
            steps.append(
                ImageHistoryStep(
                    created: nil, createdBy: "", comment: "", layer: layer.id.description, size: layer.size))
        }
        return steps
    }

    /// The names that the layers of an image may have in the store, the lowest layer first.
    static func layerNames(
        of config: ImageConfig
    ) throws(ImageError) -> [(diffID: ImageDigest, candidates: [String])] {
        let limits = ImageLimits()
        let plan = try ImagePlan(
            id: .of([]), config: config, names: [], manifestDigests: [],
            blobs: [(ByteRange?, ImageDigest?)](repeating: (nil, nil), count: config.diffIDs.count), limits: limits)
        return plan.layers.map { ($0.diffID, [sharedName($0), chainName($0)]) }
    }
}
