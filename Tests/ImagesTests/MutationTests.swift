import Base
import CLinux
import JSON
import TestSupport
import Testing

@testable import Images

@Suite("Damaged archives", .enabled(if: isRoot, "needs root"))
struct MutationTests {
    private static let layer = tar {
        $0.directory("./")
        $0.directory("dir/", mode: 0o1777)
        $0.add("dir/file", content: Array("content".utf8), xattrs: [("user.a", [1]), ("trusted.b", [2])])
        $0.add("link", type: "2", link: "dir")
        $0.add("hard", type: "1", link: "dir/file")
        $0.add(".wh.gone")
        $0.add("opaque/.wh..wh..opq")
        $0.file(String(repeating: "long/", count: 30) + "x", "y")
        $0.add("pipe", type: "6")
        $0.add("sparse", content: [1, 2], pax: [("GNU.sparse.size", "5000"), ("GNU.sparse.map", "0,1,4999,1")])
        $0.file("dir", "replaces the folder")
    }

    private static func mutate(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...600, using: &random)))
            case 1: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 512)], at: at)
            case 2:
                // Another header's words in the place of this one's.
                let from = at / 512 * 512
                let to = Int.random(in: 0..<bytes.count, using: &random) / 512 * 512
                if from + 512 <= bytes.count, to + 512 <= bytes.count {
                    bytes.replaceSubrange(to..<to + 512, with: bytes[from..<from + 512])
                }
            case 3: bytes[at] = 0xFF
            case 4: bytes[at] = UInt8(ascii: "0") &+ UInt8.random(in: 0..<10, using: &random)
            default: bytes[at] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    /// Puts right checksums into what may be headers, so that damage gets past them.
    private static func repaired(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for start in stride(from: 0, through: bytes.count - 512, by: 512) {
            guard bytes[start + 257..<start + 262].elementsEqual(Array("ustar".utf8)) else { continue }
            var block = Array(bytes[start..<start + 512])
            TarBuilder.checksum(&block)
            bytes.replaceSubrange(start..<start + 512, with: block)
        }
        return bytes
    }

    private func check(_ archive: [UInt8], _ fixture: StoreFixture, _ before: [String], _ seed: UInt64) throws {
        var limits = ImageLimits()
        limits.expandedBytes = 4 << 20
        do {
            let images = try fixture.load(archive, limits: limits)
            for image in images { try fixture.store.remove(image.id, layersInUse: []) }
        } catch let error as ImageError {
            #expect(error.reason != .storage, "seed \(seed): \(error)")
        }
        #expect(try fixture.snapshot().filter { !$0.hasPrefix("index.json") } == before, "seed \(seed)")
    }

    @Test("layers damaged in any way are unpacked or refused, and nothing stays behind", arguments: 0..<8)
    func layers(_ part: Int) throws {
        let fixture = try StoreFixture()
        try fixture.load(ArchiveBuilder.oci([TestImage("a:1", [TestLayer(Self.layer)])]))
        try fixture.store.remove("a:1", layersInUse: [])
        try fixture.folder.write("canary", "alive")
        let before = try fixture.snapshot().filter { !$0.hasPrefix("index.json") }
        for n in 0..<40 {
            let seed = UInt64(part * 1000 + n)
            var random = SplitMix(seed)
            var layer = Self.mutate(Self.layer, &random)
            if Bool.random(using: &random) { layer = Self.repaired(layer) }
            try check(ArchiveBuilder.oci([TestImage("a:1", [TestLayer(layer)])]), fixture, before, seed)
        }
        #expect(try Files.readText(fixture.folder.path + "/canary") == "alive")
    }

    @Test("archives damaged in any way are loaded or refused, and nothing stays behind", arguments: 0..<8)
    func archives(_ part: Int) throws {
        let fixture = try StoreFixture()
        let image = TestImage("a:1", [TestLayer(Self.layer)])
        let plain = part % 2 == 0 ? ArchiveBuilder.oci([image]) : ArchiveBuilder.docker([(image, tags: ["a:1"])])
        let whole = part < 4 ? plain : try gzip(plain)
        try fixture.load(whole)
        try fixture.store.remove("a:1", layersInUse: [])
        let before = try fixture.snapshot().filter { !$0.hasPrefix("index.json") }
        for n in 0..<40 {
            let seed = UInt64(100_000 + part * 1000 + n)
            var random = SplitMix(seed)
            var archive = Self.mutate(whole, &random)
            if part < 4 { archive = Self.repaired(archive) }
            try check(archive, fixture, before, seed)
        }
    }
}
