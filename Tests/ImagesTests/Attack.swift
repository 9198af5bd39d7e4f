import JSON
import Testing

@testable import Images

/// An archive that must be refused, and how.
struct Attack: Sendable, CustomTestStringConvertible {
    var name: String
    var reason: ImageError.Reason
    var archive: @Sendable () -> [UInt8]
    var limits = ImageLimits()
    var testDescription: String { name }

    /// A layer that must be refused.
    init(
        _ name: String, _ reason: ImageError.Reason, limits: (inout ImageLimits) -> Void = { _ in },
        below: (@Sendable (inout TarBuilder) -> Void)? = nil, layer: @escaping @Sendable (inout TarBuilder) -> Void
    ) {
        self.name = name
        self.reason = reason
        archive = {
            var layers = [TestLayer(layer)]
            if let below { layers.insert(TestLayer(below), at: 0) }
            return ArchiveBuilder.oci([TestImage("evil:1", layers)])
        }
        limits(&self.limits)
    }

    /// An archive that must be refused.
    init(
        archive name: String, _ reason: ImageError.Reason, limits: (inout ImageLimits) -> Void = { _ in },
        _ archive: @escaping @Sendable () -> [UInt8]
    ) {
        self.name = name
        self.reason = reason
        self.archive = archive
        limits(&self.limits)
    }

    static let inLayers: [Attack] = [
        Attack("dot dot", .hostile) { $0.file("../canary", "x") },
        Attack("dot dot inside", .hostile) { $0.file("a/../b", "x") },
        Attack("dot dot deep", .hostile) { $0.file("a/../../../../canary", "x") },
        Attack("absolute", .hostile) { $0.file("/etc/evil", "x") },
        Attack("absolute folder", .hostile) { $0.directory("//tmp/x/") },
        Attack("through a link, absolute", .hostile) {
            $0.add("way", type: "2", link: "/tmp")
            $0.file("way/evil", "x")
        },
        Attack("through a link, relative", .hostile) {
            $0.add("way", type: "2", link: "../../..")
            $0.file("way/canary", "x")
        },
        Attack("through a link inside the layer", .hostile) {
            $0.directory("real/")
            $0.add("way", type: "2", link: "real")
            $0.file("way/evil", "x")
        },
        Attack("through a link deeper", .hostile) {
            $0.add("a/way", type: "2", link: "..")
            $0.directory("a/way/b/c/")
        },
        Attack("through a link of the layer below", .hostile, below: { $0.add("way", type: "2", link: "/etc") }) {
            $0.file("way/evil", "x")
        },
        Attack("root is a link", .hostile) { $0.add("./", type: "2", link: "/etc") },
        Attack("root is a file", .hostile) { $0.add(".", content: [1]) },
        Attack("root is a link, written absolutely", .hostile) { $0.add("/.", type: "2", link: "/etc") },
        Attack("escapes of a terminal in a name", .hostile) { $0.file("\u{1B}[2J\u{7}\u{9B}/../x", "x") },
        Attack("hard link out", .hostile) { $0.add("passwd", type: "1", link: "../../../../../../etc/passwd") },
        Attack("hard link absolute", .hostile) { $0.add("passwd", type: "1", link: "/etc/passwd") },
        Attack("hard link through a link", .hostile) {
            $0.add("way", type: "2", link: "/etc")
            $0.add("passwd", type: "1", link: "way/passwd")
        },
        Attack("hard link to nothing", .hostile) { $0.add("passwd", type: "1", link: "missing") },
        Attack("hard link to the layer below", .hostile, below: { $0.file("secret", "x") }) {
            $0.add("copy", type: "1", link: "secret")
        },
        Attack("hard link to a folder", .hostile) {
            $0.directory("a/")
            $0.add("b", type: "1", link: "a")
        },
        Attack("hard link below its own target", .hostile) {
            $0.file("a", "x")
            $0.add("a/hard", type: "1", link: "a")
        },
        Attack("hard link to the root", .hostile) { $0.add("b", type: "1", link: ".") },
        Attack("hard link to a whiteout", .hostile) {
            $0.add(".wh.gone")
            $0.add("b", type: "1", link: "gone")
        },
        Attack("device out of range", .corrupt) { $0.add("dev/mem", type: "3", device: (4096, 1)) },
        Attack("device 0:0", .hostile) { $0.add("etc", type: "3", device: (0, 0)) },
        Attack("whiteout of nothing", .hostile) { $0.add(".wh.") },
        Attack("whiteout of the folder", .hostile) { $0.add("a/.wh..") },
        Attack("whiteout of the parent", .hostile) { $0.add("a/.wh...") },
        Attack("whiteout as a folder", .hostile) { $0.file(".wh.a/b", "x") },
        Attack("whiteout through a link", .hostile) {
            $0.add("way", type: "2", link: "/etc")
            $0.add("way/.wh.passwd")
        },
        Attack("name of 300 bytes", .corrupt) { $0.file(String(repeating: "n", count: 300), "x") },
        Attack("path of 5000 bytes", .corrupt) { $0.file(String(repeating: "abcdefg/", count: 625), "x") },
        Attack("too deep", .tooLarge) { $0.file(String(repeating: "d/", count: 300) + "x", "x") },
        Attack("NUL in a name", .corrupt) { $0.add("x", pax: [("path", "a\u{0}b")]) },
        Attack("link to nowhere", .corrupt) { $0.add("x", type: "2", link: "") },
        Attack("unknown type", .unsupported) { $0.add("x", type: "M") },
        Attack("negative size", .corrupt) { $0.add("x", size: -1) },
        Attack("size of 2^62", .truncated) { $0.add("x", pax: [("size", "4611686018427387904")]) },
        Attack("size beyond 64 bits", .corrupt) { $0.add("x", pax: [("size", "92233720368547758080")]) },
        Attack("size in base 256 beyond 64 bits", .corrupt) {
            var header = TarBuilder()
            header.add("x")
            var block = header.bytes
            block.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0xFF, count: 11))
            TarBuilder.checksum(&block)
            $0.raw(block)
        },
        Attack("negative PAX size", .corrupt) { $0.add("x", pax: [("size", "-5")]) },
        Attack("owner out of range", .corrupt) { $0.add("x", pax: [("uid", "4294967295")]) },
        Attack("negative owner", .corrupt) { $0.add("x", uid: -1) },
        Attack("time that is none", .corrupt) { $0.add("x", pax: [("mtime", "soon")]) },
        Attack("PAX length that lies", .corrupt) { $0.add("y", type: "x", content: Array("99 path=a\n".utf8)) },
        Attack("PAX length zero", .corrupt) { $0.add("y", type: "x", content: Array("0 path=a\n".utf8)) },
        Attack("PAX header of 2 MiB", .tooLarge) {
            $0.add("y", type: "x", content: [UInt8](repeating: 32, count: 2 << 20))
        },
        Attack("PAX headers without end", .tooLarge, limits: { $0.entries = 100 }) {
            for _ in 0..<200 { $0.add("y", type: "x", content: TarBuilder.record("path", [97])) }
        },
        Attack("long name of 2 MiB", .tooLarge) {
            $0.add("y", type: "L", content: [UInt8](repeating: 97, count: 2 << 20))
        },
        Attack("wrong checksum", .corrupt) {
            $0.file("a", "x")
            $0.raw([UInt8](repeating: 7, count: 512))
        },
        Attack("sparse map out of order", .corrupt) {
            $0.add("s", content: [1, 2], pax: [("GNU.sparse.size", "100"), ("GNU.sparse.map", "50,1,10,1")])
        },
        Attack("sparse map beyond the file", .corrupt) {
            $0.add("s", content: [1], pax: [("GNU.sparse.size", "10"), ("GNU.sparse.map", "9223372036854775807,1")])
        },
        Attack("sparse bomb", .tooLarge, limits: { $0.expandedBytes = 1 << 30 }) {
            $0.add("s", content: [1], pax: [("GNU.sparse.size", "1099511627776"), ("GNU.sparse.map", "0,1")])
        },
        Attack("too many bytes", .tooLarge, limits: { $0.expandedBytes = 100_000 }) {
            $0.add("big", content: [UInt8](repeating: 0, count: 200_000))
        },
        Attack("too many entries", .tooLarge, limits: { $0.entries = 100 }) {
            for n in 0..<101 { $0.file("\(n)", "") }
        },
        Attack("attribute of 100 kB", .corrupt) {
            $0.add("x", xattrs: [("user.x", [UInt8](repeating: 1, count: 100_000))])
        },
        Attack("capability that is none", .corrupt) { $0.add("x", xattrs: [("security.capability", [1, 2, 3])]) },
        Attack("too many attributes", .tooLarge, limits: { $0.rememberedBytes = 10_000 }) {
            for n in 0..<10 {
                $0.add("\(n)/", type: "5", xattrs: [("user.x", [UInt8](repeating: 1, count: 2000))])
            }
        },
        Attack("too many names", .tooLarge, limits: { $0.rememberedBytes = 1000 }) {
            for n in 0..<100 { $0.directory("folder\(n)/") }
        },
    ]

    private static let good = TestLayer { $0.file("file", "content") }

    private static func edited(_ edit: @escaping @Sendable (inout TestImage) -> Void) -> @Sendable () -> [UInt8] {
        {
            var image = TestImage("evil:1", [good])
            edit(&image)
            return ArchiveBuilder.oci([image])
        }
    }

    static let inDocuments: [Attack] = [
        Attack(
            archive: "content that is not of the config's digest", .corrupt,
            edited { $0.diffIDs = ["sha256:" + String(repeating: "0", count: 64)] }),
        Attack(
            archive: "blob that is not of its name's digest", .corrupt,
            {
                let image = TestImage("evil:1", [good])
                let bytes = ArchiveBuilder.oci([image])
                // The same length: only the digest can tell.
                return replacing(bytes, "content", "CONTENT")
            }),
        Attack(
            archive: "manifest that was changed", .corrupt,
            {
                replacing(
                    ArchiveBuilder.oci([TestImage("evil:1", [good])]), "\"schemaVersion\":2,\"config\"",
                    "\"schemaVersion\":2, \"confi\"")
            }),
        Attack(
            archive: "digest that is a path", .corrupt,
            edited {
                $0.editManifest = {
                    $0["config"] = [
                        "mediaType": "application/vnd.oci.image.config.v1+json",
                        "digest": "sha256:../../../../../etc/passwd", "size": 10,
                    ]
                }
            }),
        Attack(
            archive: "negative blob size", .corrupt,
            edited {
                $0.editManifest = {
                    $0["config"] = [
                        "mediaType": "application/vnd.oci.image.config.v1+json",
                        "digest": .string("sha256:" + String(repeating: "a", count: 64)), "size": -1,
                    ]
                }
            }),
        Attack(
            archive: "missing blob", .notFound,
            edited {
                $0.editManifest = {
                    $0["layers"] = .array([TestImage.descriptor("application/vnd.oci.image.layer.v1.tar", [9])])
                }
            }),
        Attack(archive: "more layers than digests", .corrupt, edited { $0.diffIDs = [] }),
        Attack(
            archive: "fewer layers than digests", .corrupt,
            edited { $0.diffIDs = [String](repeating: "sha256:" + sha256(good.content), count: 2) }),
        Attack(
            archive: "manifest that is an index too", .corrupt, edited { $0.editManifest = { $0["manifests"] = [] } }),
        Attack(
            archive: "manifest with an index's media type", .corrupt,
            edited { $0.editManifest = { $0["mediaType"] = "application/vnd.oci.image.index.v1+json" } }),
        Attack(
            archive: "an artifact", .corrupt,
            edited { $0.editManifest = { $0["config"] = TestImage.descriptor("application/vnd.example+json", []) } }),
        Attack(
            archive: "rootfs of another type", .corrupt,
            edited { $0.editConfig = { $0["rootfs"] = ["type": "disk", "diff_ids": []] } }),
        Attack(
            archive: "config with a NUL", .corrupt, edited { $0.editConfig = { $0["config"] = ["Cmd": ["a\u{0}b"]] } }),
        Attack(archive: "no layers", .unsupported, { ArchiveBuilder.oci([TestImage("evil:1", [])]) }),
        Attack(
            archive: "too many layers", .tooLarge, limits: { $0.layers = 3 },
            { ArchiveBuilder.oci([TestImage("evil:1", [good, good, good, good])]) }),
        Attack(
            archive: "config of 5 MiB", .tooLarge,
            edited { $0.editConfig = { $0["x"] = .string(String(repeating: "x", count: 5 << 20)) } }),
        Attack(
            archive: "documents too deep", .corrupt,
            edited {
                $0.editConfig = { object in object["x"] = (0..<100).reduce(JSONValue.null) { value, _ in [value] } }
            }),
        Attack(archive: "another processor", .wrongPlatform, edited { $0.architecture = "s390x" }),
        Attack(
            archive: "index twice", .hostile,
            { ArchiveBuilder.oci([TestImage("evil:1", [good])]) { $0.file("index.json", "{}") } }),
        Attack(
            archive: "member outside", .hostile,
            { ArchiveBuilder.oci([TestImage("evil:1", [good])]) { $0.file("../canary", "x") } }),
        Attack(
            archive: "absolute member", .hostile,
            { ArchiveBuilder.oci([TestImage("evil:1", [good])]) { $0.file("/tmp/canary", "x") } }),
        Attack(
            archive: "device member", .hostile,
            { ArchiveBuilder.oci([TestImage("evil:1", [good])]) { $0.add("null", type: "3", device: (1, 3)) } }),
        Attack(archive: "name that is none", .invalidReference, { ArchiveBuilder.oci([TestImage("Evil/:1", [good])]) }),
        Attack(
            archive: "one big config for many manifests", .tooLarge, limits: { $0.documentsBytes = 100_000 },
            {
                var images: [TestImage] = []
                for n in 0..<50 {
                    var image = TestImage("evil:\(n)", [good])
                    image.editConfig = { $0["x"] = .string(String(repeating: "x", count: 5000)) }
                    image.editManifest = { $0["n"] = .integer(n) }
                    images.append(image)
                }
                return ArchiveBuilder.oci(images)
            }),
        Attack(archive: "indexes too deep", .tooLarge, { nestedIndexes(6) }),
        Attack(
            archive: "docker layer behind a link that leaves", .notFound,
            {
                tar {
                    let image = TestImage(nil, [good])
                    $0.add("c.json", content: image.config)
                    $0.add("layer.tar", type: "2", link: "../../../etc/passwd")
                    $0.file("manifest.json", #"[{"Config":"c.json","RepoTags":["evil:1"],"Layers":["layer.tar"]}]"#)
                }
            }),
        Attack(
            archive: "docker layer links in a circle", .notFound,
            {
                tar {
                    let image = TestImage(nil, [good])
                    $0.add("c.json", content: image.config)
                    $0.add("a", type: "2", link: "b")
                    $0.add("b", type: "2", link: "a")
                    $0.file("manifest.json", #"[{"Config":"c.json","RepoTags":["evil:1"],"Layers":["a"]}]"#)
                }
            }),
        Attack(
            archive: "docker config of a false name", .corrupt,
            {
                tar {
                    let name = String(repeating: "1", count: 64) + ".json"
                    $0.add(name, content: TestImage(nil, [good]).config)
                    $0.add("layer.tar", content: good.blob)
                    $0.file(
                        "manifest.json",
                        "[{\"Config\":\"\(name)\",\"RepoTags\":[\"evil:1\"],\"Layers\":[\"layer.tar\"]}]")
                }
            }),
        Attack(archive: "docker layer that is a path", .hostile, { docker(layer: "../../../etc/passwd") }),
        Attack(archive: "docker layer that is an absolute path", .hostile, { docker(layer: "/etc/passwd") }),
        Attack(archive: "docker config that is a path", .hostile, { docker(config: "a/../../etc/passwd") }),
        Attack(archive: "a key twice", .corrupt, { docker(member: #""os":"plan9""#) }),
        Attack(archive: "a number that is none", .corrupt, { docker(member: #""size":NaN"#) }),
        Attack(
            archive: "digest of an unknown algorithm", .corrupt,
            edited { $0.diffIDs = ["md5:" + String(repeating: "0", count: 32)] }),
        Attack(archive: "a Docker of 2015", .unsupported, { tar { $0.file("repositories", "{}") } }),
        Attack(archive: "a root file system", .notAnArchive, { tar { $0.file("etc/passwd", "root") } }),
        Attack(archive: "no archive", .notAnArchive, { Array(String(repeating: "hello world\n", count: 100).utf8) }),
        Attack(archive: "empty file", .truncated, { [] }),
        Attack(
            archive: "zstd bomb", .tooLarge,
            limits: {
                $0.ratioBase = 1 << 20; $0.ratio = 1000
            },
            {
                (try? filter("/usr/bin/zstd", ["-19", "-c"], [UInt8](repeating: 0, count: 64 << 20))) ?? []
            }),
        Attack(
            archive: "zstd window of 2 GiB", .corrupt,
            {
                // A frame whose header asks for that much memory, and an empty block.
                [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00]
            }),
        Attack(
            archive: "xz bomb", .tooLarge,
            limits: {
                $0.ratioBase = 1 << 20; $0.ratio = 1000
            },
            {
                (try? filter("/usr/bin/xz", ["-9", "-c"], [UInt8](repeating: 0, count: 64 << 20))) ?? []
            }),
        Attack(
            archive: "gzip bomb", .tooLarge, limits: { $0.expandedBytes = 8 << 20 },
            {
                (try? gzip([UInt8](repeating: 0, count: 32 << 20))) ?? []
            }),
    ]

    /// A docker archive with names or one more member of the config's own.
    private static func docker(
        config: String = "c.json", layer: String = "layer.tar", member: String = #""author":"x""#
    ) -> [UInt8] {
        tar {
            let text = String(decoding: TestImage(nil, [good]).config, as: UTF8.self)
            $0.file("c.json", "{\(member),\(text.dropFirst())")
            $0.add("layer.tar", content: good.blob)
            $0.file("manifest.json", #"[{"Config":"\#(config)","RepoTags":["evil:1"],"Layers":["\#(layer)"]}]"#)
        }
    }

    private static func nestedIndexes(_ depth: Int) -> [UInt8] {
        let image = TestImage("evil:1", [good])
        var blobs: [[UInt8]] = []
        var entry = ArchiveBuilder.entry(TestImage(nil, [good]))
        for _ in 0..<depth {
            let index = JSONWriter().bytes(["schemaVersion": 2, "manifests": .array([entry])])
            blobs.append(index)
            entry = TestImage.descriptor("application/vnd.oci.image.index.v1+json", index)
        }
        return ArchiveBuilder.oci([image], manifests: [entry], blobs: blobs)
    }
}

/// The bytes with the first occurrence of a text changed.
func replacing(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
    let old = Array(old.utf8)
    guard let at = bytes.indices.first(where: { bytes[$0...].starts(with: old) }) else { return [] }
    return Array(bytes[..<at]) + Array(new.utf8) + Array(bytes[(at + old.count)...])
}
