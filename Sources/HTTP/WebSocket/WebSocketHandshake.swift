import Base

/// A request for a WebSocket (RFC 6455, 4.2.1), and the answer to it.
public struct WebSocketHandshake: Hashable, Sendable {
    /// The only version there is.
    public static let version = "13"

    /// The subprotocols that the client offers, in its order. Their names are compared exactly.
    public let protocols: [String]
    private let key: String

    /// Whether a request asks for a WebSocket at all.
    public static func isWanted(_ head: HTTPRequestHead) -> Bool { head.upgrades.contains("websocket") }

    /// - Throws: `HTTPError` 400; 426, to be answered with the field `Sec-WebSocket-Version`, for another version.
    public init(_ head: HTTPRequestHead) throws(HTTPError) {
        guard head.method == "GET" else { throw HTTPError(400, "a WebSocket begins with GET, not \(head.method)") }
        let versions = head.headers.all("Sec-WebSocket-Version")
        guard versions == [Self.version] else {
            throw HTTPError(426, "this is for version \(Self.version) of WebSocket, in one field Sec-WebSocket-Version")
        }
        let keys = head.headers.all("Sec-WebSocket-Key")
        guard keys.count == 1, let key = keys.first, Base64.decode(Array(key.utf8))?.count == 16 else {
            throw HTTPError(400, "Sec-WebSocket-Key: expected one field with 16 bytes in base64")
        }
        self.key = key
        var protocols: [String] = []
        for name in head.headers.all("Sec-WebSocket-Protocol").flatMap({ $0.split(separator: ",") }) {
            let name = String(ASCII.trim(name))
            // The standard wants tokens; Kubernetes has names with a slash.
            guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !protocols.contains(name) else {
                throw HTTPError(400, "Sec-WebSocket-Protocol: expected names, each once, with commas between them")
            }
            protocols.append(name)
        }
        self.protocols = protocols
    }

    /// The bytes whose SHA-1 `answer` needs. It proves that the server read the request, and secures nothing. Not
    /// computed here, so that programs which only read HTTP need no cryptographic library.
    public var challenge: [UInt8] { Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8) }

    /// The fields of the answer 101, besides those that every switch of protocols has.
    ///
    /// - Parameters:
    ///   - sum: the SHA-1 of `challenge`.
    ///   - chosen: the subprotocol, one of `protocols`; nil when the client offered none.
    public func answer(sum: [UInt8], chosen: String?) -> HTTPHeaders {
        var headers: HTTPHeaders = ["Sec-WebSocket-Accept": String(decoding: Base64.encode(sum), as: UTF8.self)]
        if let chosen { headers.append("Sec-WebSocket-Protocol", chosen) }
        return headers
    }
}
