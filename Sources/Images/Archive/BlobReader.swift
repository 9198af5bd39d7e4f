import Compression
import Digest
import OCI

/// Reads a blob once from front to back: summed as it is stored, decompressed, counted, and summed again.
final class BlobReader {
    private let range: ByteRange
    private let budget: ImportBudget
    /// How it is compressed.
    let compression: CompressionFormat
    private var decompressor: Decompressor
    private let input: UnsafeMutableRawBufferPointer
    private var position: Int64 = 0
    /// What was read into `input` and not decompressed yet.
    private var pending = UnsafeRawBufferPointer(start: nil, count: 0)
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
        let first: Int
        do throws(ImageError) {
            first = try range.read(at: 0, into: input)
            let format = CompressionFormat.sniff(UnsafeRawBufferPointer(rebasing: input[..<first]))
            compression = format
            decompressor = try Self.translating { () throws(CompressionError) in try Decompressor(format) }
            // An uncompressed blob is its own content: one sum does for both.
            let once = format == .plain && blobAlgorithm == contentAlgorithm
            blobHasher = try Self.hasher(once ? nil : blobAlgorithm)
            contentHasher = try Self.hasher(contentAlgorithm)
        } catch {
            input.deallocate()
            throw error
        }
        pending = UnsafeRawBufferPointer(rebasing: input[..<first])
        position = Int64(first)
        blobHasher?.update(pending)
    }

    deinit { input.deallocate() }

    /// Puts the next bytes of the content into `output`.
    ///
    /// - Returns: how many they are, 0 at the end.
    func read(into output: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        while !atEnd {
            if compression == .plain { return try readPlain(into: output) }
            if pending.isEmpty, position < range.size { try readInput() }
            let (consumed, produced) = try Self.translating { () throws(CompressionError) in
                try decompressor.process(pending, into: output)
            }
            pending = UnsafeRawBufferPointer(rebasing: pending[consumed...])
            if produced > 0 { return try count(UnsafeRawBufferPointer(rebasing: output[..<produced])) }
            if consumed == 0, pending.isEmpty, position >= range.size {
                try Self.translating { () throws(CompressionError) in try decompressor.finish() }
                atEnd = true
            } else if consumed == 0, !pending.isEmpty {
                // Cannot go on with input and room at hand: never loop on it.
                throw ImageError(.corrupt, "the compressed stream does not continue")
            }
        }
        return 0
    }

    private func readInput() throws(ImageError) {
        let n = try range.read(at: position, into: input)
        position += Int64(n)
        pending = UnsafeRawBufferPointer(rebasing: input[..<n])
        blobHasher?.update(pending)
    }

    private func readPlain(into output: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        var n = min(pending.count, output.count)
        if n > 0 {
            // Only what was read to tell the compression.
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: pending[..<n]))
            pending = UnsafeRawBufferPointer(rebasing: pending[n...])
        } else {
            n = try range.read(at: position, into: output)
            position += Int64(n)
            blobHasher?.update(UnsafeRawBufferPointer(rebasing: output[..<n]))
        }
        if n == 0 { atEnd = true }
        return try count(UnsafeRawBufferPointer(rebasing: output[..<n]))
    }

    private func count(_ bytes: UnsafeRawBufferPointer) throws(ImageError) -> Int {
        expanded += Int64(bytes.count)
        try budget.spend(bytes: Int64(bytes.count))
        let limits = budget.limits
        if expanded > limits.ratioBase, expanded / limits.ratio > position {
            throw ImageError(.tooLarge, "a stream expands to more than \(limits.ratio) times its size")
        }
        contentHasher?.update(bytes)
        return bytes.count
    }

    /// The sums, after everything was read. For an uncompressed blob both are the same.
    func digests() throws(ImageError) -> (blob: String?, content: String?) {
        precondition(atEnd, "the digests of a stream are asked for before its end")
        let content = try Self.finish(&contentHasher)
        let blob = try Self.finish(&blobHasher)
        return (blob ?? (compression == .plain ? content : nil), content)
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
