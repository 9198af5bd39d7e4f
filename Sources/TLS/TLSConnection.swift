import CSSL

/// The client's side of one TLS connection. It performs no input or output: what comes from the socket is handed in,
/// what is to go there is taken out. After a thrown error it is of no use any more.
///
///     connection.receive(bytes)
///     while case .bytes(let plain) = try connection.read() { ... }
///     socket.write(connection.takeOutput())
public final class TLSConnection {
    /// What `read` finds.
    public enum Input: Equatable {
        case bytes([UInt8])
        /// More must arrive.
        case nothing
        /// The server said that this was all.
        case end
    }

    private let context: TLSContext
    private let ssl: OpaquePointer
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    public private(set) var isEstablished = false
    private var inputEnded = false

    /// - Parameter host: the name or address that the server's certificate must be of.
    public init(_ context: TLSContext, host: String) throws(TLSError) {
        ERR_clear_error()
        let library = context.library.pointee
        guard let ssl = library.SSL_new(context.context) else { throw .last("no TLS connection") }
        guard let incoming = BIO_new(BIO_s_mem()) else {
            library.SSL_free(ssl)
            throw .last("no TLS buffer")
        }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            library.SSL_free(ssl)
            throw .last("no TLS buffer")
        }
        library.SSL_set_bio(ssl, incoming, outgoing)
        self.context = context
        self.ssl = ssl
        self.incoming = incoming
        self.outgoing = outgoing
        try expect(host)
        library.SSL_set_connect_state(ssl)
    }

    deinit { context.library.pointee.SSL_free(ssl) }

    private func expect(_ host: String) throws(TLSError) {
        let library = context.library.pointee
        let parameters = library.SSL_get0_param(ssl)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1 { return }
        ERR_clear_error()
        X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        guard X509_VERIFY_PARAM_set1_host(parameters, host, host.utf8.count) == 1 else {
            throw .last("\(host) cannot be looked for in a certificate")
        }
        var name = Array(host.utf8CString)
        let set = name.withUnsafeMutableBytes {
            library.SSL_ctrl(
                ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), $0.baseAddress)
        }
        guard set == 1 else { throw .last("\(host) cannot be asked for") }
    }

    // MARK: The socket's side

    /// Takes what came from the socket.
    public func receive(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        _ = BIO_write(incoming, bytes.baseAddress, Int32(clamping: bytes.count))
    }

    /// Nothing more comes from the socket.
    public func receiveEnd() {
        inputEnded = true
        _ = BIO_ctrl(incoming, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, nil)
    }

    /// What is to be sent now.
    public func takeOutput() -> [UInt8] {
        let count = BIO_ctrl_pending(outgoing)
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { BIO_read(outgoing, $0.baseAddress, Int32(clamping: $0.count)) }
        bytes.removeSubrange(max(0, Int(read))...)
        return bytes
    }

    // MARK: The user's side

    /// Goes on with the handshake.
    ///
    /// - Returns: whether it is complete.
    public func handshake() throws(TLSError) -> Bool {
        if isEstablished { return true }
        ERR_clear_error()
        let result = context.library.pointee.SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            return true
        }
        try check(result, "the TLS handshake failed")
        return false
    }

    /// Encrypts `bytes`; `takeOutput` gives what becomes of them.
    public func write(_ bytes: [UInt8]) throws(TLSError) {
        var offset = 0
        while offset < bytes.count {
            ERR_clear_error()
            let count = bytes.withUnsafeBytes {
                context.library.pointee.SSL_write(
                    ssl, $0.baseAddress?.advanced(by: offset), Int32(clamping: min($0.count - offset, 1 << 20)))
            }
            guard count > 0 else { throw .last("the TLS connection takes nothing") }
            offset += Int(count)
        }
    }

    /// What the server sent, decrypted: 16 KiB at most.
    public func read() throws(TLSError) -> Input {
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        ERR_clear_error()
        let count = bytes.withUnsafeMutableBytes {
            context.library.pointee.SSL_read(ssl, $0.baseAddress, Int32($0.count))
        }
        guard count <= 0 else {
            bytes.removeSubrange(Int(count)...)
            return .bytes(bytes)
        }
        if context.library.pointee.SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN { return .end }
        try check(count, "the TLS connection failed")
        return .nothing
    }

    /// Tells the server that nothing more comes.
    public func shutdown() {
        ERR_clear_error()
        if isEstablished { _ = context.library.pointee.SSL_shutdown(ssl) }
        ERR_clear_error()
    }

    /// - Throws: `TLSError` unless `result` only means that more must arrive.
    private func check(_ result: Int32, _ attempt: String) throws(TLSError) {
        let library = context.library.pointee
        let code = library.SSL_get_error(ssl, result)
        if code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE {
            if inputEnded { throw TLSError("\(attempt): the server closed the connection") }
            return
        }
        let verdict = library.SSL_get_verify_result(ssl)
        if !isEstablished, verdict != Int(X509_V_OK), let words = X509_verify_cert_error_string(verdict) {
            ERR_clear_error()
            throw TLSError("the server's certificate is not accepted: \(String(cString: words))")
        }
        throw .last(attempt)
    }
}
