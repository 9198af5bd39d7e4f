import HTTP
import JSON
import Testing

@testable import NodeAPI

/// A client of the kubelet's channels, on a connection of the harness.
final class WebSocketClient {
    /// A message from the node: its channel and the rest; or how the node closed.
    enum Message: Equatable {
        case channel(Int, [UInt8])
        case text(String)
        case pong([UInt8])
        case close(WebSocketCloseCode?, String)
    }

    let harness: Harness
    let client: Client
    private(set) var head: HTTPResponseHead
    private(set) var messages: [Message] = []
    private var decoder = WebSocketDecoder(of: .server)
    private var taken = 0

    static let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"

    static func request(_ target: String, _ protocols: String?) -> String {
        "GET \(target) HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\(key)"
            + (protocols.map { "Sec-WebSocket-Protocol: \($0)\r\n" } ?? "") + "\r\n"
    }

    /// Asks and waits for the 101, sending `early` with the request.
    init(_ harness: Harness, _ target: String, _ protocols: String?, early: [UInt8] = []) throws {
        self.harness = harness
        client = try harness.client()
        client.send(Array(Self.request(target, protocols).utf8) + early)
        let end = Array("\r\n\r\n".utf8)
        try harness.turn { [client] in
            client.receive()
            return client.bytes.firstRange(of: end) != nil
        }
        var parser = HTTPResponseParser(method: "GET")
        parser.receive(client.bytes)
        guard case .head(let head)? = try parser.next() else { throw HTTPError(502, "no head") }
        self.head = head
        taken = try #require(client.bytes.firstRange(of: end)).upperBound
        try #require(head.status == 101, "\(client.text)")
    }

    func send(_ frame: WebSocketFrame) { client.send(frame.bytes(maskedBy: 0x1234_5678)) }

    func send(_ channel: UInt8, _ text: String) { send(WebSocketFrame(.binary, [channel] + Array(text.utf8))) }

    /// Reads what has come.
    func receive() throws {
        client.receive()
        decoder.receive(client.bytes[taken...])
        taken = client.bytes.count
        while let event = try decoder.next() {
            switch event {
            case .binary(let bytes): messages.append(.channel(Int(try #require(bytes.first)), Array(bytes.dropFirst())))
            case .text(let text): messages.append(.text(text))
            case .pong(let bytes): messages.append(.pong(bytes))
            case .close(let code, let reason): messages.append(.close(code, reason))
            case .ping: Issue.record("the node sends pings")
            }
        }
    }

    /// Turns the loop until `isDone` of the messages.
    func turn(until isDone: ([Message]) -> Bool) throws {
        try harness.turn {
            try receive()
            return isDone(messages)
        }
    }

    /// Turns the loop until the node has closed the connection.
    func end() throws {
        try harness.turn {
            try receive()
            return client.isClosed
        }
    }

    /// What came on a channel, together.
    func bytes(_ channel: Int) -> [UInt8] {
        messages.flatMap { message -> [UInt8] in
            if case .channel(channel, let bytes) = message { bytes } else { [] }
        }
    }

    func text(_ channel: Int) -> String { String(decoding: bytes(channel), as: UTF8.self) }

    /// The v1 Status on the error channel.
    func status() throws -> JSONValue { try JSONParser.parse(bytes(3)) }
}
