import OCI

/// An image of an archive, its documents read and verified, its layers not yet.
struct ImagePlan {
    struct Layer {
        /// Nil when it was not fetched, because the store has the layer.
        var blob: ByteRange?
        /// What the manifest says that the blob's sum is; nil in archives that do not say.
        var blobDigest: ImageDigest?
        /// Sum of the unpacked tar stream.
        var diffID: ImageDigest
        /// Sum over this and all layers below: the name of the stack up to here.
        var chainID: ImageDigest
    }

    /// Digest of the config.
    var id: ImageDigest
    var config: ImageConfig
    var names: [ImageReference]
    /// Digests of the manifest and of the indexes that lead to it.
    var manifestDigests: [ImageDigest]
    /// It comes from a registry.
    var isPulled = false
    /// The lowest first.
    var layers: [Layer]
    /// The config, and the manifest where there is one: as they came, by digest.
    var documents: [ImageDigest: [UInt8]] = [:]
    /// The manifest's digest, where there is one.
    var manifest: ImageDigest?

    /// Combines a config with its layer blobs.
    ///
    /// - Throws: `ImageError` with `corrupt` when they do not match in number, `unsupported` for none.
    init(
        id: ImageDigest, config: ImageConfig, names: [ImageReference], manifestDigests: [ImageDigest],
        blobs: [(ByteRange?, ImageDigest?)], limits: ImageLimits
    ) throws(ImageError) {
        guard blobs.count == config.diffIDs.count else {
            throw ImageError(
                .corrupt, "the image has \(blobs.count) layers but its config lists \(config.diffIDs.count)")
        }
        guard !blobs.isEmpty else { throw ImageError(.unsupported, "the image has no layers: there is nothing to run") }
        guard blobs.count <= limits.layers else {
            throw ImageError(.tooLarge, "the image has \(blobs.count) layers; at most \(limits.layers) are supported")
        }
        self.id = id
        self.config = config
        self.names = names
        self.manifestDigests = manifestDigests
        layers = []
        for (blob, diffID) in zip(blobs, config.diffIDs) {
            var chain = diffID
            if let below = layers.last { chain = try .of(Array("\(below.chainID) \(diffID)".utf8)) }
            layers.append(Layer(blob: blob.0, blobDigest: blob.1, diffID: diffID, chainID: chain))
        }
    }
}
