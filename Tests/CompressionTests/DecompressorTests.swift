import Testing

@testable import Compression

@Suite("Decompressing streams")
struct DecompressorTests {
    /// `printf hello | gzip -n` and `printf hello | zstd`.
    private static let gzipped: [UInt8] = [
        0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 7, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0, 0,
    ]
    private static let zstandard: [UInt8] = [
        0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58, 0x29, 0, 0, 0x68, 0x65, 0x6C, 0x6C, 0x6F, 0xA3, 0x6D, 0x9F, 0x88,
    ]

    /// `printf hello | xz --check=crc32`.
    private static let xz: [UInt8] = [
        0xFD, 0x37, 0x7A, 0x58, 0x5A, 0, 0, 1, 0x69, 0x22, 0xDE, 0x36, 2, 0, 0x21, 1, 0x16, 0, 0, 0, 0x74, 0x2F, 0xE5,
        0xA3, 1, 0, 4, 0x68, 0x65, 0x6C, 0x6C, 0x6F, 0, 0, 0, 0, 0x86, 0xA6, 0x10, 0x36, 0, 1, 0x19, 5, 0xBC, 0xE8,
        0xEC, 0xCB, 0x90, 0x42, 0x99, 0x0D, 1, 0, 0, 0, 0, 1, 0x59, 0x5A,
    ]

    /// gzip with every optional field of the header and its checksum.
    private static let headed: [UInt8] = [
        0x1F, 0x8B, 8, 0x1E, 0, 0, 0, 0, 0, 3, 7, 0, 0x65, 0x78, 0x74, 0x72, 0x61, 0x21, 0x21, 0x6E, 0x61, 0x6D, 0x65,
        0x2E, 0x74, 0x61, 0x72, 0, 0x61, 0x20, 0x63, 0x6F, 0x6D, 0x6D, 0x65, 0x6E, 0x74, 0, 0xCF, 0x4D, 0xCB, 0x48,
        0xCD, 0xC9, 0xC9, 0x57, 0x28, 0xCF, 0x2F, 0xCA, 0x49, 0xD1, 0x51, 0xC8, 0x40, 0x70, 0, 0x51, 0x32, 0xAD, 0xB3,
        0x18, 0, 0, 0,
    ]

    /// Decompresses with `step` bytes of input and `room` bytes of output at a time.
    private func run(_ bytes: [UInt8], step: Int, room: Int) throws -> [UInt8] {
        var decompressor = try Decompressor(CompressionFormat.sniff(bytes))
        var output = [UInt8](repeating: 0, count: room)
        var result: [UInt8] = []
        var i = 0
        var turns = 0
        while true {
            turns += 1
            try #require(turns < 100_000, "does not come to an end")
            let end = min(bytes.count, i + step)
            let (consumed, produced) = try bytes[i..<end].withUnsafeBytes { input in
                try output.withUnsafeMutableBytes { try decompressor.process(input, into: $0) }
            }
            i += consumed
            result += output[..<produced]
            if consumed == 0, produced == 0, i == bytes.count { break }
        }
        try decompressor.finish()
        return result
    }

    @Test("streams come out the same however they are cut", arguments: [1, 2, 7, 4096], [1, 3, 4096])
    func cuts(_ step: Int, _ room: Int) throws {
        let hello = Array("hello".utf8)
        #expect(try run(Self.gzipped, step: step, room: room) == hello)
        #expect(try run(Self.gzipped + Self.gzipped + [0, 0, 0], step: step, room: room) == hello + hello)
        #expect(try run(Self.zstandard, step: step, room: room) == hello)
        let skippable: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, 9, 9]
        #expect(
            try run(skippable + Self.zstandard + skippable + Self.zstandard, step: step, room: room) == hello + hello)
        #expect(try run(Self.xz, step: step, room: room) == hello)
        #expect(try run(Self.xz + [0, 0, 0, 0] + Self.xz, step: step, room: room) == hello + hello)
        #expect(try run(hello, step: step, room: room) == hello)
    }

    @Test("the checksum of a gzip header holds however the header is cut", arguments: [1, 2, 7, 38, 39, 40, 41, 4096])
    func headers(_ step: Int) throws {
        let text = Array("hello world, hello world".utf8)
        #expect(try run(Self.headed, step: step, room: 5) == text)
        #expect(try run(Self.headed + Self.headed, step: step, room: 5) == text + text)
        for i in 0..<40 where i != 3 {
            var bytes = Self.headed
            bytes[i] ^= 0x40
            if i < 2 { bytes = Self.gzipped + bytes }
            #expect(throws: CompressionError.self, "byte \(i)") { try run(bytes, step: step, room: 5) }
        }
        let endless = Self.headed[..<28] + [UInt8](repeating: 0x61, count: GzipHeader.longest)
        #expect(throws: CompressionError.corrupt("a gzip header of more than 262144 bytes")) {
            try run(Array(endless), step: 4096, room: 5)
        }
    }

    @Test("a stream cut short anywhere is not taken for whole")
    func truncated() throws {
        for count in 6..<Self.gzipped.count {
            #expect(throws: CompressionError.truncated) { try run(Array(Self.gzipped[..<count]), step: 5, room: 64) }
        }
        for count in 6..<Self.zstandard.count {
            #expect(throws: CompressionError.truncated) { try run(Array(Self.zstandard[..<count]), step: 5, room: 64) }
        }
        for count in 6..<Self.xz.count {
            #expect(throws: CompressionError.truncated) { try run(Array(Self.xz[..<count]), step: 5, room: 64) }
        }
    }

    @Test("damage and junk are errors")
    func damaged() throws {
        for i in 12..<Self.gzipped.count {
            var bytes = Self.gzipped
            bytes[i] ^= 0x55
            #expect(throws: CompressionError.self) { try run(bytes, step: 100, room: 64) }
        }
        for i in 6..<Self.xz.count {
            var bytes = Self.xz
            bytes[i] ^= 0x55
            #expect(throws: CompressionError.self, "byte \(i)") { try run(bytes, step: 100, room: 64) }
        }
        #expect(throws: CompressionError.self) { try run(Self.xz + [1, 2, 3, 4], step: 100, room: 64) }
        #expect(throws: CompressionError.self) { try run(Self.xz + [0], step: 100, room: 64) }
        #expect(throws: CompressionError.self) { try run(Self.gzipped + [1], step: 100, room: 64) }
        for step in [1, 5, 100] {
            // After a skippable frame one of zstd 0.6, which the library would read.
            let old: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0, 0x26, 0xB5, 0x2F, 0xFD, 0xE8, 8, 8]
            for bytes in [old, Self.zstandard + [1, 2, 3, 4]] {
                #expect(throws: CompressionError.corrupt("bytes that are no zstd frame")) {
                    try run(bytes, step: step, room: 64)
                }
            }
            #expect(throws: CompressionError.truncated) { try run(Self.zstandard + [0x28], step: step, room: 64) }
        }
        #expect(throws: CompressionError.self) { try run(Self.gzipped + [0, 0x1F], step: 100, room: 64) }
        #expect(throws: CompressionError.self) { try run(Self.zstandard + [1, 2, 3, 4], step: 100, room: 64) }
    }

    @Test("what cannot be read is known by its name")
    func unsupported() {
        #expect(throws: CompressionError.unsupported(.bzip2)) { _ = try Decompressor(.bzip2) }
        #expect(CompressionFormat.sniff(Array("BZh91AY".utf8)) == .bzip2)
        #expect(CompressionFormat.sniff([]) == .plain)
    }
}
