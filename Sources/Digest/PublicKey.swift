import CCrypto

/// A public key that signatures are checked with: RSA, elliptic curves (ECDSA), Ed25519.
public struct PublicKey: ~Copyable {
    private let key: OpaquePointer

    /// Reads a key in PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// - Throws: `DigestError` when it is none.
    public init(pem: [UInt8]) throws(DigestError) {
        let key = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard bytes.count < 1 << 20, let source = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else {
                return nil
            }
            defer { BIO_free(source) }
            return PEM_read_bio_PUBKEY(source, nil, nil, nil)
        }
        ERR_clear_error()
        guard let key else { throw DigestError(description: "no public key in PEM") }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    /// Whether `signature` (DER for ECDSA, PKCS #1 v1.5 for RSA) was made of `bytes` with the private key, over their
    /// SHA-256 sum; Ed25519 signs the bytes themselves.
    public func verifies(_ signature: [UInt8], of bytes: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        let kind = EVP_PKEY_get_id(key)
        let signsBytes = kind == EVP_PKEY_ED25519 || kind == EVP_PKEY_ED448
        guard EVP_DigestVerifyInit(context, nil, signsBytes ? nil : EVP_sha256(), nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
    }
}
