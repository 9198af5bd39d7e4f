import HTTP
import Testing

/// All events of `text`, handed in pieces of `step` bytes.
func requestEvents(_ text: String, step: Int = 1 << 20, limits: HTTPLimits = HTTPLimits()) throws
    -> [HTTPRequestParser.Event]
{
    var parser = HTTPRequestParser(limits: limits)
    var events: [HTTPRequestParser.Event] = []
    let bytes = Array(text.utf8)
    var i = 0
    while i < bytes.count {
        parser.receive(Array(bytes[i..<min(i + step, bytes.count)]))
        i += step
        while let event = try parser.next() { events.append(event) }
    }
    return events
}

/// Neighbouring pieces of a body joined.
func joined(_ events: [HTTPRequestParser.Event]) -> [HTTPRequestParser.Event] {
    var out: [HTTPRequestParser.Event] = []
    for event in events {
        if case .body(let next) = event, case .body(let last)? = out.last {
            out[out.count - 1] = .body(last + next)
        } else {
            out.append(event)
        }
    }
    return out
}

@Suite struct RequestParserTests {
    static let two = """
        POST /a?b=c HTTP/1.1\r
        Host: x\r
        Content-Length: 5\r
        X-Empty:\r
        X-Space: \t a b \t \r
        \r
        helloPOST /chunked HTTP/1.1\r
        host: x\r
        transfer-encoding: Chunked\r
        \r
        3;ext=1\r
        abc\r
        A\r
        0123456789\r
        0\r
        Trailer: dropped\r
        \r
        GET / HTTP/1.0\r
        \r

        """

    @Test(arguments: [1, 2, 3, 7, 64, 1 << 20])
    func pipelinedRequestsComeOutTheSameInAnyPieces(step: Int) throws {
        let events = joined(try requestEvents(Self.two, step: step))
        #expect(events.count == 8)
        guard case .head(let first) = events[0], case .head(let second) = events[3], case .head(let third) = events[6]
        else {
            Issue.record("no heads: \(events)")
            return
        }
        #expect(first.method == "POST" && first.target == "/a?b=c" && first.headers["x-space"] == "a b")
        #expect(first.headers["X-EMPTY"] == "" && first.keepsAlive)
        #expect(events[1] == .body(Array("hello".utf8)))
        #expect(second.headers["Transfer-Encoding"] == "Chunked")
        #expect(events[4] == .body(Array("abc0123456789".utf8)))
        #expect(third.version == .http10 && !third.keepsAlive)
        #expect(events[7] == .end)
    }

    @Test(arguments: [
        ("both lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\n", 400),
        ("a signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n", 400),
        ("a huge length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("an empty length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        ("two encodings", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (
            "an encoding twice",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400
        ),
        ("an encoding in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        ("space before the colon", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\n", 400),
        ("bare LF", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400),
        ("bare LF in a field", "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400),
        ("bare CR", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: x\0\r\n\r\n", 400),
        ("no name", "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400),
        ("no colon", "GET / HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n", 400),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("two spaces", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("no version", "GET /\r\nHost: x\r\n\r\n", 400),
        ("version 2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 505),
        ("an absolute target", "GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a bad method", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a chunk without size", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n;a\r\n", 400),
        ("a chunk size with 0x", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n", 400),
        ("a negative chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 400),
        (
            "a chunk too large",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", 400
        ),
        (
            "a chunk longer than said", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            400
        ),
        (
            "a field smuggled into trailers",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA b: c\r\n\r\n", 400
        ),
    ])
    func whatTwoReadersCouldUnderstandDifferentlyIsRefused(_ name: String, _ text: String, _ status: Int) {
        for step in [1, 5, 1 << 20] {
            #expect(throws: HTTPError.self, "\(name)") { try requestEvents(text, step: step) }
            do {
                _ = try requestEvents(text, step: step)
            } catch {
                #expect((error as? HTTPError)?.status == status, "\(name): \(error)")
            }
        }
    }

    @Test func everythingHasALimit() throws {
        let limits = HTTPLimits(line: 100, head: 300, fields: 5, body: 10)
        func status(_ text: String) -> Int? {
            do {
                _ = try requestEvents(text, limits: limits)
                return nil
            } catch { return (error as? HTTPError)?.status }
        }
        let long = String(repeating: "a", count: 101)
        #expect(status("GET /\(long)") == 414)
        #expect(status("GET / HTTP/1.1\r\nHost: x\r\nA: \(long)") == 431)
        let fields = (0..<5).map { "A\($0): b\r\n" }.joined()
        #expect(status("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n") == 431)
        let wide = (0..<4).map { "A\($0): \(String(repeating: "b", count: 90))\r\n" }.joined()
        #expect(status("GET / HTTP/1.1\r\nHost: x\r\n\(wide)\r\n") == 431)
        #expect(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n") == 413)
        #expect(status("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n") == nil)
        let chunks = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n"
        #expect(status(chunks + "4\r\n1234\r\n0\r\n\r\n") == nil)
        #expect(status(chunks + "5\r\n12345\r\n") == 413)
        let trailers = (0..<6).map { "A\($0): b\r\n" }.joined()
        #expect(status(chunks + "0\r\n\(trailers)\r\n") == 431)
    }

    @Test func aParserThatFailedStaysFailed() {
        var parser = HTTPRequestParser()
        parser.receive(Array("BAD\r\n".utf8))
        #expect(throws: HTTPError.self) { try parser.next() }
        parser.receive(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        #expect(throws: HTTPError.self) { try parser.next() }
    }

    @Test func upgradeAndContinueAreSeenAndTheRestIsHandedOver() throws {
        var parser = HTTPRequestParser()
        let text =
            "GET /exec HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: Swiftlet-Exec.v1\r\n"
            + "Expect: 100-Continue\r\n\r\nraw bytes"
        parser.receive(Array(text.utf8))
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.upgrades == ["swiftlet-exec.v1"])
        #expect(head.expectsContinue)
        #expect(try parser.next() == .end)
        #expect(parser.takeRest() == Array("raw bytes".utf8))
        #expect(parser.isIdle)
    }
}
