import Testing

@testable import Digest

@Suite("SHA sums of streams")
struct StreamHasherTests {
    @Test("the sums of the standard's examples")
    func examples() throws {
        #expect(
            try StreamHasher.hex(.sha256, Array("abc".utf8))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            try StreamHasher.hex(.sha256, []) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            try StreamHasher.hex(.sha512, Array("abc".utf8)).hasPrefix(
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2"))
        #expect(try StreamHasher.hex(.sha1, Array("abc".utf8)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(try StreamHasher.bytes(.sha1, Array("abc".utf8)).prefix(3) == [0xA9, 0x99, 0x3E])
    }

    @Test("the pieces in which bytes come do not matter")
    func pieces() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var hasher = try StreamHasher(.sha256)
        var i = 0
        while i < bytes.count {
            let end = min(bytes.count, i + 1 + i % 777)
            bytes[i..<end].withUnsafeBytes { hasher.update($0) }
            i = end
        }
        #expect(try hasher.finish() == StreamHasher.hex(.sha256, bytes))
    }
}
