import Base
import CLinux
import CNITypes

/// A TCP or UDP socket of the namespace in which it was made. Waits are bounded: no test hangs.
struct NetworkSocket: ~Copyable {
    enum Kind: Sendable {
        case tcp
        case udp
    }

    /// An address and port.
    struct Endpoint: Hashable, CustomStringConvertible {
        var address: [UInt8]
        var port: UInt16

        init(_ address: String, _ port: UInt16) {
            self.address = IPPrefix.parse(address) ?? []
            self.port = port
        }

        var description: String { "\(IPPrefix.text(address)):\(port)" }
    }

    private let descriptor: FileDescriptor

    init(_ kind: Kind, isIPv6: Bool) throws {
        let type = kind == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let raw = try retrying("socket", "\(kind)") {
            socket(isIPv6 ? AF_INET6 : AF_INET, Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        descriptor = FileDescriptor(adopting: raw)
        var wait = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(raw, SOL_SOCKET, option, &wait, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A socket that others reach at `endpoint`.
    static func server(_ kind: Kind, _ endpoint: Endpoint) throws -> NetworkSocket {
        let server = try NetworkSocket(kind, isIPv6: endpoint.address.count == 16)
        let raw = server.descriptor.raw
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, 4)
        if endpoint.address.count == 16 { setsockopt(raw, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, 4) }
        try withAddress(endpoint) { address, length in
            try retrying("bind to", "\(endpoint)") { CLinux.bind(raw, address, length) }
        }
        if kind == .tcp { try retrying("listen at", "\(endpoint)") { listen(raw, 16) } }
        return server
    }

    /// Takes part in a multicast group on the interface that has the address `interface`.
    func join(_ group: String, of interface: String) throws {
        let raw = descriptor.raw
        // ip_mreq
        let request = (IPPrefix.parse(group) ?? []) + (IPPrefix.parse(interface) ?? [])
        try retrying("join", group) {
            setsockopt(raw, Int32(IPPROTO_IP), IP_ADD_MEMBERSHIP, request, socklen_t(request.count))
        }
    }

    /// Sends by this interface.
    func bind(toDevice name: String) throws {
        let raw = descriptor.raw
        try retrying("bind a socket to", name) {
            setsockopt(raw, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count))
        }
    }

    /// - Throws: `SystemError`: ECONNREFUSED, or EINPROGRESS after the time-out.
    func connect(to endpoint: Endpoint) throws {
        let raw = descriptor.raw
        try Self.withAddress(endpoint) { address, length in
            try retrying("connect to", "\(endpoint)") { CLinux.connect(raw, address, length) }
        }
    }

    /// The next connection's other end.
    func accept() throws -> Endpoint {
        let raw = descriptor.raw
        return try Self.endpoint { address, length in
            let connection = try retrying("accept at", "the server") { CLinux.accept(raw, address, length) }
            close(connection)
        }
    }

    func send(_ text: String) throws {
        let raw = descriptor.raw
        try retrying("send", text) { CLinux.send(raw, text, text.utf8.count, Int32(MSG_NOSIGNAL)) }
    }

    func send(_ text: String, to endpoint: Endpoint) throws {
        let raw = descriptor.raw
        try Self.withAddress(endpoint) { address, length in
            try retrying("send to", "\(endpoint)") {
                CLinux.sendto(raw, text, text.utf8.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }

    /// The next datagram, and from where it came.
    func receive() throws -> (text: String, from: Endpoint) {
        let raw = descriptor.raw
        var buffer = [UInt8](repeating: 0, count: 2048)
        var count = 0
        let from = try Self.endpoint { address, length in
            count = try retrying("receive at", "the socket") {
                CLinux.recvfrom(raw, &buffer, buffer.count, 0, address, length)
            }
        }
        return (String(decoding: buffer.prefix(count), as: UTF8.self), from)
    }

    /// Whether there is something to receive within the time.
    func isReadable(milliseconds: Int32) throws -> Bool {
        var polled = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return try retrying("wait for", "a datagram") { poll(&polled, 1, milliseconds) } > 0
    }

    /// Waits until `server` can be read, or throws what this socket was told instead.
    func waitFor(_ server: borrowing NetworkSocket) throws {
        let raw = descriptor.raw
        var polled = [
            pollfd(fd: server.descriptor.raw, events: Int16(POLLIN), revents: 0),
            pollfd(fd: raw, events: 0, revents: 0),
        ]
        try retrying("wait for", "a datagram") { poll(&polled, 2, 10_000) }
        guard polled[0].revents == 0 else { return }
        var error: Int32 = 0
        var length = socklen_t(4)
        try retrying("read the error of", "the socket") { getsockopt(raw, SOL_SOCKET, SO_ERROR, &error, &length) }
        throw SystemError("send", "a datagram", error == 0 ? Errno(rawValue: ETIMEDOUT) : Errno(rawValue: error))
    }

    private static func withAddress(
        _ endpoint: Endpoint, _ body: (__CONST_SOCKADDR_ARG, socklen_t) throws -> Void
    ) throws {
        if endpoint.address.count == 16 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = endpoint.port.bigEndian
            withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: endpoint.address) }
            try withUnsafePointer(to: address) {
                try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    try body(__CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = endpoint.port.bigEndian
            withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: endpoint.address) }
            try withUnsafePointer(to: address) {
                try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    try body(__CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
    }

    private static func endpoint(
        _ body: (__SOCKADDR_ARG, UnsafeMutablePointer<socklen_t>) throws -> Void
    ) throws -> Endpoint {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        try withUnsafeMutablePointer(to: &storage) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body(__SOCKADDR_ARG(__sockaddr__: $0), &length)
            }
        }
        return withUnsafeBytes(of: storage) { bytes in
            let isIPv6 = storage.ss_family == sa_family_t(AF_INET6)
            var endpoint = Endpoint("0.0.0.0", UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
            endpoint.address = Array(isIPv6 ? bytes[8..<24] : bytes[4..<8])
            return endpoint
        }
    }
}
