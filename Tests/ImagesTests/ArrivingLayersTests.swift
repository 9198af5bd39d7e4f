import Base
import CLinux
import JSON
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("Layers that come", .enabled(if: isRoot, "needs root"))
struct ArrivingLayersTests {
    private static let big = [UInt8](repeating: 7, count: 3 << 20)
    private let layer = TestLayer {
        $0.add("first", content: big)
        $0.file("second", "2")
    }
    private let small = TestLayer { $0.file("third", "3") }

    /// A pull whose documents are there and whose layers are not.
    private final class Pull {
        let fixture: StoreFixture
        let session: PullSession
        let image: TestImage

        init(_ layers: [TestLayer]) throws {
            fixture = try StoreFixture()
            image = TestImage(nil, layers)
            session = try PullSession(fixture.store)
            try Files.makeDirectories(session.folder + "/blobs/sha256")
            try write(image.manifest)
            try write(image.config)
            let index: JSONValue = ["schemaVersion": 2, "manifests": .array([ArchiveBuilder.entry(image)])]
            try Files.replace(session.folder + "/index.json", with: JSONWriter().bytes(index), durable: false)
            try Files.replace(
                session.folder + "/oci-layout", with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), durable: false)
            let blobs = try layers.map {
                try ImageDescriptor(TestImage.descriptor($0.mediaType, $0.blob))
            }
            #expect(try session.missingLayers(config: image.config, blobs: blobs) == layers.map { _ in true })
        }

        private func write(_ bytes: [UInt8]) throws {
            try Files.replace(session.folder + "/blobs/sha256/" + sha256(bytes), with: bytes, durable: false)
        }

        /// The first bytes of a layer's file are these.
        func bring(_ bytes: [UInt8], of layer: TestLayer) throws {
            let path = session.folder + "/blobs/sha256/" + sha256(layer.blob)
            let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600)
            try file.writeAll(bytes, name: path)
            session.arrivals.arrived(digest(layer), Int64(bytes.count))
        }

        func bringAll(of layer: TestLayer) throws {
            try bring(layer.blob, of: layer)
            session.arrivals.complete(digest(layer))
        }

        /// It comes from elsewhere, from its first byte.
        func beginAnew(_ layer: TestLayer) throws {
            let path = session.folder + "/blobs/sha256/" + sha256(layer.blob)
            #expect(truncate(path, 0) == 0)
            session.arrivals.arrived(digest(layer), 0)
        }

        private func digest(_ layer: TestLayer) -> ImageDigest {
            ImageDigest("sha256:" + sha256(layer.blob)) ?? ImageDigest(.sha256, hex: String(repeating: "0", count: 64))!
        }

        func commit() throws -> StoredImage {
            defer { session.end() }
            return try session.commit(try ImageReference(parsing: "example.com/app:1"), digests: [])
        }

        /// Waits for an entry of the only layer that comes.
        func unpacked(_ name: String, size: Int) -> Bool {
            let ingest = fixture.store.root + "/ingest"
            for _ in 0..<10_000 {
                for session in (try? Files.list(ingest)) ?? [] {
                    if status("\(ingest)/\(session)/arriving-0/\(name)").map({ $0.st_size == size }) == true {
                        return true
                    }
                }
                _ = poll(nil, 0, 1)
            }
            return false
        }

        func hasEntry(_ name: String) throws -> Bool {
            let ingest = fixture.store.root + "/ingest"
            return try Files.list(ingest).contains { status("\(ingest)/\($0)/arriving-0/\(name)") != nil }
        }
    }

    @Test("are unpacked while they come")
    func whileTheyCome() throws {
        let pull = try Pull([layer, small])
        try pull.bring(Array(layer.blob.prefix(2 << 20)), of: layer)
        try pull.bringAll(of: small)
        try pull.bring(Array(layer.blob.prefix((3 << 20) + 512)), of: layer)
        #expect(pull.unpacked("first", size: 3 << 20), "the file that is there is unpacked before the next one comes")
        #expect(try !pull.hasEntry("second"))
        try pull.bringAll(of: layer)
        let image = try pull.commit()
        #expect(try Files.readText(image.layerPaths[1] + "/second") == "2")
        #expect(try Files.read(image.layerPaths[1] + "/first") == Self.big)
        #expect(try Files.readText(image.layerPaths[0] + "/third") == "3")
        #expect(try Files.list(pull.fixture.store.root + "/ingest") == [])
    }

    @Test("that begin anew elsewhere leave nothing of what came first")
    func anew() throws {
        let pull = try Pull([layer])
        let other = TestLayer { $0.add("wrong", content: Self.big) }
        try pull.bring(Array(other.blob.prefix((3 << 20) + 512)), of: layer)
        #expect(pull.unpacked("wrong", size: 3 << 20))
        try pull.beginAnew(layer)
        try pull.bringAll(of: layer)
        let image = try pull.commit()
        #expect(try Files.list(image.layerPaths[0]).sorted() == ["first", "second"])
    }

    @Test("and are no tar at first, are judged by what came in the end")
    func garbage() throws {
        let pull = try Pull([layer])
        try pull.bring([UInt8](repeating: 0x41, count: 1 << 20), of: layer)
        try pull.beginAnew(layer)
        try pull.bringAll(of: layer)
        #expect(try Files.list(try pull.commit().layerPaths[0]).sorted() == ["first", "second"])
    }

    @Test("and then come no more leave the store as it was")
    func given() throws {
        let pull = try Pull([layer])
        try pull.bring(Array(layer.blob.prefix((3 << 20) + 512)), of: layer)
        #expect(pull.unpacked("first", size: 3 << 20))
        pull.session.end()
        #expect(try Files.list(pull.fixture.store.root + "/ingest") == [])
        #expect(try Files.list(pull.fixture.store.root + "/layers") == [])
        #expect(try pull.fixture.store.list().isEmpty)
    }
}
