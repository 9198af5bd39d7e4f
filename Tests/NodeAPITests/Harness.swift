import Base
import CLinux
import HTTP
import NodeAPITestSupport
import TestSupport
import Testing

@testable import NodeAPI

/// A server on a socket of its own with a fake agent, and clients that the same thread drives: nothing is left to
/// chance.
final class Harness {
    let folder: TemporaryDirectory
    let loop: EventLoop
    let node: FakeNode
    let server: NodeAPIServer
    let path: String

    init(
        _ limits: HTTPServer.Limits = HTTPServer.Limits(), socketName: String = "s.sock",
        access: SocketAccess = SocketAccess()
    ) throws {
        folder = try TemporaryDirectory()
        path = folder.path + "/" + socketName
        try Files.makeDirectories(Path.parent(path))
        loop = try EventLoop()
        node = FakeNode(loop: loop)
        node.imageUploadFolder = folder.path
        server = try NodeAPIServer(loop: loop, path: path, service: node, access: access, limits: limits)
    }

    deinit { server.close() }

    /// Turns the loop until `isDone`, at most half a minute.
    func turn(until isDone: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(30)
        while try !isDone() {
            guard BootInstant.now < deadline else {
                throw SystemError("wait for", "the server", Errno(rawValue: ETIMEDOUT))
            }
            loop.schedule(after: .milliseconds(2)) {}
            try loop.turn(wait: true)
        }
    }

    func client() throws -> Client { try Client(path) }

    /// Sends a request and gives the whole response.
    func exchange(_ text: String) throws -> Response {
        let client = try client()
        client.send(text)
        return try response(client)
    }

    func get(_ target: String) throws -> Response {
        try exchange("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
    }

    func response(_ client: Client, method: String = "GET") throws -> Response {
        var response: Response?
        try turn {
            client.receive()
            response = try client.nextResponse()
            return response != nil
        }
        return try #require(response)
    }
}

struct Response {
    var head: HTTPResponseHead
    var body: [UInt8]
    var status: Int { head.status }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A client of raw bytes on a non-blocking socket.
final class Client {
    let socket: FileDescriptor
    var bytes: [UInt8] = []
    var isClosed = false
    private var parser = HTTPResponseParser(method: "GET")
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init(_ path: String) throws {
        socket = FileDescriptor(adopting: try retrying("connect", path) { swl_unix_socket(path, 0, 1) })
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends as much as the socket takes; the number of bytes.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes { CLinux.send(socket.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    func halfClose() { _ = shutdown(socket.raw, Int32(SHUT_WR)) }

    /// Reads what is there.
    func receive(limit: Int = .max) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var total = 0
        while total < limit {
            let n = read(socket.raw, &buffer, min(buffer.count, limit - total))
            if n == 0 || n < 0 && Errno.current != .again { isClosed = true }
            guard n > 0 else { break }
            total += n
            bytes += buffer[..<n]
            parser.receive(Array(buffer[..<n]))
        }
        if isClosed { parser.finish() }
    }

    /// The next response when it is complete. (Streams: look at `bytes`.)
    func nextResponse() throws -> Response? {
        while let event = try parser.next() {
            switch event {
            case .informational: break
            case .head(let new):
                head = new
                body = []
            case .body(let part): body += part
            case .end:
                defer { head = nil }
                return head.map { Response(head: $0, body: body) }
            }
        }
        return nil
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}
