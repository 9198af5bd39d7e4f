import Base
import HTTP
import Testing

@testable import HTTPClient

/// Makes probes and waits for what they find.
struct Prober {
    let loop: EventLoop
    let trust = UnverifiedTLS()

    func get(
        _ url: String, fields: [(String, String)] = [], timeout: Nanoseconds = .seconds(20)
    ) throws -> HTTPProbe.Outcome {
        var found: HTTPProbe.Outcome?
        let fields = fields.map { HTTPHeaders.Field($0.0, $0.1) }
        let probe = HTTPProbe(
            try HTTPURL(url), fields: fields, timeout: timeout, trust: trust, loop: loop, work: InlineWork(loop)
        ) { outcome in
            #expect(found == nil)
            found = outcome
        }
        #expect(found == nil, "nothing is told from inside the call")
        try withExtendedLifetime(probe) { try loop.turn { found != nil } }
        return try #require(found)
    }

    func dial(_ host: String, _ port: UInt16, timeout: Nanoseconds = .seconds(20)) throws -> String? {
        var found: String??
        let probe = TCPProbe(host, port, timeout: timeout, loop: loop, work: InlineWork(loop)) { found = $0 }
        try withExtendedLifetime(probe) { try loop.turn { found != nil } }
        return found ?? nil
    }
}

@Suite struct HTTPProbeTests {
    let loop: EventLoop
    let server: ScriptServer
    let prober: Prober

    init() throws {
        loop = try EventLoop()
        server = try ScriptServer(loop)
        prober = Prober(loop: loop)
    }

    var base: String { "http://127.0.0.1:\(server.port)" }

    func get(_ script: [ScriptServer.Step]..., timeout: Nanoseconds = .seconds(20)) throws -> HTTPProbe.Outcome {
        server.script = script
        return try prober.get("\(base)/healthz?deep=1", timeout: timeout)
    }

    static func answer(_ status: String, _ body: String = "", _ fields: String = "") -> ScriptServer.Step {
        .send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
    }

    @Test func anAnswerOfTheTwoHundredsIsASuccess() throws {
        #expect(try get([Self.answer("200 OK", "fine")]) == .success("fine"))
        #expect(try get([Self.answer("299 Odd", "fine")]) == .success("fine"))
        #expect(try get([.send("HTTP/1.1 204 No Content\r\n\r\n")]) == .success(""))
        #expect(try get([.send("HTTP/1.0 200 OK\r\n\r\nto the end"), .close]) == .success("to the end"))
        let head = try #require(server.requests.first)
        #expect(head.method == "GET" && head.target == "/healthz?deep=1")
        #expect(head.headers["Host"] == "127.0.0.1:\(server.port)")
        #expect(head.headers["User-Agent"] == "kube-probe/1.36")
        #expect(head.headers["Accept"] == "*/*")
        #expect(head.headers["Accept-Encoding"] == nil)
        #expect(!head.keepsAlive && server.accepted == 4)
    }

    @Test func anyOtherAnswerIsAFailureWithItsStatusAndWithoutItsBody() throws {
        for status in [400, 404, 500, 503, 599] {
            #expect(
                try get([Self.answer("\(status) No", "secret")])
                    == .failure("HTTP probe failed with statuscode: \(status)"))
        }
        #expect(
            try get([.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")])
                == .failure("HTTP probe failed with statuscode: 101"))
    }

    @Test func fieldsTakeThePlaceOfTheUsualOnes() throws {
        server.script = [[Self.answer("200 OK")], [Self.answer("200 OK")]]
        let fields = [("host", "web.example"), ("user-agent", "me"), ("Accept", ""), ("X-A", "1"), ("X-A", "2")]
        #expect(try prober.get(base + "/", fields: fields) == .success(""))
        let headers = try #require(server.requests.first).headers
        #expect(headers.all("Host") == ["web.example"])
        #expect(headers.all("User-Agent") == ["me"])
        #expect(headers["Accept"] == nil)
        #expect(headers.all("X-A") == ["1", "2"])
        #expect(try prober.get(base + "/", fields: [("X-B", "a\r\nX-C: b")]) == .success(""))
        #expect(server.requests.last?.headers["X-C"] == nil, "no value becomes a field")
    }

    @Test func redirectsAreFollowedWithinTheHost() throws {
        let script: [[ScriptServer.Step]] = [
            [Self.answer("302 Found", "", "Location: /a?b=c\r\n")],
            [Self.answer("307 Away", "", "Location: d#top\r\n")],
            [Self.answer("301 Moved", "", "Location: \(base)/x y/\r\n")],
            [Self.answer("200 OK", "end")],
        ]
        server.script = script
        #expect(try prober.get(base + "/1/2") == .success("end"))
        #expect(server.requests.map(\.target) == ["/1/2", "/a?b=c", "/d", "/x%20y/"])
        server.script = [[Self.answer("302 Found", "", "Location: mailto:me\r\n")]]
        guard case .failure = try prober.get(base + "/") else {
            Issue.record("it leads nowhere")
            return
        }
    }

    @Test func aRedirectToAnotherHostIsASuccessThatIsToldOf() throws {
        let step = Self.answer("302 Found", "over there", "Location: http://elsewhere.example/\r\n")
        #expect(try get([step]) == .redirected("over there"))
        #expect(try get([Self.answer("302 Found", "nowhere")]) == .redirected("nowhere"))
        #expect(try get([Self.answer("304 Same")]) == .redirected(""))
    }

    @Test func redirectsThatDoNotEndAreAFailure() throws {
        server.script = (0..<12).map { [Self.answer("302 Found", "", "Location: /\($0)\r\n")] }
        guard case .failure(let message) = try prober.get(base + "/") else {
            Issue.record("it is a success")
            return
        }
        #expect(message.hasSuffix("stopped after 10 redirects"), "\(message)")
        #expect(server.requests.count == 10)
    }

    @Test func onlyTheBeginningOfABodyIsWaitedFor() throws {
        let long = String(repeating: "x", count: 10 << 10)
        let outcome = try get([.send("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n\(long)and more"), .hang])
        #expect(outcome == .success(long))
    }

    @Test func aBodyThatDoesNotComeSaysNothing() throws {
        let begun = ScriptServer.Step.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        guard case .unfinished(let late) = try get([begun, .hang], timeout: .milliseconds(50)),
            case .unfinished(let cut) = try get([begun, .close])
        else {
            Issue.record("it is a verdict")
            return
        }
        #expect(late.hasPrefix("context deadline exceeded") && cut.hasPrefix("unexpected EOF"))
    }

    @Test func whatIsNoAnswerIsAFailureThatNamesTheURL() throws {
        let url = "\(base)/healthz?deep=1"
        #expect(
            try get([.hang], timeout: .milliseconds(50))
                == .failure(
                    "Get \"\(url)\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"))
        #expect(try get([.close]) == .failure("Get \"\(url)\": EOF"))
        guard case .failure(let message) = try get([.send("SSH-2.0-x\r\n")]) else {
            Issue.record("it is a success")
            return
        }
        #expect(message.hasPrefix("Get \"\(url)\": net/http: HTTP/1.x transport connection broken:"), "\(message)")
    }

    @Test func whatDoesNotListenIsAFailure() throws {
        #expect(
            try prober.get("http://127.0.0.1:1/")
                == .failure("Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused"))
        #expect(try prober.dial("127.0.0.1", 1) == "dial tcp 127.0.0.1:1: connect: connection refused")
        #expect(try prober.dial("127.0.0.1", server.port) == nil)
        #expect(try prober.dial("localhost", server.port) == nil, "all addresses of a name are tried")
    }

    @Test func aProbeThatIsGivenUpSaysNothing() throws {
        server.script = [[.hang]]
        let probe = HTTPProbe(
            try HTTPURL(base), timeout: .milliseconds(20), trust: prober.trust, loop: loop, work: InlineWork(loop)
        ) { _ in Issue.record("it was given up") }
        try loop.turn { server.requests.count == 1 }
        probe.cancel()
        let end = BootInstant.now + .milliseconds(40)
        try loop.turn { BootInstant.now > end }
    }

    @Test func aPathIsSentAsItsAuthorMeantIt() throws {
        let paths = [
            "": "/", "healthz": "/healthz", "/a b/ä?q=1": "/a%20b/%C3%A4?q=1", "/a%20b#top": "/a%20b",
            "/100%?x#y": "/100%25%3Fx%23y", "/\"<x>\"": "/%22%3Cx%3E%22",
        ]
        for (path, target) in paths {
            #expect(try HTTPURL(isSecure: false, host: "10.0.0.1", port: 80, path: path).target == target, "\(path)")
        }
        let v6 = try HTTPURL(isSecure: true, host: "fd00::1", port: 8443, path: "/")
        #expect(v6.host == "fd00::1" && v6.authority == "[fd00::1]:8443")
        #expect(throws: HTTPError.self) { try HTTPURL(isSecure: false, host: "a b", port: 80, path: "/") }
    }
}
