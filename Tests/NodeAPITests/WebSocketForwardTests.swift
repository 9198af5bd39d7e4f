import Base
import HTTP
import NodeAPITestSupport
import Testing

@testable import NodeAPI

@Suite struct WebSocketForwardTests {
    func start(_ query: String, _ protocols: String? = "v4.channel.k8s.io") throws -> WebSocketClient {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        return try WebSocketClient(harness, "/portForward/default/a?\(query)", protocols)
    }

    @Test(arguments: ["port=80&port=8080", "port=80,8080"])
    func everyPortHasAChannelForBytesAndOneForErrors(query: String) throws {
        let client = try start(query)
        #expect(client.harness.node.forwarded == [80, 8080])
        client.send(2, "to 8080")
        client.send(0, "to 80")
        client.send(1, "to nobody")
        client.send(7, "to nobody")
        try client.turn { $0.count >= 6 }
        #expect(
            client.messages.prefix(4)
                == [
                    .channel(0, [80, 0]), .channel(1, [80, 0]), .channel(2, [0x90, 0x1F]), .channel(3, [0x90, 0x1F]),
                ])
        #expect(client.bytes(0).dropFirst(2) == Array("to 80".utf8)[...])
        #expect(client.bytes(2).dropFirst(2) == Array("to 8080".utf8)[...])
        // One ends, the other goes on; after the last the connection ends.
        client.harness.node.connections[0].client.finished(.failure(.badRequest("nothing listens")))
        client.send(0, "too late")
        client.send(2, "!")
        try client.turn { _ in client.text(2).hasSuffix("!") }
        #expect(client.bytes(1).dropFirst(2) == Array("nothing listens".utf8)[...])
        client.harness.node.connections[1].client.finished(.success(0))
        try client.end()
        #expect(client.messages.last == .close(.normal, "") && client.bytes(3).count == 2)
    }

    @Test func base64IsSpokenToo() throws {
        let client = try start("port=80", "v4.base64.channel.k8s.io")
        client.send(WebSocketFrame(.text, Array("0aGk=".utf8)))
        try client.turn { $0.count == 3 }
        #expect(client.messages == [.text("0UAA="), .text("1UAA="), .text("0aGk=")])
    }

    @Test func aClientThatGoesEndsAllConnections() throws {
        let client = try start("port=80,81")
        client.client.halfClose()
        try client.harness.turn { client.harness.node.connections.allSatisfy(\.isCancelled) }
        #expect(client.harness.node.connections.count == 2)
    }

    @Test func onePortThatIsFullHoldsTheConnectionAndLetsItGoOn() throws {
        let client = try start("port=80,81")
        let connections = client.harness.node.connections
        connections[0].refusesInput = true
        client.send(0, "full")
        client.send(2, "later")
        try client.harness.turn { connections[0].received == 4 }
        for _ in 0..<5 { try client.harness.loop.turn(wait: false) }
        #expect(connections[1].received == 0)
        connections[0].client.inputReady()
        try client.harness.turn { connections[1].received == 5 }
        // One that ends while it is full holds nobody back.
        client.send(0, "full")
        client.send(2, "after")
        try client.harness.turn { connections[0].received == 8 }
        connections[0].client.finished(.success(0))
        try client.harness.turn { connections[1].received == 10 }
    }

    @Test func portsThatAreNoneAreRefusedBeforeAnythingIsConnected() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        func answer(_ query: String, _ protocols: String = "v4.channel.k8s.io") throws -> Response {
            try harness.exchange(WebSocketClient.request("/portForward/default/a?\(query)", protocols))
        }
        for query in ["", "port=", "port=0", "port=65536", "port=+80", "port=80,", "port=x"] {
            let refused = try answer(query)
            #expect(refused.status == 400 && refused.text.hasPrefix("port: "), "\(query)")
        }
        let many = try answer("port=" + (1...33).map(String.init).joined(separator: ","))
        #expect(many.status == 400)
        #expect(try answer("port=80", "v5.channel.k8s.io").status == 400)
        let tunnel = try answer("port=80", "SPDY/3.1+portforward.k8s.io")
        #expect(tunnel.status == 400)
        #expect(harness.node.connections.isEmpty)
        // The first had begun when the second was refused.
        let second = try answer("port=80,1")
        #expect(second.status == 400 && second.text == "no port 1 here\n")
        #expect(harness.node.connections.map(\.isCancelled) == [true])
    }
}
