import Base
import CLinux
import Compression
import Digest
import JSON
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("Saving images", .enabled(if: isRoot, "needs root"))
struct SaveTests {
    /// Saves into a file of the fixture's folder.
    private func save(
        _ fixture: StoreFixture, _ references: [String], _ format: SaveFormat = .oci, file: String = "saved.tar"
    ) throws -> String {
        let path = Path.join(fixture.folder.path, file)
        let output = SharedDescriptor(
            try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        try fixture.store.save(references, as: format, to: output)
        return path
    }

    /// Layers with everything that a tar stream can say in ways of its own.
    private static let hard = [
        TestLayer {
            $0.directory("./")
            $0.directory("etc/", mode: 0o1777, uid: 3, gid: 4)
            $0.add("etc/empty", uid: 70_000)
            $0.add("etc/caps", content: [1, 2, 3], mode: 0o4755, xattrs: [("user.note", [1, 0, 2])])
            $0.add("etc/link", type: "2", link: "/somewhere/else")
            $0.add("etc/hard", type: "1", link: "etc/caps")
            $0.add("early", type: "1", link: "late")
            $0.add("late", content: Array(repeating: 7, count: 1_500_000))
            $0.add(String(repeating: "d/", count: 80) + "deep", content: [9], pax: [("mtime", "1700000000.123456789")])
            $0.add("fifo", type: "6")
            $0.add("old", content: [1])
            $0.directory("gone/")
            $0.add("gone/x", content: [1])
            $0.add(".wh..wh.plnk", content: [5, 5, 5])
        },
        TestLayer {
            $0.add(".wh.old", content: [])
            $0.add("gone/.wh..wh..opq", content: [])
            $0.add("gone/y", content: Array("y".utf8))
            $0.add("implied/without/folders", content: [4])
            $0.add(".wh.hides-nothing")
            // As GNU tar fills its last record.
            $0.raw([UInt8](repeating: 0, count: 512 * 30))
        },
    ]

    @Test(
        "an image that is saved and loaded elsewhere is the same: id, layers, every byte",
        arguments: SaveFormat.allCases)
    func roundTrip(_ format: SaveFormat) throws {
        let (fixture, other) = (try StoreFixture(), try StoreFixture())
        var layers = Self.hard
        layers[0].blob = try gzip(layers[0].content)
        layers[0].mediaType += "+gzip"
        let image = try fixture.load(ArchiveBuilder.oci([TestImage("example.com/test:1", layers)]))[0]
        let again = try other.store.importArchive(try save(fixture, ["example.com/test:1"], format))
        #expect(again.map(\.id) == [image.id] && again.map(\.names) == [image.names])
        #expect(again[0].config == image.config)
        let relative = { (path: String, root: String) in path.dropFirst(root.utf8.count) }
        #expect(
            again[0].layerPaths.map { relative($0, other.store.root) }
                == image.layerPaths.map { relative($0, fixture.store.root) })
        for (a, b) in zip(image.layerPaths, again[0].layerPaths) {
            #expect(try StoreFixture.snapshot(a, prefix: "") == StoreFixture.snapshot(b, prefix: ""))
        }
        #expect(try other.store.verify([], contents: true).map(\.state) == [.whole])
    }

    @Test("the same images give the same archive")
    func reproducible() throws {
        let fixture = try StoreFixture()
        try fixture.load(
            ArchiveBuilder.oci([
                TestImage("example.com/a:1", Self.hard), TestImage("example.com/b:1", [Self.hard[0]]),
            ]))
        let first = try Files.read(try save(fixture, ["example.com/a:1", "example.com/b:1"]), limit: 1 << 30)
        let second = try Files.read(
            try save(fixture, ["example.com/a:1", "example.com/b:1"], file: "again.tar"), limit: 1 << 30)
        #expect(first == second && !first.isEmpty)
    }

    @Test("an image that came with plain layers keeps its manifest")
    func manifest() throws {
        let (fixture, other) = (try StoreFixture(), try StoreFixture())
        let plain = TestImage("example.com/test:1", Self.hard)
        let image = try fixture.load(ArchiveBuilder.oci([plain]))[0]
        #expect(image.repoDigests == ["example.com/test@sha256:" + sha256(plain.manifest)])
        let again = try other.store.importArchive(try save(fixture, [image.id]))[0]
        #expect(again.repoDigests == image.repoDigests)
    }

    @Test("a changed file ends the saving, and the layer is named")
    func damaged() throws {
        let fixture = try StoreFixture()
        let image = try fixture.load(ArchiveBuilder.oci([TestImage("example.com/test:1", Self.hard)]))[0]
        let file = image.layerPaths[1] + "/late"
        var bytes = try Files.read(file)
        bytes[1_000_000] ^= 1
        try Files.replace(file, with: bytes, durable: false)
        let error = #expect(throws: ImageError.self) { try save(fixture, ["example.com/test:1"]) }
        #expect(error?.reason == .corrupt)
        #expect(error?.message.contains(image.config.diffIDs[0].description) == true, "\(error?.message ?? "")")
        _ = try Files.remove(file)
        let missing = #expect(throws: ImageError.self) { try save(fixture, ["example.com/test:1"]) }
        #expect(missing?.message.contains("\"late\": it is missing") == true, "\(missing?.message ?? "")")
    }

    @Test("a layer that has a file twice is refused, and says why")
    func duplicates() throws {
        let fixture = try StoreFixture()
        let layer = TestLayer {
            $0.add("a", content: [1])
            $0.add("a", content: [2])
        }
        try fixture.load(ArchiveBuilder.oci([TestImage("example.com/test:1", [layer])]))
        let error = #expect(throws: ImageError.self) { try save(fixture, ["example.com/test:1"]) }
        #expect(error?.reason == .unsupported && error?.message.contains("twice") == true, "\(error?.message ?? "")")
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.unknown])
    }

    @Test("an image of an older release says to be loaded again, and can be saved then")
    func older() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([TestImage("example.com/test:1", Self.hard)])
        let image = try fixture.load(archive)[0]
        for folder in ["configs", "outlines"] {
            for name in try Files.list(fixture.store.root + "/" + folder) {
                _ = try Files.remove("\(fixture.store.root)/\(folder)/\(name)")
            }
        }
        let error = #expect(throws: ImageError.self) { try save(fixture, ["example.com/test:1"]) }
        #expect(error?.message.contains("load or pull the image again") == true, "\(error?.message ?? "")")
        #expect(throws: ImageError.self) { try fixture.store.history("example.com/test:1") }
        #expect(try fixture.store.verify([], contents: false).map(\.state) == [.unknown])
        #expect(try fixture.load(archive)[0].layerPaths == image.layerPaths)
        _ = try save(fixture, ["example.com/test:1"])
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.whole])
    }

    @Test("the outline of a stream and its files give every byte again, whatever stands in it")
    func outlines() throws {
        let fixture = try StoreFixture()
        for seed in 1...40 {
            var random = SplitMix(UInt64(seed))
            let layer = TestLayer { builder in
                for n in 0..<Int(random.next() % 60) {
                    let size = Int(random.next() % 3 == 0 ? random.next() % 200_000 : random.next() % 1500)
                    builder.add(
                        "f\(n)", content: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* (n + 3)) },
                        mode: Int(random.next() % 0o777), modified: Int(random.next() % 2_000_000_000))
                }
                builder.raw([UInt8](repeating: 0, count: Int(random.next() % 5) * 512))
            }
            try fixture.load(ArchiveBuilder.oci([TestImage("example.com/t\(seed):1", [layer])]))
            let name = "sha256-" + sha256(layer.content)
            var bytes: [UInt8] = []
            let collected = Collected()
            try LayerReplay(folder: fixture.store.layerPath(name), outline: fixture.store.outlinePath(name)).run(
                try #require(ImageDigest(.sha256, hex: sha256(layer.content)))
            ) { collected.bytes.append(contentsOf: $0) }
            bytes = collected.bytes
            #expect(bytes == layer.content, "seed \(seed)")
        }
    }

    @Test("a damaged outline is refused, wherever it is damaged, and the layer is repaired by loading it again")
    func damagedOutline() throws {
        let fixture = try StoreFixture()
        let archive = ArchiveBuilder.oci([TestImage("example.com/test:1", [Self.hard[0]])])
        try fixture.load(archive)
        let path = fixture.store.outlinePath(try #require(Files.list(fixture.store.outlinesFolder).first))
        let whole = try Files.read(path)
        // The fifth byte has a bit that zstd passes over.
        for at in stride(from: 0, to: whole.count, by: max(1, whole.count / 60)) where at != 4 {
            var bytes = whole
            bytes[at] ^= 0x10
            try Files.replace(path, with: bytes, durable: false)
            #expect(throws: ImageError.self, "byte \(at)") { try save(fixture, ["example.com/test:1"]) }
        }
        for length in [1, whole.count / 2, whole.count - 1] {
            try Files.replace(path, with: whole[..<length], durable: false)
            #expect(throws: ImageError.self, "\(length) bytes") { try save(fixture, ["example.com/test:1"]) }
        }
        #expect(try fixture.store.verify([], contents: false).map(\.state) == [.broken])
        try fixture.load(archive)
        #expect(try fixture.store.verify([], contents: true).map(\.state) == [.whole])
        #expect(try Files.read(path) == whole)
    }

    private final class Collected {
        var bytes: [UInt8] = []
    }
}
