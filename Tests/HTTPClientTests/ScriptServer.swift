import Base
import CLinux
import HTTP

/// A server on the test's own loop that answers each request with bytes that the test gives, whatever they are.
final class ScriptServer {
    /// What it does with a request.
    enum Step {
        case send(String)
        case close
        /// Says nothing for ever.
        case hang
    }

    final class Peer {
        let socket: FileDescriptor
        var token: EventLoop.Token?
        var parser = HTTPRequestParser()
        init(_ socket: consuming FileDescriptor) { self.socket = socket }
    }

    let loop: EventLoop
    let port: UInt16
    private let listener: FileDescriptor
    private var peers: [Int32: Peer] = [:]
    private(set) var accepted = 0
    private(set) var requests: [HTTPRequestHead] = []
    private(set) var bodies: [String] = []
    private var body: [UInt8] = []
    /// The answers to the requests, in order; then the connection is closed.
    var script: [[Step]] = []

    init(_ loop: EventLoop) throws {
        self.loop = loop
        var port: UInt16 = 0
        listener = FileDescriptor(
            adopting: try retrying("listen at", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) })
        self.port = port
        _ = try loop.watch(listener, for: .readable) { [unowned self] _ in accept() }
    }

    var url: String { "http://127.0.0.1:\(port)/pods?x=1" }

    private func accept() {
        let raw = swl_accept(listener.raw)
        guard raw >= 0 else { return }
        accepted += 1
        let peer = Peer(FileDescriptor(adopting: raw))
        peers[raw] = peer
        peer.token = try? loop.watch(peer.socket, for: .readable) { [unowned self] _ in read(peer) }
    }

    private func read(_ peer: Peer) {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        guard let count = try? peer.socket.read(into: &buffer) else { return drop(peer) }
        if count == 0 { return drop(peer) }
        peer.parser.receive(Array(buffer[..<count]))
        while let event = try? peer.parser.next() {
            switch event {
            case .head(let head):
                requests.append(head)
                body = []
            case .body(let bytes): body += bytes
            case .end:
                bodies.append(String(decoding: body, as: UTF8.self))
                answer(peer)
            }
        }
    }

    private func answer(_ peer: Peer) {
        guard !script.isEmpty else { return drop(peer) }
        for step in script.removeFirst() {
            switch step {
            case .send(let text): try? peer.socket.writeAll(text.utf8)
            case .close: return drop(peer)
            case .hang: return
            }
        }
    }

    private func drop(_ peer: Peer) {
        if let token = peer.token { loop.unwatch(token) }
        _ = shutdown(peer.socket.raw, Int32(SHUT_RDWR))
        peers[peer.socket.raw] = nil
    }

    /// Closes all connections, as a server does that has waited long enough.
    func closeAll() { for peer in peers.values { drop(peer) } }
}
