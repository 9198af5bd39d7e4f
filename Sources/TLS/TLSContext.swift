import CSSL

/// Whom a client trusts, and what it shows of itself. Paths of PEM files.
public struct TLSFiles: Hashable, Sendable {
    /// The only authorities that are trusted; nil for those of the system.
    public var authorities: String?
    /// The client's certificate, with the chain above it.
    public var certificate: String?
    /// The key of `certificate`; without a password.
    public var key: String?

    public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    /// All that are set.
    public var paths: [String] { [authorities, certificate, key].compactMap { $0 } }
}

/// What connections to one server have in common. TLS 1.2 or newer; the server's certificate is verified unless it is said
/// that it is not to be.
// SSL_CTX counts its references atomically and locks what it changes; after `init` nothing is set in it any more.
public final class TLSContext: @unchecked Sendable {
    let library: UnsafePointer<swl_ssl>
    let context: OpaquePointer

    /// Reads the files, and loads libssl when it is the first. It blocks.
    ///
    /// - Parameter verifiesServer: false to speak with whoever answers, as for asking only whether somebody does.
    /// - Throws: `TLSError` with the file that cannot be used.
    public init(_ files: TLSFiles, verifiesServer: Bool = true) throws(TLSError) {
        var problem: UnsafePointer<CChar>?
        guard let library = swl_ssl_load(&problem) else {
            let why = problem.map { String(cString: $0) } ?? ""
            throw TLSError("https needs OpenSSL's libssl, which cannot be loaded: \(why)")
        }
        ERR_clear_error()
        let ssl = library.pointee
        guard let context = ssl.SSL_CTX_new(ssl.TLS_client_method()) else { throw .last("no TLS context") }
        self.library = library
        self.context = context
        _ = ssl.SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        // A connection that waits keeps no buffers.
        _ = ssl.SSL_CTX_ctrl(context, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
        // SSL_OP_NO_RENEGOTIATION, a macro of casts.
        _ = ssl.SSL_CTX_set_options(context, 1 << 30)
        ssl.SSL_CTX_set_verify(context, verifiesServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        // Without this an encrypted key makes OpenSSL ask at the terminal.
        ssl.SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
        let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
        _ = ssl.SSL_CTX_set_alpn_protos(context, protocols, UInt32(protocols.count))
        if verifiesServer { try trust(files.authorities) }
        try identify(files)
    }

    deinit { library.pointee.SSL_CTX_free(context) }

    private func trust(_ file: String?) throws(TLSError) {
        guard let file else {
            guard library.pointee.SSL_CTX_set_default_verify_paths(context) == 1 else {
                throw .last("the system's certificate authorities cannot be read")
            }
            return
        }
        guard library.pointee.SSL_CTX_load_verify_file(context, file) == 1 else {
            throw .last("\(file) gives no certificate authorities (PEM)")
        }
    }

    private func identify(_ files: TLSFiles) throws(TLSError) {
        guard let certificate = files.certificate else {
            if let key = files.key { throw TLSError("the key \(key) has no certificate beside it") }
            return
        }
        let ssl = library.pointee
        let key = files.key ?? certificate
        guard ssl.SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw .last("\(certificate) gives no certificate (PEM)")
        }
        guard ssl.SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw .last("\(key) is no private key for \(certificate) (PEM, without a password)")
        }
    }
}
