import Compression
import Digest
import OCI

/// A blob read once from front to back: hashed as stored, decompressed, hashed again, counted, and given out in pieces.
final class BlobStream: TarSource {
    private let range: ByteRange
    private let budget: ImportBudget
    private let format: CompressionFormat
    private var decompressor: Decompressor
    private let input: UnsafeMutableRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    private var position: Int64 = 0
    private var pending = UnsafeRawBufferPointer(start: nil, count: 0)
    private var ready = UnsafeRawBufferPointer(start: nil, count: 0)
    private var expanded: Int64 = 0
    private var atEnd = false

    private var blobHasher: StreamHasher?
    private var contentHasher: StreamHasher?

    /// - Parameters:
    ///   - blobAlgorithm: how the stored bytes are summed; nil when nobody asks.
    ///   - contentAlgorithm: how the decompressed bytes are summed; nil when nobody asks.
    init(
        _ range: ByteRange, blobAlgorithm: ImageDigest.Algorithm?, contentAlgorithm: ImageDigest.Algorithm?,
        budget: ImportBudget
    ) throws(ImageError) {
        self.range = range
        self.budget = budget
        input = .allocate(byteCount: 256 << 10, alignment: 64)
        output = .allocate(byteCount: 512 << 10, alignment: 64)
        let first: Int
        do throws(ImageError) {
            first = try range.read(at: 0, into: input)
            let format = CompressionFormat.sniff(UnsafeRawBufferPointer(rebasing: input[..<first]))
            self.format = format
            decompressor = try Self.translating { () throws(CompressionError) in try Decompressor(format) }
            // An uncompressed blob is its own content: one sum does for both.
            let once = format == .plain && blobAlgorithm == contentAlgorithm
            blobHasher = try Self.hasher(once ? nil : blobAlgorithm)
            contentHasher = try Self.hasher(contentAlgorithm)
        } catch {
            input.deallocate()
            output.deallocate()
            throw error
        }
        pending = UnsafeRawBufferPointer(rebasing: input[..<first])
        position = Int64(first)
        blobHasher?.update(pending)
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    /// How it is compressed.
    var compression: CompressionFormat { format }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        if ready.isEmpty { try refill() }
        let count = min(max, ready.count)
        let piece = UnsafeRawBufferPointer(rebasing: ready[..<count])
        ready = UnsafeRawBufferPointer(rebasing: ready[count...])
        return piece
    }

    /// The sums, after the stream was read to its end. For an uncompressed blob both are the same.
    func digests() throws(ImageError) -> (blob: String?, content: String?) {
        precondition(atEnd && ready.isEmpty, "the digests of a stream are asked for before its end")
        let content = try Self.finish(&contentHasher)
        let blob = try Self.finish(&blobHasher)
        return (blob ?? (format == .plain ? content : nil), content)
    }

    private func refill() throws(ImageError) {
        while !atEnd {
            if pending.isEmpty, position < range.size {
                let n = try range.read(at: position, into: input)
                position += Int64(n)
                pending = UnsafeRawBufferPointer(rebasing: input[..<n])
                blobHasher?.update(pending)
            }
            if format == .plain {
                // No copy: the input is the output.
                if pending.isEmpty { atEnd = true } else { try give(pending) }
                pending = UnsafeRawBufferPointer(start: nil, count: 0)
                return
            }
            let (consumed, produced) = try Self.translating { () throws(CompressionError) in
                try decompressor.process(pending, into: output)
            }
            pending = UnsafeRawBufferPointer(rebasing: pending[consumed...])
            if produced > 0 { return try give(UnsafeRawBufferPointer(rebasing: output[..<produced])) }
            if consumed == 0, pending.isEmpty, position >= range.size {
                try Self.translating { () throws(CompressionError) in try decompressor.finish() }
                atEnd = true
            } else if consumed == 0, !pending.isEmpty {
                // Cannot go on with input and room at hand: never loop on it.
                throw ImageError(.corrupt, "the compressed stream does not continue")
            }
        }
    }

    private func give(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        expanded += Int64(bytes.count)
        try budget.spend(bytes: Int64(bytes.count))
        let limits = budget.limits
        if expanded > limits.ratioBase, expanded / limits.ratio > position {
            throw ImageError(.tooLarge, "a stream expands to more than \(limits.ratio) times its size")
        }
        contentHasher?.update(bytes)
        ready = bytes
    }

    private static func hasher(_ algorithm: ImageDigest.Algorithm?) throws(ImageError) -> StreamHasher? {
        guard let algorithm else { return nil }
        do {
            return try StreamHasher(StreamHasher.Algorithm(algorithm))
        } catch {
            throw ImageError(.storage, "\(error)")
        }
    }

    private static func finish(_ hasher: inout StreamHasher?) throws(ImageError) -> String? {
        guard let hasher = hasher.take() else { return nil }
        do {
            return try hasher.finish()
        } catch {
            throw ImageError(.storage, "\(error)")
        }
    }

    private static func translating<R: ~Copyable>(_ body: () throws(CompressionError) -> R) throws(ImageError) -> R {
        do {
            return try body()
        } catch {
            switch error {
            case .truncated: throw ImageError(.truncated, "\(error)")
            case .corrupt: throw ImageError(.corrupt, "\(error)")
            case .unsupported: throw ImageError(.unsupported, "\(error)")
            case .outOfMemory: throw ImageError(.storage, "\(error)")
            }
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
