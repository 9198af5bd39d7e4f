import Base
import CLinux

/// The smallest peers that speak HTTP: a client, and a server that answers with the address of who asks. They run in
/// this process's network namespace, or, as a child process, in another.
enum HTTPPeer {
    /// Gets `path` and gives the body, whatever the status.
    ///
    /// - Throws: `SystemError`; ETIMEDOUT or EAGAIN after `seconds`.
    static func fetch(_ address: String, _ port: UInt16, path: String = "/", seconds: Int = 3) throws -> String {
        let socket = try connect(address, port, seconds: seconds)
        try socket.writeAll("GET \(path) HTTP/1.0\r\n\r\n".utf8, name: "\(address):\(port)")
        let answer = String(decoding: try socket.readAll(limit: 1 << 20, name: "\(address):\(port)"), as: UTF8.self)
        guard let body = answer.split(separator: "\r\n\r\n", maxSplits: 1).last, answer.hasPrefix("HTTP/") else {
            throw Failure("\(address):\(port) answered \"\(answer)\"")
        }
        return body.trimmingSuffix
    }

    /// A connected TCP socket that gives up after `seconds`.
    static func connect(_ address: String, _ port: UInt16, seconds: Int = 3) throws -> FileDescriptor {
        let socket = try self.socket()
        let raw = socket.raw
        var patience = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(raw, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var target = try self.address(address, port)
        let result = withUnsafePointer(to: &target) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                CLinux.connect(raw, __CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw SystemError("connect to", "\(address):\(port)") }
        return socket
    }

    /// Answers every request on `port` with the address of the peer, for ever.
    static func serve(_ port: UInt16) throws {
        // For as long as the process.
        let raw = try self.socket().release()
        var on: Int32 = 1
        setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        var own = try address("0.0.0.0", port)
        let bound = withUnsafePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(raw, __CONST_SOCKADDR_ARG(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0, listen(raw, 16) == 0 else { throw SystemError("listen on", "port \(port)") }
        while true {
            var peer = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let accepted = withUnsafeMutablePointer(to: &peer) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    accept(raw, __SOCKADDR_ARG(__sockaddr__: $0), &size)
                }
            }
            guard accepted >= 0 else { continue }
            let connection = FileDescriptor(adopting: accepted)
            var text = [CChar](repeating: 0, count: 64)
            inet_ntop(AF_INET, &peer.sin_addr, &text, 64)
            let from = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            var request = [UInt8](repeating: 0, count: 4096)
            _ = try? connection.read(into: &request)
            try? connection.writeAll("HTTP/1.0 200 OK\r\n\r\n\(from)\n".utf8)
        }
    }

    private static func socket() throws -> FileDescriptor {
        FileDescriptor(
            adopting: try retrying("socket", "TCP") {
                CLinux.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            })
    }

    private static func address(_ text: String, _ port: UInt16) throws -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, text, &address.sin_addr) == 1 else { throw Failure("\(text) is no address") }
        return address
    }
}

extension Substring {
    /// Without white space at its end.
    fileprivate var trimmingSuffix: String {
        var text = self
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
