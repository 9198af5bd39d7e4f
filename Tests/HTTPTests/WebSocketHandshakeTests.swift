import HTTP
import Testing

@Suite struct WebSocketHandshakeTests {
    /// The example of RFC 6455, 1.2.
    static let head = HTTPRequestHead(
        method: "GET", target: "/chat",
        headers: [
            "Host": "server.example.com", "Upgrade": "WebSocket", "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "chat, superchat",
            "Sec-WebSocket-Version": "13",
        ])

    static func changed(_ name: String, _ values: String...) -> HTTPRequestHead {
        var head = head
        head.headers = HTTPHeaders(
            head.headers.fields.filter { $0.name != name } + values.map { HTTPHeaders.Field(name, $0) })
        return head
    }

    @Test func theExampleOfTheStandardIsAnsweredAsThere() throws {
        #expect(WebSocketHandshake.isWanted(Self.head))
        let handshake = try WebSocketHandshake(Self.head)
        #expect(handshake.protocols == ["chat", "superchat"])
        #expect(handshake.challenge == Array("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8))
        // Its SHA-1, as the standard has it.
        let sum: [UInt8] = [
            0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe,
            0xc4, 0xea,
        ]
        let answer = handshake.answer(sum: sum, chosen: "chat")
        #expect(answer["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(answer["Sec-WebSocket-Protocol"] == "chat")
        #expect(handshake.answer(sum: sum, chosen: nil)["Sec-WebSocket-Protocol"] == nil)
    }

    @Test func aRequestThatDoesNotAskForOneIsNoHandshake() {
        #expect(!WebSocketHandshake.isWanted(Self.changed("Upgrade", "SPDY/3.1")))
        #expect(!WebSocketHandshake.isWanted(Self.changed("Connection", "keep-alive")))
        var old = Self.head
        old.version = .http10
        #expect(!WebSocketHandshake.isWanted(old))
    }

    @Test(arguments: [
        ("no key", changed("Sec-WebSocket-Key"), 400),
        ("two keys", changed("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="), 400),
        ("a short key", changed("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"), 400),
        ("a key that is no base64", changed("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ!!"), 400),
        ("no version", changed("Sec-WebSocket-Version"), 426),
        ("an older version", changed("Sec-WebSocket-Version", "8"), 426),
        ("two versions", changed("Sec-WebSocket-Version", "13", "8"), 426),
        ("a protocol that is no word", changed("Sec-WebSocket-Protocol", "a b"), 400),
        ("a protocol twice", changed("Sec-WebSocket-Protocol", "a", "a"), 400),
    ])
    func whatTheStandardForbidsIsRefused(what: String, head: HTTPRequestHead, status: Int) {
        do {
            _ = try WebSocketHandshake(head)
            Issue.record("\(what) is taken")
        } catch {
            #expect(error.status == status, "\(what): \(error)")
        }
    }

    @Test func onlyGetBeginsOne() {
        var post = Self.head
        post.method = "POST"
        #expect(throws: HTTPError.self) { try WebSocketHandshake(post) }
    }

    @Test func namesOfProtocolsKeepTheirCaseAndOrderOverSeveralFields() throws {
        let head = Self.changed("Sec-WebSocket-Protocol", "Z.b ,,\ta/1+x", "B")
        #expect(try WebSocketHandshake(head).protocols == ["Z.b", "a/1+x", "B"])
    }
}
