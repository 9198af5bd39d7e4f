import Base
import HTTP
import JSON
import NodeAPITestSupport
import Testing

@testable import NodeAPI

@Suite struct WebSocketExecTests {
    static let target = "/exec/default/a/c?command=sh&command=-c&command=echo+1&input=1&output=1&error=1"

    func start(_ protocols: String?, _ target: String = target, early: [UInt8] = []) throws -> WebSocketClient {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        return try WebSocketClient(harness, target, protocols, early: early)
    }

    func session(_ client: WebSocketClient) throws -> FakeSession { try #require(client.harness.node.session) }

    @Test func inputOutputSizeHalfCloseAndExitCodeTravel() throws {
        let early = WebSocketFrame(.binary, Array("\0early".utf8)).bytes(maskedBy: 7)
        let client = try start("v5.channel.k8s.io, v4.channel.k8s.io", early: early)
        #expect(client.head.headers["Sec-WebSocket-Protocol"] == "v5.channel.k8s.io")
        #expect(client.head.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        let session = try session(client)
        #expect(session.request.command == ["sh", "-c", "echo 1"] && session.request.stdin && !session.request.tty)
        #expect(session.request.container == "c")
        client.send(4, #"{"Width":100,"Height":50}"# + "\n")
        try client.turn { $0.count >= 2 }
        session.client.output(.standardError, Array("wrong".utf8))
        client.send(WebSocketFrame(.binary, [255, 0]))
        try client.end()
        #expect(client.messages.first == .channel(1, []), "an empty message tells that the connection stands")
        #expect(client.text(1) == "early" && client.text(2) == "wrong")
        #expect(session.size.map { $0 == (50, 100) } == true)
        let status = try client.status()
        #expect(status["status"] == "Failure" && status["reason"] == "NonZeroExitCode")
        #expect(status["details"]?["causes"]?.arrayValue == [["reason": "ExitCode", "message": "7"]])
        #expect(client.messages.last == .close(.normal, ""))
        try client.harness.turn { client.harness.server.connectionCount == 0 }
    }

    @Test(arguments: ["v5.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io", nil])
    func everyBinaryProtocolCarriesBytesAndTellsTheEndInItsWay(name: String?) throws {
        for (code, failure) in [(0, nil), (3, nil), (0, "no such program")] as [(Int32, String?)] {
            let client = try start(name)
            #expect(client.head.headers["Sec-WebSocket-Protocol"] == name)
            client.send(0, "hello")
            try client.turn { _ in client.text(1) == "hello" }
            try session(client).client.finished(failure.map { .failure(.badRequest($0)) } ?? .success(code))
            try client.end()
            if name?.hasPrefix("v") == true {
                let status = try client.status()
                #expect(status["status"] == (code == 0 && failure == nil ? "Success" : "Failure"))
                if let failure { #expect(status["message"] == .string(failure) && status["reason"] == "BadRequest") }
            } else {
                let message = code == 0 ? "" : "command terminated with non-zero exit code: exit status \(code)"
                #expect(client.text(3) == failure ?? message)
            }
            #expect(client.messages.last == .close(.normal, ""))
        }
    }

    @Test(arguments: ["v4.base64.channel.k8s.io", "base64.channel.k8s.io"])
    func withBase64EveryMessageIsText(name: String) throws {
        let client = try start(name)
        client.send(WebSocketFrame(.text, Array("0aGVsbG8=".utf8)))
        try client.turn { $0.count == 2 }
        #expect(client.messages == [.text("1"), .text("1aGVsbG8=")])
        try session(client).client.finished(.success(0))
        try client.end()
        if name.hasPrefix("v4") {
            guard case .text(let text) = client.messages[2] else { throw HTTPError(502, "no text") }
            let status = try #require(Base64.decode(text.utf8.dropFirst()))
            #expect(text.hasPrefix("3") && String(decoding: status, as: UTF8.self).contains("\"Success\""))
        } else {
            #expect(client.messages[2...] == [.close(.normal, "")])
        }
    }

    @Test func onlyV5ClosesTheInput() throws {
        let client = try start("v4.channel.k8s.io")
        client.send(WebSocketFrame(.binary, [255, 0]))
        client.send(0, "still open")
        try client.turn { _ in client.text(1) == "still open" }
        let closed = try start("v5.channel.k8s.io")
        closed.send(WebSocketFrame(.binary, [255, 9]))
        closed.send(WebSocketFrame(.binary, [255, 0]))
        closed.send(0, "too late")
        try closed.end()
        #expect(closed.text(1).isEmpty)
        #expect(try session(closed).received == 0)
    }

    @Test func onlyTheStreamsThatWereAskedForAreSent() throws {
        let quiet = try start("v4.channel.k8s.io", "/exec/default/a/c?command=sh&error=1")
        quiet.send(0, "not wanted")
        quiet.send(9, "unknown")
        quiet.send(WebSocketFrame(.binary, []))
        quiet.send(WebSocketFrame(.ping, [1]))
        try quiet.turn { $0.contains(.pong([1])) }
        let session = try session(quiet)
        session.client.output(.standardOutput, [1])
        session.client.output(.standardError, [2])
        try quiet.turn { _ in quiet.bytes(2) == [2] }
        #expect(quiet.messages.first == .channel(2, []) && quiet.bytes(1).isEmpty && session.received == 0)

        let terminal = try start("v5.channel.k8s.io", Self.target + "&tty=1")
        let process = try self.session(terminal)
        #expect(process.request.tty)
        process.client.output(.standardError, [1])
        process.client.output(.standardOutput, [2])
        try terminal.turn { _ in terminal.bytes(1) == [2] }
        #expect(terminal.bytes(2).isEmpty)
        let server = try start("v5.channel.k8s.io", "/exec/default/a/c?command=sh&stdin=true&stdout=true")
        #expect(try self.session(server).request.stdin && server.head.status == 101)
    }

    @Test func attachSpeaksTheSame() throws {
        let client = try start("v5.channel.k8s.io", "/attach/default/a/c?stdin=1&stdout=1")
        #expect(client.harness.node.attached.map(\.stdin) == [true])
        client.send(0, "hello")
        try client.turn { _ in client.text(1) == "hello" }
        client.send(WebSocketFrame(.binary, [255, 0]))
        try client.end()
        #expect(try client.status()["reason"] == "NonZeroExitCode")
    }

    @Test func theClientsOrderDecidesAndUnknownProtocolsArePassedOver() throws {
        let client = try start("v9.channel.k8s.io, channel.k8s.io, v5.channel.k8s.io")
        #expect(client.head.headers["Sec-WebSocket-Protocol"] == "channel.k8s.io")
    }

    @Test func aPingIsAnsweredAndAPongPassedOver() throws {
        let client = try start("v5.channel.k8s.io")
        client.send(WebSocketFrame(.pong, [9]))
        client.send(WebSocketFrame(.ping, Array("now".utf8)))
        try client.turn { $0.contains(.pong(Array("now".utf8))) }
    }

    @Test func theClientsCloseIsAnsweredAndEndsTheSession() throws {
        let client = try start("v5.channel.k8s.io")
        client.send(.close(WebSocketCloseCode(rawValue: 1001), "going"))
        try client.end()
        #expect(client.messages.last == .close(WebSocketCloseCode(rawValue: 1001), ""))
        #expect(try session(client).isCancelled)
        try client.harness.turn { client.harness.server.connectionCount == 0 }
    }

    @Test(
        arguments: [
            ("no mask", WebSocketFrame(.binary, [0, 1]).bytes(), 1002),
            ("no frame", [0xFF, 0xFF, 0xFF], 1002),
            ("no UTF-8", WebSocketFrame(.text, [0x30, 0xFF]).bytes(maskedBy: 1), 1007),
            ("a length of 2^40", [0x82, 0xFF, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 1009),
            ("the end of no channel", WebSocketFrame(.binary, [255]).bytes(maskedBy: 1), 1002),
            ("a size that is none", WebSocketFrame(.binary, [4] + Array("{}".utf8)).bytes(maskedBy: 1), 1007),
            ("a size that is no JSON", WebSocketFrame(.binary, [4, 0]).bytes(maskedBy: 1), 1007),
        ] as [(String, [UInt8], UInt16)])
    func whatBreaksTheProtocolClosesTheConnectionAndEndsTheSession(what: String, bytes: [UInt8], code: UInt16) throws {
        let client = try start("v5.channel.k8s.io")
        client.client.send(bytes)
        try client.end()
        guard case .close(let found, let reason) = client.messages.last else {
            throw HTTPError(502, "no close: \(what)")
        }
        #expect(found?.rawValue == code && !reason.isEmpty, "\(what): \(reason)")
        #expect(try session(client).isCancelled)
        try client.harness.turn { client.harness.server.connectionCount == 0 }
    }

    @Test func aClientThatGoesWithoutACloseEndsTheSession() throws {
        let client = try start("v4.channel.k8s.io")
        client.client.halfClose()
        try client.harness.turn { client.harness.node.session?.isCancelled == true }
    }

    @Test func whicheverSideIsTooFastIsHeldBack() throws {
        let client = try start("v5.channel.k8s.io")
        let session = try session(client)
        for _ in 0..<32 { session.client.output(.standardError, [UInt8](repeating: 1, count: 100_000)) }
        try client.harness.turn { session.isPaused }
        // It is asked and does not read: its pings are not answered for ever.
        for _ in 0..<200 { client.send(WebSocketFrame(.ping, [UInt8](repeating: 3, count: 125))) }
        for _ in 0..<20 { try client.harness.loop.turn(wait: false) }
        try client.turn { _ in client.bytes(2).count == 3_200_000 && !session.isPaused }
        #expect(!client.messages.contains { if case .pong = $0 { true } else { false } })
        session.refusesInput = true
        let frame = WebSocketFrame(.binary, [UInt8](repeating: 0, count: 60_001)).bytes(maskedBy: 1)
        var sent = 0
        for _ in 0..<100 {
            sent += max(0, client.client.send(frame))
            try client.harness.loop.turn(wait: false)
        }
        #expect(session.received == 60_000)
        #expect(sent < 100 * frame.count)
    }

    @Test func refusalsComeAsAnswersThatClientsTryTheNextProtocolAfter() throws {
        let harness = try Harness()
        let request = WebSocketClient.request(Self.target, "v5.channel.k8s.io")
        let missing = try harness.exchange(request)
        #expect(missing.status == 404 && missing.text.contains("not found"))
        harness.node.setPod("a", phase: "Running")
        let unknown = try harness.exchange(WebSocketClient.request(Self.target, "v9.channel.k8s.io"))
        #expect(unknown.status == 400 && unknown.text.contains("v5.channel.k8s.io"))
        let none = try harness.exchange(WebSocketClient.request("/exec/default/a/c?command=sh", nil))
        #expect(none.status == 400 && none.text == "you must specify at least 1 of stdin, stdout, stderr\n")
        #expect(harness.node.session == nil)
        let old = try harness.exchange(request.replacing("Version: 13", with: "Version: 8"))
        #expect(old.status == 426 && old.head.headers["Sec-WebSocket-Version"] == "13")
        let keyless = try harness.exchange(request.replacing("dGhlIHNhbXBsZSBub25jZQ==", with: "x"))
        #expect(keyless.status == 400 && keyless.text.contains("Sec-WebSocket-Key"))
        let spdy = try harness.exchange(
            "POST \(Self.target) HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
                + "X-Stream-Protocol-Version: v4.channel.k8s.io\r\nContent-Length: 0\r\n\r\n")
        #expect(spdy.status == 426 && spdy.text.contains("does not speak spdy/3.1") && spdy.text.contains("WebSocket"))
        #expect(spdy.head.headers["Upgrade"] == "swiftlet-exec.v1, websocket")
        #expect(harness.node.session == nil)
    }
}
