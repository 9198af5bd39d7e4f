import CCrypto

/// The library refused to compute (it has no memory left, or its configuration forbids the algorithm).
public struct DigestError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}

/// SHA-256 or SHA-512 of bytes that come in pieces.
public struct StreamHasher: ~Copyable {
    public enum Algorithm: Sendable {
        case sha256
        case sha512
    }

    private let context: OpaquePointer
    private var failed: Bool

    public init(_ algorithm: Algorithm) throws(DigestError) {
        guard let context = EVP_MD_CTX_new() else { throw DigestError(description: "no memory for a digest") }
        let function = algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
        if EVP_DigestInit_ex(context, function, nil) != 1 {
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

    /// The sum in lower-case hexadecimal.
    public consuming func finish() throws(DigestError) -> String {
        var sum = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        if failed || EVP_DigestFinal_ex(context, &sum, &count) != 1 {
            throw DigestError(description: "libcrypto failed to compute a digest")
        }
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(Int(count) * 2)
        for byte in sum.prefix(Int(count)) {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        return String(decoding: hex, as: UTF8.self)
    }

    /// The sum of `bytes` at once.
    public static func hex(_ algorithm: Algorithm, _ bytes: [UInt8]) throws(DigestError) -> String {
        var hasher = try StreamHasher(algorithm)
        bytes.withUnsafeBytes { hasher.update($0) }
        return try hasher.finish()
    }
}
