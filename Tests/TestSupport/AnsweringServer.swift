import Base
import CLinux
import Synchronization

/// An HTTP server on threads of its own, for clients that block: each request is answered as a function says, also in
/// ways that no server should.
public final class AnsweringServer: Sendable {
    public struct Request: Sendable {
        public var method = ""
        /// Path and query.
        public var target = ""
        /// Names in lower case.
        public var headers: [String: String] = [:]
        public var body = ""

        public var path: String { String(target.prefix { $0 != "?" }) }
    }

    public struct Answer: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: [UInt8]
        /// Ends the connection after so many bytes of the body.
        public var cut: Int?
        /// Repeats the body until the client goes.
        public var isEndless = false
        /// Says nothing more after the body, and stays.
        public var hangs = false
        /// Says nothing at all, and stays.
        public var isSilent = false
        /// Milliseconds before each tenth of the body.
        public var pace: Int32 = 0

        public init(_ status: Int = 200, _ headers: [String: String] = [:], body: [UInt8] = [], cut: Int? = nil) {
            self.status = status
            self.headers = headers
            self.body = body
            self.cut = cut
        }
    }

    private final class Core: Sendable {
        let listener: SharedDescriptor
        let answer: @Sendable (Request) -> Answer
        let requests = Mutex<[Request]>([])

        init(_ listener: SharedDescriptor, _ answer: @escaping @Sendable (Request) -> Answer) {
            self.listener = listener
            self.answer = answer
        }
    }

    private let core: Core
    public let port: UInt16

    public init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
        var port: UInt16 = 0
        let raw = try retrying("listen at", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) }
        // Its thread waits.
        _ = swl_fcntl(raw, F_SETFL, 0)
        let listener = SharedDescriptor(FileDescriptor(adopting: raw))
        self.port = port
        core = Core(listener, answer)
        Self.thread { [core] in Self.accept(core) }
    }

    deinit { _ = shutdown(core.listener.raw, Int32(SHUT_RDWR)) }

    public var host: String { "127.0.0.1:\(port)" }

    /// What was asked so far.
    public var requests: [Request] { core.requests.withLock { $0 } }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        if let thread = try? Threads.start("a test's server", body) { _ = pthread_detach(thread) }
    }

    private static func accept(_ core: Core) {
        while true {
            let raw = swl_accept(core.listener.raw)
            if raw < 0 { return }
            // It comes as the loop wants it; these threads wait.
            _ = swl_fcntl(raw, F_SETFL, 0)
            let peer = SharedDescriptor(FileDescriptor(adopting: raw))
            thread { serve(peer, core) }
        }
    }

    /// One request a connection.
    private static func serve(_ peer: SharedDescriptor, _ core: Core) {
        guard let request = read(peer) else { return }
        core.requests.withLock { $0.append(request) }
        let answer = core.answer(request)
        if answer.isSilent { return wait(peer) }
        var head = "HTTP/1.1 \(answer.status) Answer\r\nConnection: close\r\n"
        var headers = answer.headers
        if !answer.isEndless, headers["Content-Length"] == nil, headers["Transfer-Encoding"] == nil {
            headers["Content-Length"] = "\(answer.body.count)"
        }
        // None at all: the answer ends with the connection.
        if headers["Content-Length"] == "" { headers["Content-Length"] = nil }
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        guard write(peer, Array((head + "\r\n").utf8)) else { return }
        var rest = answer.body.prefix(answer.cut ?? .max)
        let piece = answer.pace == 0 ? rest.count : max(1, rest.count / 10)
        while !rest.isEmpty {
            _ = poll(nil, 0, answer.pace)
            guard write(peer, Array(rest.prefix(piece))) else { return }
            rest = rest.dropFirst(piece)
        }
        while answer.isEndless { guard write(peer, answer.body) else { return } }
        if answer.hangs { wait(peer) }
        _ = shutdown(peer.raw, Int32(SHUT_RDWR))
    }

    /// Until the client goes.
    private static func wait(_ peer: SharedDescriptor) {
        var byte: UInt8 = 0
        while recv(peer.raw, &byte, 1, 0) > 0 {}
    }

    private static func write(_ peer: SharedDescriptor, _ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let n = bytes[done...].withUnsafeBytes {
                send(peer.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if n <= 0 { return false }
            done += n
        }
        return true
    }

    private static func read(_ peer: SharedDescriptor) -> Request? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        let end = Array("\r\n\r\n".utf8)
        while true {
            let n = recv(peer.raw, &buffer, buffer.count, 0)
            if n <= 0 { return nil }
            bytes += buffer[..<n]
            guard let range = bytes.firstRange(of: end) else { continue }
            var lines = String(decoding: bytes[..<range.lowerBound], as: UTF8.self).split(separator: "\r\n")
            let words = lines.removeFirst().split(separator: " ")
            var request = Request()
            (request.method, request.target) = (String(words[0]), String(words[1]))
            for line in lines {
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { continue }
                request.headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
            }
            let length = request.headers["content-length"].flatMap { Int($0) } ?? 0
            let rest = bytes[range.upperBound...]
            if rest.count < length { continue }
            request.body = String(decoding: rest, as: UTF8.self)
            return request
        }
    }
}
