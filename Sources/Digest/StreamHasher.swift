import CCrypto

/// The library refused to compute (it has no memory left, or its configuration forbids the algorithm).
public struct DigestError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

/// A SHA sum of bytes that come in pieces.
public struct StreamHasher: ~Copyable {
    public enum Algorithm: Sendable {
        /// Proves nothing any more; WebSocket's handshake is made with it.
        case sha1
        case sha256
        case sha512

        fileprivate var function: OpaquePointer? {
            switch self {
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        }
    }

    private let context: OpaquePointer
    private var failed: Bool

    public init(_ algorithm: Algorithm) throws(DigestError) {
        guard let context = EVP_MD_CTX_new() else { throw DigestError(description: "no memory for a digest") }
        if EVP_DigestInit_ex(context, algorithm.function, nil) != 1 {
            EVP_MD_CTX_free(context)
            throw DigestError(description: "libcrypto offers no \(algorithm)")
        }
        self.context = context
        failed = false
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        if EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) != 1 { failed = true }
    }

    /// The sum itself.
    public consuming func bytes() throws(DigestError) -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        if failed || EVP_DigestFinal_ex(context, &sum, &count) != 1 {
            throw DigestError(description: "libcrypto failed to compute a digest")
        }
        return Array(sum.prefix(Int(count)))
    }

    /// The sum in lower-case hexadecimal.
    public consuming func finish() throws(DigestError) -> String {
        let sum = try bytes()
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(sum.count * 2)
        for byte in sum {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        return String(decoding: hex, as: UTF8.self)
    }

    /// The sum of `bytes` at once.
    public static func bytes(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(DigestError) -> [UInt8] {
        var hasher = try StreamHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        return try hasher.bytes()
    }

    /// The sum of `bytes` at once, in lower-case hexadecimal.
    public static func hex(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(DigestError) -> String {
        var hasher = try StreamHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        return try hasher.finish()
    }
}
