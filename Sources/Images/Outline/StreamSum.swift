import Digest
import OCI

/// A running digest that closures can share.
final class StreamSum {
    private let algorithm: ImageDigest.Algorithm
    private var hasher: StreamHasher?

    init(_ algorithm: ImageDigest.Algorithm) throws(ImageError) {
        self.algorithm = algorithm
        do { hasher = try StreamHasher(StreamHasher.Algorithm(algorithm)) } catch {
            throw ImageError(.storage, "\(error)")
        }
    }

    func update(_ bytes: UnsafeRawBufferPointer) { hasher?.update(bytes) }

    /// The digest; once.
    func finish() throws(ImageError) -> ImageDigest {
        do {
            if let hasher = hasher.take(), let digest = ImageDigest(algorithm, hex: try hasher.finish()) {
                return digest
            }
        } catch {
            throw ImageError(.storage, "\(error)")
        }
        throw ImageError(.storage, "libcrypto gave a digest of a wrong length")
    }
}
