import Base
import CLinux

/// An address and port that a TCP connection can be made to.
struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A `sockaddr_in` or `sockaddr_in6`.
    let bytes: [UInt8]
    /// `192.0.2.1`.
    let description: String

    /// The addresses of `host`, which may be one itself. It blocks, for a name as long as name servers let it.
    ///
    /// - Throws: `ClientError` of kind `name`.
    static func resolve(_ host: String, _ port: UInt16) throws(ClientError) -> [SocketAddress] {
        // RFC 6761: this name is never asked of anyone.
        if host == "localhost" {
            return try look(up: "127.0.0.1", port, numeric: true) + look(up: "::1", port, numeric: true)
        }
        return try look(up: host, port, numeric: false)
    }

    /// `host` when it is an address itself: that does not block.
    static func numeric(_ host: String, _ port: UInt16) -> SocketAddress? {
        try? look(up: host, port, numeric: true).first
    }

    private static func look(up host: String, _ port: UInt16, numeric: Bool) throws(ClientError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else {
            let words = result == EAI_SYSTEM ? "\(Errno.current)" : String(cString: gai_strerror(result))
            throw ClientError(.name, "the name \(host) has no address: \(words)")
        }
        defer { freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < 8 {
            next = entry.ai_next
            guard let address = entry.ai_addr else { continue }
            var text = [CChar](repeating: 0, count: 64)
            guard getnameinfo(address, entry.ai_addrlen, &text, 64, nil, 0, NI_NUMERICHOST) == 0 else { continue }
            let raw = UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen))
            found.append(
                SocketAddress(
                    bytes: Array(raw),
                    description: String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            )
        }
        guard !found.isEmpty else { throw ClientError(.name, "the name \(host) has no address") }
        return found
    }

    /// Begins a connection.
    func connect() throws(SystemError) -> FileDescriptor {
        let raw = try retrying("connect to", description) {
            bytes.withUnsafeBytes { swl_tcp_connect($0.baseAddress, socklen_t($0.count)) }
        }
        return FileDescriptor(adopting: raw)
    }
}
