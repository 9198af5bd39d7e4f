import Testing

@testable import Images

/// A stream that gives its bytes in small pieces.
private final class MemorySource: TarSource {
    let bytes: UnsafeMutableRawBufferPointer
    var position = 0
    let step: Int

    init(_ content: [UInt8], step: Int = 100) {
        bytes = .allocate(byteCount: content.count, alignment: 1)
        bytes.copyBytes(from: content)
        self.step = step
    }

    deinit { bytes.deallocate() }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        let end = min(bytes.count, position + min(max, step))
        defer { position = end }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }
}

@Suite("Tar streams")
struct TarReaderTests {
    private func read(_ bytes: [UInt8], step: Int = 100) throws -> [(entry: TarEntry, content: [UInt8])] {
        var reader = TarReader(MemorySource(bytes, step: step)) { () throws(ImageError) in }
        var found: [(entry: TarEntry, content: [UInt8])] = []
        while let entry = try reader.next() {
            var content: [UInt8] = []
            // Every other content is left unread, to be passed over.
            while found.count.isMultiple(of: 2) {
                let piece = try reader.content(64)
                if piece.isEmpty { break }
                content += piece
            }
            found.append((entry, content))
        }
        try reader.drain()
        return found
    }

    @Test("entries of every kind come out, however the stream is cut", arguments: [1, 511, 512, 100_000])
    func kinds(_ step: Int) throws {
        let bytes = tar {
            $0.add("file", content: [1, 2, 3], mode: 0o6755, uid: 5, gid: 6, modified: 7)
            $0.add("skipped", content: [UInt8](repeating: 9, count: 1000))
            $0.directory("dir/")
            $0.add("soft", type: "2", link: "file", size: 99)
            $0.add("hard", type: "1", link: "file")
            $0.add("pipe", type: "6")
            $0.add("device", type: "4", device: (8, 1))
            $0.add("v7/", type: "\u{0}")
            $0.add("contiguous", type: "7", content: [4])
        }
        let entries = try read(bytes, step: step)
        #expect(
            entries.map { String(decoding: $0.entry.path, as: UTF8.self) } == [
                "file", "skipped", "dir/", "soft", "hard", "pipe", "device", "v7/", "contiguous",
            ])
        #expect(entries[0].content == [1, 2, 3])
        #expect(entries[0].entry.mode == 0o6755 && entries[0].entry.uid == 5 && entries[0].entry.gid == 6)
        #expect(entries[0].entry.modified.seconds == 7)
        #expect(entries[3].entry.link == Array("file".utf8) && entries[3].entry.storedSize == 0)
        #expect(entries[6].entry.kind == .blockDevice && entries[6].entry.device == (8, 1))
        #expect(entries[7].entry.kind == .directory)
        #expect(entries[8].content == [4])
    }

    @Test("long names of GNU and PAX, prefixes of ustar")
    func names() throws {
        let long = String(repeating: "long/", count: 60) + "name"
        var builder = TarBuilder()
        builder.add("././@LongLink", type: "L", content: Array(long.utf8) + [0])
        builder.add("././@LongLink", type: "K", content: Array(long.utf8) + [0])
        builder.add("short", type: "2", link: "short")
        builder.add("x", pax: [("path", "other"), ("path", long), ("mtime", "-1.25"), ("uid", "70000000")])
        var block = tar { $0.file("name", "") }
        for (i, byte) in "pre/fix".utf8.enumerated() { block[345 + i] = byte }
        var header = Array(block[..<512])
        TarBuilder.checksum(&header)
        builder.raw(header)
        builder.finish()
        let entries = try read(builder.bytes)
        #expect(entries.map { String(decoding: $0.entry.path, as: UTF8.self) } == [long, long, "pre/fix/name"])
        #expect(entries[0].entry.link == Array(long.utf8))
        #expect(entries[1].entry.modified == (-2, 750_000_000))
        #expect(entries[1].entry.uid == 70_000_000)
    }

    @Test("numbers in base 256, also negative ones")
    func base256() throws {
        let entries = try read(tar { $0.add("a", uid: 3_000_000_000, modified: -86400) })
        #expect(entries[0].entry.uid == 3_000_000_000)
        #expect(entries[0].entry.modified.seconds == -86400)
    }

    @Test("an archive may end with its mark, half of it, or just so")
    func ends() throws {
        for blocks in 0..<4 {
            var builder = TarBuilder()
            builder.file("a", "1")
            builder.finish(blocks: blocks)
            #expect(try read(builder.bytes).count == 1)
        }
        #expect(try read([]).isEmpty)
    }

    @Test("sparse files of all four forms")
    func sparse() throws {
        let map: [TarEntry.Extent] = [.init(offset: 1, length: 2), .init(offset: 10, length: 1)]
        let content: [UInt8] = [7, 8, 9]
        var mapBlock = Array("2\n1\n2\n10\n1\n".utf8)
        mapBlock += [UInt8](repeating: 0, count: 512 - mapBlock.count)
        var old = Array(tar { $0.add("old", type: "S", content: content) }[..<1024])
        for (at, text) in [(386, "1"), (398, "2"), (410, "12"), (422, "1"), (483, "24")] {
            for (i, byte) in (text + " ").utf8.enumerated() { old[at + i] = byte }
        }
        var header = Array(old[..<512])
        TarBuilder.checksum(&header)
        var builder = TarBuilder()
        builder.raw(header + old[512...])
        builder.add(
            "a", content: content,
            pax: [
                ("GNU.sparse.size", "20"), ("GNU.sparse.offset", "1"), ("GNU.sparse.numbytes", "2"),
                ("GNU.sparse.offset", "10"), ("GNU.sparse.numbytes", "1"),
            ])
        builder.add("b", content: content, pax: [("GNU.sparse.size", "20"), ("GNU.sparse.map", "1,2,10,1")])
        builder.add(
            "GNUSparseFile.0/c", content: mapBlock + content,
            pax: [
                ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "c"),
                ("GNU.sparse.realsize", "20"),
            ])
        builder.file("after", "x")
        builder.finish()
        let entries = try read(builder.bytes)
        #expect(entries.map { String(decoding: $0.entry.path, as: UTF8.self) } == ["old", "a", "b", "c", "after"])
        // The old form has no offsets above; 12 octal is 10.
        for entry in entries.prefix(3) { #expect(entry.entry.extents == map && entry.entry.size == 20) }
        #expect(entries[3].entry.extents == map && entries[3].entry.size == 20)
        #expect(entries[0].content == content && entries[2].content == content)
    }
}
