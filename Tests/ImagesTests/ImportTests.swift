import Base
import CLinux
import JSON
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("Loading archives", .enabled(if: isRoot, "needs root"))
struct ImportTests {
    private static let layer = TestLayer {
        $0.directory("./", mode: 0o755)
        $0.directory("bin/", mode: 0o755)
        $0.add("bin/tool", content: Array("hello".utf8), mode: 0o4755, uid: 12, gid: 34)
        $0.add("bin/link", type: "2", link: "/bin/tool", mode: 0o777)
        $0.add("bin/hard", type: "1", link: "bin/tool")
    }

    @Test("an OCI layout is unpacked with owners, modes, times and links")
    func unpacks() throws {
        let fixture = try StoreFixture()
        let images = try fixture.load(ArchiveBuilder.oci([TestImage("busybox:1.0", [Self.layer])]))
        #expect(images.count == 1)
        #expect(images[0].names == ["docker.io/library/busybox:1.0"])
        #expect(images[0].config.cmd == ["/bin/sh"])
        #expect(images[0].size == 5)
        #expect(images[0].created == Timestamp(rfc3339: "2026-01-02T03:04:05Z"))
        let root = images[0].layerPaths[0]
        let tool = try #require(status(root + "/bin/tool"))
        #expect(tool.st_mode == mode_t(S_IFREG) | 0o4755)
        #expect(tool.st_uid == 12 && tool.st_gid == 34)
        #expect(tool.st_mtim.tv_sec == 1_700_000_000)
        #expect(tool.st_nlink == 2)
        #expect(status(root + "/bin")?.st_mtim.tv_sec == 1_600_000_000)
        #expect(try Files.readText(root + "/bin/hard") == "hello")
        #expect(try #require(status(root + "/bin/link")).st_mode & mode_t(S_IFMT) == mode_t(S_IFLNK))
    }

    @Test("an image is found by every way of writing its name, by its id and by its digest")
    func resolves() throws {
        let fixture = try StoreFixture()
        let image = TestImage("docker.io/library/busybox:latest", [Self.layer])
        let loaded = try fixture.load(ArchiveBuilder.oci([image]))[0]
        let again = try ImageStore(root: fixture.store.root)
        for name in [
            "busybox", "busybox:latest", "library/busybox", "docker.io/busybox", "index.docker.io/library/busybox",
            loaded.id, "busybox@sha256:" + sha256(image.manifest),
        ] {
            #expect(try again.resolve(name) == loaded, "\(name)")
        }
        #expect(try again.resolve("busybox:1") == nil)
        #expect(try again.resolve("example.com/busybox") == nil)
        #expect(throws: ImageError.self) { try again.resolve("Busy Box") }
    }

    @Test("a docker-archive is loaded, its layers behind links and under several names")
    func dockerArchive() throws {
        let fixture = try StoreFixture()
        let second = TestLayer { $0.file("bin/second", "2") }
        let archive = ArchiveBuilder.docker([
            (TestImage(nil, [Self.layer, second]), tags: ["a:1", "b.example.com/x/y:2"]),
            (TestImage(nil, [Self.layer]), tags: []),
        ])
        let images = try fixture.load(archive, name: "My App.tar")
        #expect(
            images.map(\.names) == [
                ["docker.io/library/a:1", "b.example.com/x/y:2"], ["docker.io/library/my-app:latest"],
            ])
        #expect(images[0].layerPaths.count == 2)
        #expect(images[0].layerPaths[1] == images[1].layerPaths[0])
        #expect(try Files.readText(images[0].layerPaths[0] + "/bin/second") == "2")
    }

    @Test("an image that brings only a tag, or nothing, is named after its file")
    func fallbackNames() throws {
        let fixture = try StoreFixture()
        #expect(
            try fixture.load(ArchiveBuilder.oci([TestImage("1.35", [Self.layer])]), name: "web.oci.tar.gz")[0].names
                == ["docker.io/library/web:1.35"])
        #expect(
            try fixture.load(ArchiveBuilder.oci([TestImage(nil, [Self.layer])]), name: "web2.tar")[0].names
                == ["docker.io/library/web:1.35", "docker.io/library/web2:latest"], "it is the same image")
    }

    @Test(
        "layers and whole archives may be compressed",
        arguments: ["gzip", "gzip members", "gzip padding", "zstd", "zstd frames", "xz"], [false, true])
    func compressed(_ kind: String, whole: Bool) throws {
        func compress(_ bytes: [UInt8]) throws -> [UInt8] {
            let half = bytes.count / 2
            switch kind {
            case "gzip": return try gzip(bytes)
            case "gzip members": return try gzip(Array(bytes[..<half])) + gzip([]) + gzip(Array(bytes[half...]))
            case "gzip padding": return try gzip(bytes) + [UInt8](repeating: 0, count: 700)
            case "zstd": return try filter("/usr/bin/zstd", ["-c"], bytes)
            case "xz": return try filter("/usr/bin/xz", ["-c"], bytes)
            default:
                // A skippable frame first, as chunked zstd may have.
                let skippable: [UInt8] = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]
                return try skippable + filter("/usr/bin/zstd", ["-c"], Array(bytes[..<half]))
                    + skippable + filter("/usr/bin/zstd", ["-c"], Array(bytes[half...]))
            }
        }
        let fixture = try StoreFixture()
        let content = tar {
            for n in 0..<50 { $0.file("file\(n)", String(repeating: "line \(n)\n", count: n * 100)) }
        }
        let layer = TestLayer(content, blob: whole ? nil : try compress(content))
        let archive = ArchiveBuilder.oci([TestImage("x:1", [layer])])
        let image = try fixture.load(whole ? try compress(archive) : archive)[0]
        #expect(try Files.read(image.layerPaths[0] + "/file49").count == 4900 * 8)
    }

    @Test("junk after a gzip stream, and bzip2, are refused by name")
    func refusedCompression() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([TestImage("x:1", [Self.layer])])
        let junk = try #require(throws: ImageError.self) { try fixture.load(try gzip(archive) + [1]) }
        #expect(junk.reason == .corrupt)
        let bzip2 = try #require(throws: ImageError.self) { try fixture.load(Array("BZh91AY".utf8)) }
        #expect(bzip2.reason == .unsupported && bzip2.message.contains("bzip2"))
    }

    @Test("loading the same archive again unpacks nothing and changes nothing")
    func idempotent() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([TestImage("x:1", [Self.layer])])
        let first = try fixture.load(archive)
        let before = try fixture.snapshot()
        let inode = try #require(status(fixture.store.root + "/index.json")).st_ino
        #expect(try fixture.load(archive) == first)
        #expect(try fixture.snapshot() == before)
        #expect(status(fixture.store.root + "/index.json")?.st_ino == inode)
    }

    @Test("a name moves to the image that was loaded last; removing takes layers that nobody needs")
    func remove() throws {
        let fixture = try StoreFixture()
        let own = TestLayer { $0.file("own", "1") }
        let old = try fixture.load(ArchiveBuilder.oci([TestImage("x:1", [Self.layer, own])]))[0]
        let new = try fixture.load(ArchiveBuilder.oci([TestImage("x:1", [Self.layer])]))[0]
        #expect(try fixture.store.resolve("x:1") == new)
        #expect(try fixture.store.resolve(old.id)?.names == [])
        let running = Set([old.layerPaths[0]])
        #expect(try fixture.store.remove(old.id, layersInUse: running).deleted == [old.id])
        #expect(Files.isDirectory(old.layerPaths[0]), "a running container keeps its layers")
        try fixture.store.sweep(layersInUse: [])
        #expect(!Files.exists(old.layerPaths[0]))
        #expect(Files.isDirectory(new.layerPaths[0]), "the shared layer stays")
        try fixture.store.remove("x:1", layersInUse: [])
        #expect(try Files.list(fixture.store.root + "/layers") == [])
        #expect(try Files.list(fixture.store.root + "/trash") == [])
        #expect(try fixture.store.list() == [])
        let missing = try #require(throws: ImageError.self) { try fixture.store.remove("x:1", layersInUse: []) }
        #expect(missing.reason == .notFound)
    }

    @Test("one of several names is taken away, the image stays")
    func untag() throws {
        let fixture = try StoreFixture()
        try fixture.load(ArchiveBuilder.docker([(TestImage(nil, [Self.layer]), tags: ["a:1", "b:1"])]))
        let removal = try fixture.store.remove("a:1", layersInUse: [])
        #expect(removal == ImageStore.Removal(untagged: ["docker.io/library/a:1"], deleted: []))
        #expect(try fixture.store.resolve("b:1") != nil)
        #expect(try fixture.store.resolve("a:1") == nil)
    }

    @Test("removing while an import runs leaves the layers to the next sweep")
    func removeDuringImport() throws {
        let fixture = try StoreFixture()
        let image = try fixture.load(ArchiveBuilder.oci([TestImage("x:1", [Self.layer])]))[0]
        let session = try ImportSession(fixture.store)
        try fixture.store.remove("x:1", layersInUse: [])
        #expect(Files.isDirectory(image.layerPaths[0]))
        try fixture.store.sweep(layersInUse: [])
        #expect(Files.isDirectory(session.path), "a living import keeps its folder")
        session.end()
        try fixture.store.sweep(layersInUse: [])
        #expect(!Files.exists(image.layerPaths[0]))
        #expect(try Files.list(fixture.store.root + "/ingest") == [])
    }

    @Test("imports and removals side by side leave a store that is whole")
    func concurrent() throws {
        let fixture = try StoreFixture()
        let layers = (0..<4).map { n in TestLayer { $0.file("file\(n)", "\(n)") } }
        let files = try (0..<4).map { n in
            try fixture.folder.write(
                "\(n).tar", ArchiveBuilder.oci([TestImage("image:\(n)", [layers[n], layers[(n + 1) % 4]])]))
        }
        let root = fixture.store.root
        try Threads.run(4, "a test") {
            guard let store = try? ImageStore(root: root) else { return }
            for round in 0..<10 {
                for (n, file) in files.enumerated() {
                    if (round + n) % 3 == 2 {
                        _ = try? store.remove("image:\(n)", layersInUse: [])
                    } else {
                        _ = try? store.importArchive(file)
                    }
                }
            }
        }
        try fixture.store.sweep(layersInUse: [])
        for file in files { _ = try fixture.store.importArchive(file) }
        for n in 0..<4 {
            let image = try #require(try fixture.store.resolve("image:\(n)"))
            #expect(try Files.readText(image.layerPaths[1] + "/file\(n)") == "\(n)")
        }
        #expect(try Files.list(root + "/ingest") == [])
        #expect(try Files.list(root + "/trash") == [])
        #expect(try Files.list(root + "/layers").count == 4)
    }

    @Test("when the index cannot be written, no layer stays")
    func indexFails() throws {
        let fixture = try StoreFixture()
        try fixture.load(ArchiveBuilder.oci([TestImage("x:1", [Self.layer])]))
        // In the place of the file that would become the index.
        try Files.makeDirectories(fixture.store.root + "/index.json.new/x")
        let before = try fixture.snapshot()
        let other = TestImage("y:1", [TestLayer { $0.file("other", "1") }])
        let error = try #require(throws: ImageError.self) { try fixture.load(ArchiveBuilder.oci([other])) }
        #expect(error.reason == .storage)
        #expect(try fixture.snapshot() == before)
    }

    @Test("a full disk is told, and nothing stays", arguments: ["size=1m", "nr_inodes=60"])
    func fullDisk(_ limit: String) async throws {
        let folder = try TemporaryDirectory()
        let layer = TestLayer { tar in
            for n in 0..<100 { tar.add("file\(n)", content: [UInt8](repeating: 1, count: 20_000)) }
        }
        let archive = try folder.write("x.tar", ArchiveBuilder.oci([TestImage("x:1", [layer])]))
        let root = folder.path + "/disk"
        try Files.makeDirectories(root)
        await #expect(processExitsWith: .success) {
            [archive = archive as String, root = root as String, limit = limit as String] in
            try #require(swl_unshare(CLONE_NEWNS) == 0)
            try #require(mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0)
            try #require(mount("tmpfs", root, "tmpfs", 0, limit) == 0)
            let store = try ImageStore(root: root)
            let error = try #require(throws: ImageError.self) { try store.importArchive(archive) }
            #expect(error.reason == (limit.hasPrefix("size") ? .tooLarge : .storage), "\(error)")
            #expect(try Files.list(root + "/ingest") == [])
            #expect(try Files.list(root + "/layers") == [])
            #expect(try store.list() == [])
        }
    }

    @Test("an index of a newer release is refused and left alone")
    func newerIndex() throws {
        let folder = try TemporaryDirectory()
        try folder.write("images/index.json", #"{"schema":2,"images":[]}"#)
        let error = try #require(throws: ImageError.self) { try ImageStore(root: folder.path + "/images") }
        #expect(error.reason == .unsupported)
        #expect(error.message.contains("newer release"))
    }
}

@Suite("Archives for several platforms", .enabled(if: isRoot, "needs root"))
struct PlatformTests {
    private func image(_ text: String, _ architecture: String) -> TestImage {
        var image = TestImage(nil, [TestLayer { $0.file("which", text) }])
        image.architecture = architecture
        return image
    }

    private func entry(_ image: TestImage, _ platform: JSONValue, name: String? = nil) -> JSONValue {
        var named = image
        named.name = name
        guard var object = ArchiveBuilder.entry(named).objectValue else { return .null }
        object.append("platform", platform)
        return .object(object)
    }

    @Test("an index inside names the image; this machine's is taken, attestations and missing others are passed over")
    func nested() throws {
        let fixture = try StoreFixture()
        let own = image("own", ImagePlatform.current.architecture)
        let other = image("other", "s390x")
        let index = JSONWriter().bytes([
            "schemaVersion": 2,
            "manifests": [
                entry(image("absent", "ppc64le"), ["os": "linux", "architecture": "ppc64le"]),
                entry(other, ["os": "linux", "architecture": "s390x"]),
                entry(own, ["os": "unknown", "architecture": "unknown"]),
                entry(own, ["os": "linux", "architecture": .string(ImagePlatform.current.architecture)]),
                ["mediaType": "application/x", "digest": .string("sha256:" + sha256([])), "size": 0],
            ],
        ])
        guard var top = TestImage.descriptor("application/vnd.oci.image.index.v1+json", index).objectValue else {
            return
        }
        top.append("annotations", ["io.containerd.image.name": "quay.io/multi/arch:1"])
        let archive = ArchiveBuilder.oci([own, other], manifests: [.object(top)], blobs: [index])
        let loaded = try fixture.load(archive)
        #expect(loaded.count == 1 && loaded[0].names == ["quay.io/multi/arch:1"])
        #expect(try Files.readText(loaded[0].layerPaths[0] + "/which") == "own")
        #expect(try fixture.store.resolve("quay.io/multi/arch@sha256:" + sha256(index)) == loaded[0])
        #expect(try fixture.store.resolve("quay.io/multi/arch@sha256:" + sha256(own.manifest)) == loaded[0])
    }

    @Test("entries of one name are one image for several platforms")
    func flat() throws {
        let fixture = try StoreFixture()
        let own = image("own", ImagePlatform.current.architecture)
        let other = image("other", "s390x")
        let archive = ArchiveBuilder.oci(
            [own, other],
            manifests: [
                entry(other, ["os": "linux", "architecture": "s390x"], name: "x:1"),
                entry(own, ["os": "linux", "architecture": .string(ImagePlatform.current.architecture)], name: "x:1"),
            ])
        let loaded = try fixture.load(archive)
        #expect(loaded.count == 1)
        #expect(try Files.readText(loaded[0].layerPaths[0] + "/which") == "own")
    }

    @Test("several images of one archive all come")
    func several() throws {
        let fixture = try StoreFixture()
        var images = (0..<3).map { image("\($0)", ImagePlatform.current.architecture) }
        for n in images.indices { images[n].name = "example.com/several:\(n)" }
        let loaded = try fixture.load(ArchiveBuilder.oci(images))
        #expect(loaded.map(\.names) == (0..<3).map { ["example.com/several:\($0)"] })
        for n in 0..<3 {
            let found = try #require(try fixture.store.resolve("example.com/several:\(n)"))
            #expect(try Files.readText(found.layerPaths[0] + "/which") == "\(n)")
        }
    }
}
