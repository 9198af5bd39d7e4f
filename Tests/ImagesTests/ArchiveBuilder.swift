import Base
import Digest
import JSON
import OCI

/// A layer as an archive carries it.
struct TestLayer {
    /// The tar stream.
    var content: [UInt8]
    /// What is stored; the same unless compressed.
    var blob: [UInt8]
    var mediaType = "application/vnd.oci.image.layer.v1.tar"

    init(_ content: [UInt8], blob: [UInt8]? = nil) {
        self.content = content
        self.blob = blob ?? content
    }

    init(_ build: (inout TarBuilder) -> Void) { self.init(tar(build)) }
}

func sha256(_ bytes: [UInt8]) -> String { (try? StreamHasher.hex(.sha256, bytes)) ?? "" }

/// An image to be put into an archive.
struct TestImage {
    /// `org.opencontainers.image.ref.name`.
    var name: String?
    var layers: [TestLayer]
    var architecture = ImagePlatform.current.architecture
    /// Written instead of the layers' own digests.
    var diffIDs: [String]?
    var annotations: [String: String] = [:]
    /// Changes the manifest or config before it is written.
    var editManifest: (inout JSONObject) -> Void = { _ in }
    var editConfig: (inout JSONObject) -> Void = { _ in }

    init(_ name: String?, _ layers: [TestLayer]) {
        self.name = name
        self.layers = layers
    }

    var config: [UInt8] {
        var object = JSONObject()
        object.append("architecture", .string(architecture))
        object.append("os", "linux")
        object.append("created", "2026-01-02T03:04:05Z")
        object.append("config", ["Cmd": ["/bin/sh"], "Env": ["PATH=/bin"], "Labels": ["a": "b"]])
        let ids = diffIDs ?? layers.map { "sha256:" + sha256($0.content) }
        object.append("rootfs", ["type": "layers", "diff_ids": .strings(ids)])
        editConfig(&object)
        return JSONWriter().bytes(.object(object))
    }

    var manifest: [UInt8] {
        var object = JSONObject()
        object.append("schemaVersion", 2)
        object.append("config", Self.descriptor("application/vnd.oci.image.config.v1+json", config))
        object.append("layers", .array(layers.map { Self.descriptor($0.mediaType, $0.blob) }))
        editManifest(&object)
        return JSONWriter().bytes(.object(object))
    }

    static func descriptor(_ type: String, _ bytes: [UInt8]) -> JSONValue {
        ["mediaType": .string(type), "digest": .string("sha256:" + sha256(bytes)), "size": .integer(bytes.count)]
    }
}

/// Builds the two kinds of archive.
enum ArchiveBuilder {
    static func oci(_ images: [TestImage], extra: (inout TarBuilder) -> Void = { _ in }) -> [UInt8] {
        oci(images, manifests: images.map(entry), extra: extra)
    }

    static func entry(_ image: TestImage) -> JSONValue {
        var descriptor = JSONObject()
        descriptor.append("mediaType", "application/vnd.oci.image.manifest.v1+json")
        descriptor.append("digest", .string("sha256:" + sha256(image.manifest)))
        descriptor.append("size", .integer(image.manifest.count))
        var annotations = image.annotations
        if let name = image.name { annotations["org.opencontainers.image.ref.name"] = name }
        if !annotations.isEmpty {
            let members = annotations.sorted { $0.key < $1.key }
                .map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
            descriptor.append("annotations", .object(JSONObject(members)))
        }
        return .object(descriptor)
    }

    static func oci(
        _ images: [TestImage], manifests: [JSONValue], blobs: [[UInt8]] = [],
        extra: (inout TarBuilder) -> Void = { _ in }
    ) -> [UInt8] {
        tar { tar in
            tar.file("oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
            let index: JSONValue = ["schemaVersion": 2, "manifests": .array(manifests)]
            tar.add("index.json", content: JSONWriter().bytes(index))
            var seen: Set<String> = []
            func blob(_ bytes: [UInt8]) {
                let hex = sha256(bytes)
                if seen.insert(hex).inserted { tar.add("./blobs/sha256/\(hex)", content: bytes) }
            }
            for image in images {
                blob(image.manifest)
                blob(image.config)
                for layer in image.layers { blob(layer.blob) }
            }
            for bytes in blobs { blob(bytes) }
            extra(&tar)
        }
    }

    static func docker(_ images: [(TestImage, tags: [String])]) -> [UInt8] {
        tar { tar in
            var items: [JSONValue] = []
            for (n, (image, tags)) in images.enumerated() {
                let config = sha256(image.config) + ".json"
                tar.add(config, content: image.config)
                var layers: [String] = []
                for (k, layer) in image.layers.enumerated() {
                    // As skopeo does: the layer under its digest, the listed path a link to it.
                    tar.add("\(n)-\(k).tar", content: layer.blob)
                    tar.add("\(n)-\(k)/layer.tar", type: "2", link: "../\(n)-\(k).tar")
                    layers.append("\(n)-\(k)/layer.tar")
                }
                items.append([
                    "Config": .string(config), "RepoTags": tags.isEmpty ? .null : .strings(tags),
                    "Layers": .strings(layers),
                ])
            }
            tar.add("manifest.json", content: JSONWriter().bytes(.array(items)))
        }
    }
}
