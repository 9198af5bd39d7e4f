import Base
import Compression
import Digest
import OCI

/// A blob that is read, verified and given out in pieces.
final class BlobStream: TarSource {
    private enum Source {
        case reader(BlobReader, UnsafeMutableRawBufferPointer)
        case readahead(BlobReadahead)
    }

    private let source: Source
    private var ready = UnsafeRawBufferPointer(start: nil, count: 0)

    /// The arguments of `BlobReader`, and whether another thread is to read ahead.
    init(
        _ range: ByteRange, blobAlgorithm: ImageDigest.Algorithm?, contentAlgorithm: ImageDigest.Algorithm?,
        budget: ImportBudget, readsAhead: Bool = false
    ) throws(ImageError) {
        if readsAhead {
            source = .readahead(
                try storage { () throws(SystemError) in
                    try BlobReadahead(
                        range, blobAlgorithm: blobAlgorithm, contentAlgorithm: contentAlgorithm, budget: budget)
                })
        } else {
            let reader = try BlobReader(
                range, blobAlgorithm: blobAlgorithm, contentAlgorithm: contentAlgorithm, budget: budget)
            source = .reader(reader, .allocate(byteCount: 256 << 10, alignment: 64))
        }
    }

    deinit {
        if case .reader(_, let buffer) = source { buffer.deallocate() }
    }

    /// How it is compressed; nil when another thread reads ahead.
    var compression: CompressionFormat? {
        if case .reader(let reader, _) = source { reader.compression } else { nil }
    }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        if ready.isEmpty {
            switch source {
            case .reader(let reader, let buffer):
                ready = UnsafeRawBufferPointer(rebasing: buffer[..<(try reader.read(into: buffer))])
            case .readahead(let readahead): ready = try readahead.read()
            }
        }
        let count = min(max, ready.count)
        let piece = UnsafeRawBufferPointer(rebasing: ready[..<count])
        ready = UnsafeRawBufferPointer(rebasing: ready[count...])
        return piece
    }

    /// The sums, after the stream was read to its end. For an uncompressed blob both are the same.
    func digests() throws(ImageError) -> (blob: String?, content: String?) {
        precondition(ready.isEmpty, "the digests of a stream are asked for before its end")
        switch source {
        case .reader(let reader, _): return try reader.digests()
        case .readahead(let readahead): return readahead.digests()
        }
    }
}
extension StreamHasher.Algorithm {
    init(_ algorithm: ImageDigest.Algorithm) {
        switch algorithm {
        case .sha256: self = .sha256
        case .sha512: self = .sha512
        }
    }
}

extension ImageDigest {
    /// The digest of `bytes`.
    static func of(_ bytes: [UInt8], _ algorithm: Algorithm = .sha256) throws(ImageError) -> ImageDigest {
        do {
            let hex = try StreamHasher.hex(StreamHasher.Algorithm(algorithm), bytes)
            if let digest = ImageDigest(algorithm, hex: hex) { return digest }
        } catch {
            throw ImageError(.storage, "\(error)")
        }
        throw ImageError(.storage, "libcrypto gave a digest of a wrong length")
    }
}
