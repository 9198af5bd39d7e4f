import Base
import CLinux
import OCI
import TestSupport
import Testing

@testable import Images

@Suite("Streams of blobs")
struct BlobStreamTests {
    /// Bytes that differ everywhere, more than all buffers of a readahead hold.
    private static let content = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 9) }

    private func open(
        _ bytes: [UInt8], _ folder: TemporaryDirectory, readsAhead: Bool, limit: Int64 = 1 << 30
    ) throws -> BlobStream {
        let path = try folder.write("blob", bytes)
        let file = SharedDescriptor(try FileDescriptor.open(path, O_RDONLY))
        return try BlobStream(
            ByteRange(file: file, offset: 0, size: Int64(bytes.count)), blobAlgorithm: .sha256,
            contentAlgorithm: .sha256,
            budget: ImportBudget(ImageLimits(), freeBytes: limit), readsAhead: readsAhead)
    }

    private func read(_ stream: BlobStream) throws -> [UInt8] {
        var found: [UInt8] = []
        while true {
            let piece = try stream.next(100_000)
            if piece.isEmpty { return found }
            found += piece
        }
    }

    @Test(
        "content and both digests are the same, read ahead or not",
        arguments: ["plain", "gzip", "empty"], [false, true])
    func same(_ kind: String, readsAhead: Bool) throws {
        let folder = try TemporaryDirectory()
        let content = kind == "empty" ? [] : Self.content
        let blob = kind == "gzip" ? try gzip(content) : content
        let stream = try open(blob, folder, readsAhead: readsAhead)
        #expect(try read(stream) == content)
        #expect(try read(stream).isEmpty)
        let digests = try stream.digests()
        #expect(try digests.blob == ImageDigest.of(blob).hex)
        #expect(try digests.content == ImageDigest.of(content).hex)
    }

    @Test("what is damaged, cut or too big is refused after what came before it", arguments: [false, true])
    func refused(_ readsAhead: Bool) throws {
        let folder = try TemporaryDirectory()
        let whole = try gzip(Self.content)
        var damaged = whole
        damaged[whole.count - 5] ^= 1
        let cases: [(blob: [UInt8], limit: Int64, reason: ImageError.Reason)] = [
            (damaged, 1 << 30, .corrupt), (Array(whole.dropLast(1000)), 1 << 30, .truncated),
            (whole, 2 << 20, .tooLarge),
            (Array("BZh91AY".utf8), 1 << 30, .unsupported),
        ]
        for (blob, limit, reason) in cases {
            let error = try #require(
                throws: ImageError.self,
                performing: { _ = try read(try open(blob, folder, readsAhead: readsAhead, limit: limit)) })
            #expect(error.reason == reason)
        }
    }

    @Test("a stream that nobody reads to its end ends its thread")
    func abandoned() throws {
        let folder = try TemporaryDirectory()
        let blob = try gzip(Self.content)
        for pieces in 0..<8 {
            let stream = try open(blob, folder, readsAhead: true)
            for _ in 0..<pieces { _ = try stream.next(1 << 20) }
        }
    }
}
