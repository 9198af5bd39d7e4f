import Base
import CLinux
import JSON
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("Verifying images", .enabled(if: isRoot, "needs root"))
struct VerifyTests {
    private static let layers = [
        TestLayer {
            $0.directory("./")
            $0.directory("etc/", mode: 0o750, uid: 5)
            $0.add("etc/file", content: Array("content".utf8), mode: 0o640, uid: 1, gid: 2)
            $0.add("etc/caps", content: [1], xattrs: [("user.note", [1, 2])])
            $0.add("etc/link", type: "2", link: "file")
            $0.add("etc/hard", type: "1", link: "etc/file")
            $0.add("etc/old", content: [1])
            $0.directory("data/")
            $0.add("data/x", content: [1])
        },
        TestLayer {
            $0.directory("etc/", mode: 0o750, uid: 5)
            $0.add("etc/.wh.old")
            $0.directory("data/")
            $0.add("data/.wh..wh..opq")
            $0.add("data/y", content: [1])
        },
    ]
    private static let archive = ArchiveBuilder.oci([TestImage("example.com/test:1", layers)])

    /// What is done to the two layer folders, the topmost first, and what is said of it.
    struct Damage: CustomTestStringConvertible {
        var name: String
        var message: String
        var needsContents = false
        var act: @Sendable ([String]) throws -> Void
        var testDescription: String { name }
    }

    static let damages = [
        Damage(name: "a file is gone", message: "\"etc/caps\": it is missing") {
            _ = try Files.remove($0[1] + "/etc/caps")
        },
        Damage(name: "a file is empty", message: "\"etc/file\": its size is 0, and was 7") {
            try #require(truncate($0[1] + "/etc/file", 0) == 0)
        },
        Damage(name: "a mode", message: "\"etc\": its mode is 755, and was 750") {
            try #require(chmod($0[1] + "/etc", 0o755) == 0)
        },
        Damage(name: "an owner", message: "\"etc/file\": its owner is 7:2, and was 1:2") {
            try #require(chown($0[1] + "/etc/file", 7, 2) == 0)
        },
        Damage(name: "a time", message: "\"etc/file\": its time of modification is 5.000000000, and was 1700000000") {
            let time = timespec(tv_sec: 5, tv_nsec: 0)
            try #require(utimensat(AT_FDCWD, $0[1] + "/etc/file", [time, time], 0) == 0)
        },
        Damage(name: "a link", message: "\"etc/link\": it points somewhere else") {
            let path = $0[1] + "/etc/link"
            _ = try Files.remove(path)
            try #require(symlink("elif", path) == 0)
        },
        Damage(name: "a hard link", message: "\"etc/hard\": it is no hard link to \"etc/file\" any more") {
            let path = $0[1] + "/etc/hard"
            _ = try Files.remove(path)
            try Files.replace(path, with: Array("content".utf8), durable: false)
        },
        Damage(name: "another kind", message: "\"etc/caps\": it is of another kind") {
            _ = try Files.remove($0[1] + "/etc/caps")
            try #require(mkdir($0[1] + "/etc/caps", 0o755) == 0)
        },
        Damage(name: "an attribute", message: "\"etc/caps\": its attribute user.note is not what it was") {
            try #require(lsetxattr($0[1] + "/etc/caps", "user.note", "x", 1, 0) == 0)
        },
        Damage(name: "a stranger", message: "\"etc/new\": it is no part of the image") {
            try Files.replace($0[1] + "/etc/new", with: [1], durable: false)
        },
        Damage(name: "a whiteout", message: "\"etc/old\": the mark that hides it is missing") {
            _ = try Files.remove($0[0] + "/etc/old")
        },
        Damage(name: "an opaque folder", message: "\"data\": it does not hide what is below it any more") {
            try #require(lremovexattr($0[0] + "/data", "trusted.overlay.opaque") == 0)
        },
        Damage(name: "a layer", message: "is missing") { try Files.removeTree($0[1]) },
        Damage(
            name: "a byte", message: "the content of its files has changed", needsContents: true
        ) {
            let path = $0[1] + "/etc/file"
            let before = try #require(status(path))
            let file = try FileDescriptor.open(path, O_WRONLY)
            try file.writeAll(Array("C".utf8))
            try #require(futimens(file.raw, [before.st_mtim, before.st_mtim]) == 0)
        },
    ]

    @Test("damage of a layer is told, and loading the image again repairs it", arguments: damages)
    func damage(_ damage: Damage) throws {
        let fixture = try StoreFixture()
        let image = try fixture.load(Self.archive)[0]
        #expect(try fixture.store.verify(["example.com/test:1"], contents: true).map(\.problems) == [[]])
        try damage.act(image.layerPaths)
        if damage.needsContents { #expect(try fixture.store.verify([], contents: false).map(\.state) == [.whole]) }
        let found = try fixture.store.verify([], contents: damage.needsContents)[0]
        #expect(found.state == .broken && found.names == ["example.com/test:1"])
        #expect(found.problems.contains { $0.contains(damage.message) }, "\(found.problems)")
        #expect(found.problems.allSatisfy { $0.hasPrefix("layer ") })

        #expect(try fixture.load(Self.archive)[0].layerPaths == image.layerPaths)
        let repaired = try fixture.store.verify([], contents: true)[0]
        #expect(repaired.state == .whole && repaired.entries == found.entries || damage.name == "a layer")
        #expect(repaired.state == .whole && repaired.problems.isEmpty, "\(repaired.problems)")
    }

    @Test("a damaged layer that containers stand on stays until they are gone")
    func inUse() throws {
        let fixture = try StoreFixture()
        let image = try fixture.load(Self.archive)[0]
        _ = try Files.remove(image.layerPaths[1] + "/etc/caps")
        _ = try fixture.store.verify([], contents: false)
        try fixture.load(Self.archive)
        func folders() throws -> Int { try Files.list(fixture.store.root + "/layers").count }
        #expect(try folders() == 3)
        try fixture.store.sweep(layersInUse: Set(image.layerPaths))
        #expect(try folders() == 3)
        try fixture.store.sweep(layersInUse: [])
        #expect(try folders() == 2)
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.whole])
    }

    @Test("configs and manifests are kept as they came, and go with the last image")
    func documents() throws {
        let fixture = try StoreFixture()
        let test = TestImage("example.com/test:1", Self.layers)
        let image = try fixture.load(Self.archive)[0]
        let folder = fixture.store.root + "/configs/"
        #expect(try Files.read(folder + "sha256-" + sha256(test.config)) == test.config)
        #expect(try Files.read(folder + "sha256-" + sha256(test.manifest)) == test.manifest)
        #expect(try Files.list(folder).count == 2)
        try Files.replace(folder + "sha256-" + sha256(test.config), with: [1], durable: false)
        let found = try fixture.store.verify([], contents: false)[0]
        #expect(found.state == .broken && found.problems.contains { $0.contains("is damaged") })
        try fixture.load(Self.archive)
        #expect(try fixture.store.verify([], contents: false).map(\.state) == [.whole])
        try fixture.store.remove(image.id, layersInUse: [])
        for name in ["configs", "outlines", "layers", "trash", "ingest"] {
            #expect(try Files.list(fixture.store.root + "/" + name).isEmpty, "\(name)")
        }
    }

    @Test("an image's history has its steps, the last first, with the sizes of their layers")
    func history() throws {
        let fixture = try StoreFixture()
        var image = TestImage("example.com/test:1", Self.layers)
        image.editConfig = {
            $0.append(
                "history",
                [
                    ["created": "2026-01-02T03:04:05Z", "created_by": "ADD /", "comment": "base"],
                    ["created_by": "ENV A=1", "empty_layer": true],
                ])
        }
        try fixture.load(ArchiveBuilder.oci([image]))
        let steps = try fixture.store.history("example.com/test:1")
        #expect(steps.map(\.createdBy) == ["", "ENV A=1", "ADD /"], "a layer without a step comes last")
        #expect(steps.map(\.size) == [1, 0, 10])
        #expect(steps[2].created == "2026-01-02T03:04:05Z" && steps[2].comment == "base")
        #expect(steps[1].layer == nil && steps[2].layer == "sha256:" + sha256(Self.layers[0].content))
    }

    @Test("a root file system's tarball becomes an image, and the same image saved is the same")
    func importRoot() throws {
        let fixture = try StoreFixture()
        let config = try ImageConfig(rootDocument: ["Cmd": ["/bin/sh"], "Env": ["A=1"], "User": "5"])
        let path = try fixture.folder.write("root.tar.gz", gzip(Self.layers[0].content))
        let image = try fixture.store.importRoot(path, as: ImageReference(parsing: "mine:1"), config: config)
        #expect(image.names == ["docker.io/library/mine:1"] && image.config.cmd == ["/bin/sh"])
        #expect(image.config.env == ["A=1"] && image.config.user == "5")
        #expect(image.config.diffIDs.map(\.hex) == [sha256(Self.layers[0].content)])
        #expect(try Files.read(image.layerPaths[0] + "/etc/file") == Array("content".utf8))
        #expect(try fixture.store.history("mine:1").map(\.createdBy) == ["swiftlet image import root.tar.gz"])
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.whole])
        let junk = try fixture.folder.write("junk", Array("no tar at all, but long enough".utf8))
        let before = try fixture.snapshot()
        #expect(throws: ImageError.self) {
            try fixture.store.importRoot(junk, as: ImageReference(parsing: "junk"), config: config)
        }
        #expect(try fixture.snapshot() == before)
    }
}
