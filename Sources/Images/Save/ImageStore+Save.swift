import Base
import CLinux
import JSON
import OCI

extension ImageStore {
    /// Writes images as one tar archive. Layers are plain tar, byte for byte what they were before compression, so that
    /// the images keep their ids; what is written is summed, and has the digests that the images say.
    ///
    /// - Parameters:
    ///   - references: names, which are the names in the archive, or ids, for all names that the image has.
    ///   - output: gets the archive. What it got is worth nothing when this throws.
    /// - Throws: `ImageError`: `notFound` for no such image and for one whose parts an older release did not keep,
    ///   `unsupported` for a layer that cannot be made again, `corrupt` for one that is damaged.
    public func save(_ references: [String], as format: SaveFormat, to output: SharedDescriptor) throws(ImageError) {
        // No layer goes away meanwhile.
        guard let holder = try layersHolder(LOCK_SH) else { throw ImageError(.storage, "cannot lock the layers") }
        defer { withExtendedLifetime(holder) {} }
        let index = try index()
        var images: [SavedImage] = []
        for reference in references {
            guard let at = try index.find(reference) else {
                throw ImageError(.notFound, "no image \"\(escaped(reference))\" in the store")
            }
            let image = index.images[at]
            var names = image.names
            if let name = try? ImageReference(parsing: reference).canonical, names.contains(name) { names = [name] }
            if let at = images.firstIndex(where: { $0.id.description == image.id }) {
                images[at].names += names.filter { !images[at].names.contains($0) }
                continue
            }
            do throws(ImageError) { images.append(try saved(image, names)) } catch {
                throw error.during("cannot save \(names.first ?? image.id)")
            }
        }
        let archive = SaveOutput(output)
        switch format {
        case .oci: try writeLayout(images, archive)
        case .docker: try writeDocker(images, archive)
        }
        try archive.finish()
    }

    /// An image with all that an archive needs to say of it.
    private struct SavedImage {
        struct Layer {
            var diffID: ImageDigest
            /// Its name in the store.
            var name: String
            var size: Int64
        }

        var id: ImageDigest
        var names: [String]
        var config: [UInt8]
        var layers: [Layer]
        var manifest: [UInt8]
        var manifestType: String
    }

    private func saved(_ image: StoreIndex.Image, _ names: [String]) throws(ImageError) -> SavedImage {
        guard let id = ImageDigest(image.id) else { throw ImageError(.corrupt, "\"\(image.id)\" is no digest") }
        let config = try configBytes(image)
        let stored = Set(image.layers + image.hiddenLayers)
        let all = try Self.layerNames(of: image.config)
        var layers: [SavedImage.Layer] = []
        for (n, layer) in all.enumerated() {
            do throws(ImageError) {
                guard let name = layer.candidates.first(where: stored.contains) else {
                    throw ImageError(.notFound, "an older release did not keep it; \(Self.loadAgain)")
                }
                let size = try OutlineSource(path: outlinePath(name)).length()
                layers.append(SavedImage.Layer(diffID: layer.diffID, name: name, size: size))
            } catch {
                throw error.during("layer \(n + 1) of \(all.count) (\(layer.diffID))")
            }
        }
        var saved = SavedImage(
            id: id, names: names, config: config, layers: layers, manifest: [], manifestType: ImageMediaType.manifest)
        if let own = try plainManifest(image, saved) {
            (saved.manifest, saved.manifestType) = own
        } else {
            saved.manifest = Self.manifest(of: saved)
        }
        return saved
    }

    /// The manifest that the image came with, when its layers were plain: then it is true of what is saved.
    private func plainManifest(
        _ image: StoreIndex.Image, _ saved: SavedImage
    ) throws(ImageError) -> (bytes: [UInt8], type: String)? {
        guard let digest = image.manifest.flatMap(ImageDigest.init), let bytes = try document(digest),
            let value = try? JSONParser.parse(bytes), let manifest = try? ImageManifest(value),
            manifest.config.digest == saved.id, manifest.layers.map(\.digest) == saved.layers.map(\.diffID)
        else { return nil }
        return (bytes, value["mediaType"]?.stringValue ?? ImageMediaType.manifest)
    }

    private static func manifest(of image: SavedImage) -> [UInt8] {
        JSONWriter().bytes([
            "schemaVersion": 2, "mediaType": .string(ImageMediaType.manifest),
            "config": descriptor(ImageMediaType.config, image.id, Int64(image.config.count)),
            "layers": .array(
                image.layers.map { descriptor("application/vnd.oci.image.layer.v1.tar", $0.diffID, $0.size) }),
        ])
    }

    private static func descriptor(_ type: String, _ digest: ImageDigest, _ size: Int64) -> JSONValue {
        ["mediaType": .string(type), "digest": .string(digest.description), "size": .integer(size)]
    }

    // MARK: - The two kinds

    private func writeLayout(_ images: [SavedImage], _ archive: SaveOutput) throws(ImageError) {
        var documents: [String: [UInt8]] = [:]
        var layers: [String: SavedImage.Layer] = [:]
        var entries: [JSONValue] = []
        func path(_ digest: ImageDigest) -> String { "blobs/\(digest.algorithm.rawValue)/\(digest.hex)" }
        for image in images {
            let manifest = try ImageDigest.of(image.manifest)
            documents[path(manifest)] = image.manifest
            documents[path(image.id)] = image.config
            for layer in image.layers { layers[path(layer.diffID)] = layer }
            let names: [String?] = image.names.isEmpty ? [nil] : image.names.map { $0 }
            for name in names {
                guard
                    var entry = Self.descriptor(image.manifestType, manifest, Int64(image.manifest.count)).objectValue
                else { continue }
                // The whole name in both places: podman and skopeo read one, containerd the other.
                entry.append(
                    "annotations",
                    ifPresent: name.map { name -> JSONValue in
                        [
                            "io.containerd.image.name": .string(name),
                            "org.opencontainers.image.ref.name": .string(name),
                        ]
                    })
                entries.append(.object(entry))
            }
        }
        let index: JSONValue = [
            "schemaVersion": 2, "mediaType": .string(ImageMediaType.index), "manifests": .array(entries),
        ]
        try archive.member("oci-layout", JSONWriter().bytes(["imageLayoutVersion": "1.0.0"]))
        try archive.member("index.json", JSONWriter().bytes(index))
        let paths = Set(documents.keys).union(layers.keys).sorted()
        try archive.folder("blobs/")
        for folder in Set(paths.map { Path.parent($0) }).sorted() { try archive.folder(folder + "/") }
        for path in paths {
            if let document = documents[path] {
                try archive.member(path, document)
            } else if let layer = layers[path] {
                try write(layer, path, archive)
            }
        }
    }

    private func writeDocker(_ images: [SavedImage], _ archive: SaveOutput) throws(ImageError) {
        var written: Set<String> = []
        var items: [JSONValue] = []
        for image in images {
            for layer in image.layers where written.insert("\(layer.diffID.hex).tar").inserted {
                try write(layer, "\(layer.diffID.hex).tar", archive)
            }
            if written.insert("\(image.id.hex).json").inserted {
                try archive.member("\(image.id.hex).json", image.config)
            }
            items.append([
                "Config": .string("\(image.id.hex).json"), "RepoTags": .strings(image.names),
                "Layers": .strings(image.layers.map { "\($0.diffID.hex).tar" }),
            ])
        }
        try archive.member("manifest.json", JSONWriter().bytes(.array(items)))
    }

    private func write(_ layer: SavedImage.Layer, _ path: String, _ archive: SaveOutput) throws(ImageError) {
        do throws(ImageError) {
            let replay = LayerReplay(folder: layerPath(layer.name), outline: outlinePath(layer.name))
            try archive.member(path, size: layer.size) { sink throws(ImageError) in
                try withoutActuallyEscaping(sink) { sink throws(ImageError) in try replay.run(layer.diffID, sink) }
            }
        } catch {
            throw error.reason == .storage
                ? error
                : error.during("layer \(layer.diffID) (\"swiftlet image verify --contents\" says more)")
        }
    }
}
