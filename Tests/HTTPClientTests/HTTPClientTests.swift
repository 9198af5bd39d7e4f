import Base
import CLinux
import HTTP
import TestSupport
import Testing

@testable import HTTPClient

@Suite struct HTTPClientTests {
    let loop: EventLoop
    let server: ScriptServer

    init() throws {
        loop = try EventLoop()
        server = try ScriptServer(loop)
    }

    func harness(_ change: (inout ClientOptions) -> Void = { _ in }) throws -> ClientHarness {
        var options = ClientOptions()
        change(&options)
        return try ClientHarness(loop, server.url, options)
    }

    static func ok(_ body: String) -> String { "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)" }

    @Test func anAnswerComesWholeAndTheConnectionIsKept() throws {
        server.script = [[.send(Self.ok("one"))], [.send(Self.ok("two"))]]
        let harness = try harness { $0.headers = [.init("X-Site", "a7")] }
        #expect(try harness.text() == "one")
        #expect(try harness.text() == "two")
        #expect(server.accepted == 1)
        let head = try #require(server.requests.first)
        #expect(head.target == "/pods?x=1")
        #expect(head.headers["Host"] == "127.0.0.1:\(server.port)")
        #expect(head.headers["X-Site"] == "a7")
        #expect(head.headers["Accept-Encoding"] == nil)
    }

    @Test func aBodyIsSentWithItsLength() throws {
        server.script = [[.send("HTTP/1.1 204 No Content\r\n\r\n")]]
        let body = String(repeating: "x", count: 1 << 20)
        let response = try harness().send(ClientRequest("POST", body: Array(body.utf8))).get()
        #expect(response.head.status == 204)
        #expect(server.bodies.first == body)
    }

    @Test func chunksInAnyPiecesMakeOneBody() throws {
        server.script = [
            [
                .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"),
                .send("2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n"),
            ]
        ]
        #expect(try harness().text() == "hello")
    }

    @Test func aKeptConnectionThatTheServerClosedIsMadeAnew() throws {
        server.script = [[.send(Self.ok("one"))], [.close], [.send(Self.ok("two"))]]
        let harness = try harness()
        #expect(try harness.text() == "one")
        #expect(try harness.text() == "two", "the second request is sent again over a new connection")
        #expect(server.accepted == 2)
    }

    @Test func aNewConnectionThatIsClosedWithoutAnAnswerIsAnError() throws {
        server.script = [[.close]]
        #expect(try harness().failure()?.kind == .connection)
        #expect(server.accepted == 1)
    }

    @Test func aServerThatIsNotThereIsAnError() throws {
        let harness = try ClientHarness(loop, "http://127.0.0.1:1/")
        let error = try #require(try harness.failure())
        #expect(error.kind == .connection)
        #expect(error.message.contains("ECONNREFUSED"), "\(error)")
    }

    @Test func allAddressesOfANameAreTried() throws {
        // Nothing listens at ::1 or, in a namespace without it, it cannot even be asked.
        server.script = [[.send(Self.ok("one"))]]
        let harness = try ClientHarness(loop, "http://localhost:\(server.port)/")
        #expect(try harness.text() == "one")
    }

    @Test func aNameWithoutAnAddressIsAnError() throws {
        let harness = try ClientHarness(loop, "http://no-such-host.invalid/")
        #expect(try harness.failure()?.kind == .name)
    }

    @Test func aServerThatSaysNothingIsGivenUp() throws {
        server.script = [[.hang]]
        let harness = try harness { $0.responseTimeout = .milliseconds(50) }
        let error = try #require(try harness.failure())
        #expect(error.kind == .timeOut)
        #expect(error.message.contains("not answered within"), "\(error)")
    }

    @Test func aBodyThatDoesNotEndIsGivenUp() throws {
        server.script = [[.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx"), .hang]]
        let harness = try harness { $0.timeout = .milliseconds(80) }
        let error = try #require(try harness.failure())
        #expect(error.kind == .timeOut)
        #expect(error.message.contains("in full"), "\(error)")
    }

    @Test func informationalAnswersAreNoneAndTheirNumberIsBounded() throws {
        let goOn = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        server.script = [[.send(goOn + Self.ok("one"))], [.send(String(repeating: goOn, count: 40))]]
        let harness = try harness()
        #expect(try harness.text() == "one")
        #expect(try harness.failure()?.kind == .answer)
    }

    @Test(arguments: [
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX: a\u{0}b\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: $LONG\r\n\r\n",
    ])
    func anAnswerThatTwoReadersCouldUnderstandDifferentlyOrThatIsTooMuchIsRefused(answer: String) throws {
        let sent = answer.replacing("$LONG", with: String(repeating: "y", count: 70_000))
        server.script = [[.send(sent), .close]]
        let harness = try harness { $0.bodyLimit = 100 }
        let error = try #require(try harness.failure())
        #expect(error.kind == .answer, "\(error)")
    }

    @Test func anEndlessBodyIsNotTakenBeyondTheLimit() throws {
        let endless = "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 200)
        server.script = [[.send(endless), .hang]]
        let harness = try harness { $0.bodyLimit = 100 }
        #expect(try harness.failure()?.kind == .answer)
    }

    @Test func aBodyThatIsCutOffIsAnError() throws {
        server.script = [[.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), .close]]
        #expect(try harness().failure()?.kind == .answer)
    }

    @Test func aRedirectIsAnAnswerAndNotFollowed() throws {
        server.script = [[.send("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")]]
        #expect(try harness().send().get().head.status == 302)
        #expect(server.requests.count == 1)
    }

    @Test func bytesThatNobodyAskedForEndTheConnection() throws {
        server.script = [[.send(Self.ok("one") + "HTTP/1.1 200 OK\r\n")], [.send(Self.ok("two"))]]
        let harness = try harness()
        #expect(try harness.text() == "one")
        #expect(try harness.text() == "two")
        #expect(server.accepted == 2)
    }

    @Test func aTokenIsReadAgainBeforeEachRequest() throws {
        let folder = try TemporaryDirectory()
        let file = folder.path + "/token"
        server.script = [[.send(Self.ok("1"))], [.send(Self.ok("2"))]]
        let harness = try harness { $0.tokenFile = file }
        #expect(try harness.failure()?.kind == .files)
        try Files.replace(file, with: "first\n".utf8, durable: false)
        _ = try harness.text()
        try Files.replace(file, with: "second\n".utf8, durable: false)
        _ = try harness.text()
        #expect(server.requests.map { $0.headers["Authorization"] } == ["Bearer first", "Bearer second"])
        try Files.replace(file, with: "two words\r\nX: y".utf8, durable: false)
        #expect(try harness.failure()?.kind == .files)
    }

    @Test func whatIsGivenUpIsAnsweredOnce() throws {
        server.script = [[.hang], [.send(Self.ok("two"))]]
        let harness = try harness()
        var first: [Bool] = []
        harness.client.send(ClientRequest("GET")) { result in
            if case .failure(let error) = result { first.append(error.kind == .cancelled) }
        }
        try loop.turn { server.requests.count == 1 }
        #expect(try harness.text() == "two")
        #expect(first == [true])
    }
}
