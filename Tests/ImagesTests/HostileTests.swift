import Base
import CLinux
import JSON
import TestSupport
import Testing

@testable import Images

@Suite("Hostile archives", .enabled(if: isRoot, "needs root"))
struct HostileTests {
    @Test(
        "are refused whole and leave the store byte for byte as it was", arguments: Attack.inLayers + Attack.inDocuments
    )
    func refused(_ attack: Attack) throws {
        let fixture = try StoreFixture()
        try fixture.load(
            ArchiveBuilder.oci([TestImage("good:1", [TestLayer { $0.file("good", "1") }])]), name: "good.tar")
        try fixture.folder.write("canary", "alive")
        let before = try fixture.snapshot()
        let error = try #require(throws: ImageError.self) {
            try fixture.load(attack.archive(), limits: attack.limits)
        }
        #expect(error.reason == attack.reason, "\(error)")
        #expect(error.message.hasPrefix("cannot load \""))
        #expect(!error.message.utf8.contains { $0 < 0x20 || $0 > 0x7E }, "\(error)")
        #expect(try fixture.snapshot() == before)
        #expect(try Files.readText(fixture.folder.path + "/canary") == "alive")
    }

    @Test("cut short anywhere, an archive is refused as incomplete or damaged")
    func truncated() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([TestImage("x:1", [TestLayer { $0.file("file", "content") }])])
        try fixture.load(archive)
        try fixture.store.remove("x:1", layersInUse: [])
        let before = try fixture.snapshot()
        let compressed = try gzip(archive)
        for whole in [archive.dropLast(1024), compressed[...]] {
            for count in stride(from: 0, to: whole.count - 1, by: max(1, whole.count / 97)) {
                let error = try #require(throws: ImageError.self) { try fixture.load(Array(whole.prefix(count))) }
                #expect([.truncated, .notAnArchive].contains(error.reason), "\(count): \(error)")
            }
        }
        #expect(try fixture.snapshot() == before)
    }

    @Test("what another platform needs is listed")
    func platforms() throws {
        let fixture = try StoreFixture()
        var image = TestImage("x:1", [TestLayer { $0.file("file", "content") }])
        image.architecture = "riscv64"
        let error = try #require(throws: ImageError.self) { try fixture.load(ArchiveBuilder.oci([image])) }
        #expect(error.message.contains("linux/riscv64"))
        #expect(error.message.contains("docker.io/library/x:1"))
    }

    @Test("attributes that steer overlayfs or the host are left out, capabilities stay")
    func attributes() throws {
        let fixture = try StoreFixture()
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let root = try fixture.layers([
            TestLayer {
                $0.add(
                    "dir/", type: "5",
                    xattrs: [("trusted.overlay.opaque", [0x79]), ("trusted.overlay.redirect", Array("/etc".utf8))])
                $0.add(
                    "dir/ping", content: [1], mode: 0o755, uid: 7,
                    xattrs: [
                        ("security.capability", capability), ("trusted.overlay.metacopy", []),
                        ("security.selinux", [1]), ("user.overlay.metacopy", []),
                    ])
            }
        ])[0]
        #expect(attribute(root + "/dir", "trusted.overlay.opaque") == nil)
        #expect(attribute(root + "/dir", "trusted.overlay.redirect") == nil)
        #expect(attribute(root + "/dir/ping", "trusted.overlay.metacopy") == nil)
        #expect(attribute(root + "/dir/ping", "user.overlay.metacopy") == nil)
        #expect(attribute(root + "/dir/ping", "security.selinux") == nil)
        #expect(attribute(root + "/dir/ping", "security.capability") == capability)
    }

    @Test("a hard link brings no owner, mode or attribute to what it is a link to")
    func hardLinkAttributes() throws {
        let fixture = try StoreFixture()
        let root = try fixture.layers([
            TestLayer {
                $0.file("file", "x", mode: 0o640)
                $0.add("link", type: "1", link: "file", mode: 0o6777, uid: 1000, gid: 1000, xattrs: [("user.x", [1])])
            }
        ])[0]
        let file = try #require(status(root + "/file"))
        #expect(file.st_mode & 0o7777 == 0o640 && file.st_uid == 0 && file.st_gid == 0 && file.st_nlink == 2)
        #expect(attribute(root + "/file", "user.x") == nil)
    }

    @Test("the store is closed to everybody but root, also where its folder was open before")
    func closed() throws {
        let folder = try TemporaryDirectory()
        let root = folder.path + "/images"
        try Files.makeDirectories(root, mode: 0o755)
        #expect(chmod(root, 0o755) == 0)
        let store = try ImageStore(root: root)
        // Set-id programs and links of layers cannot be reached, and nobody can swap anything while it is unpacked.
        for name in ["", "/layers", "/ingest", "/trash"] {
            #expect(status(root + name)?.st_mode ?? 0 == mode_t(S_IFDIR) | 0o700, "\(name)")
        }
        let session = try ImportSession(store)
        #expect(status(session.path)?.st_mode ?? 0 == mode_t(S_IFDIR) | 0o700)
        session.end()
    }

    @Test("names are bytes, and need be no text")
    func bytes() throws {
        let fixture = try StoreFixture()
        var builder = TarBuilder()
        builder.file("bad", "1")
        builder.finish()
        var content = builder.bytes
        content[1] = 0xFF
        var header = Array(content[..<512])
        TarBuilder.checksum(&header)
        content.replaceSubrange(..<512, with: header)
        let root = try fixture.layers([TestLayer(content)])[0]
        let path = (Array(root.utf8) + [0x2F, 0x62, 0xFF, 0x64, 0]).map { CChar(bitPattern: $0) }
        #expect(access(path, F_OK) == 0)
    }

    @Test("odd but harmless entries are taken")
    func odd() throws {
        let fixture = try StoreFixture()
        let root = try fixture.layers([
            TestLayer {
                $0.directory("/")
                $0.file("new\nline", "1")
                $0.add("old", content: [1], modified: -86400)
                $0.add("huge-owner", content: [1], uid: 4_000_000_000)
                $0.file("twice", "first")
                $0.file("twice", "second")
                $0.file("was-file", "x")
                $0.file("was-file/child", "2")
                $0.directory("was-dir/")
                $0.file("was-dir/child", "3")
                $0.file("was-dir", "4")
                $0.add("forward", type: "1", link: "later")
                $0.file("later", "5")
                $0.add("pipe", type: "6")
                $0.add("./a//b/./c", content: [6])
                $0.add("link", type: "2", link: "later")
                $0.file("link", "not a link any more")
                $0.directory("link2dir/")
                $0.add("link2", type: "2", link: "/etc")
                $0.directory("link2/")
                $0.file("link2/inside", "7")
                $0.add(".wh..wh.plnk/1.2", content: [1])
                $0.add(
                    "sparse", content: [1, 2], pax: [("GNU.sparse.size", "5000"), ("GNU.sparse.map", "0,1,4999,1")])
            }
        ])[0]
        #expect(try Files.readText(root + "/new\nline") == "1")
        #expect(status(root + "/old")?.st_mtim.tv_sec == -86400)
        #expect(status(root + "/huge-owner")?.st_uid == 4_000_000_000)
        #expect(try Files.readText(root + "/twice") == "second")
        #expect(try Files.readText(root + "/was-file/child") == "2")
        #expect(try Files.readText(root + "/was-dir") == "4")
        #expect(status(root + "/forward")?.st_ino == status(root + "/later")?.st_ino)
        #expect(swl_is_fifo(status(root + "/pipe")?.st_mode ?? 0))
        #expect(try Files.read(root + "/a/b/c") == [6])
        #expect(try Files.readText(root + "/link") == "not a link any more")
        #expect(try Files.readText(root + "/later") == "5")
        #expect(try Files.readText(root + "/link2/inside") == "7")
        #expect(!Files.exists(root + "/.wh..wh.plnk"))
        let sparse = try Files.read(root + "/sparse")
        #expect(sparse.count == 5000 && sparse[0] == 1 && sparse[4999] == 2 && sparse[1..<4999].allSatisfy { $0 == 0 })
    }
}
