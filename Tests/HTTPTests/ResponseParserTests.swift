import HTTP
import Testing

@Suite struct ResponseParserTests {
    func events(_ text: String, method: String = "GET", closes: Bool = false) throws -> [HTTPResponseParser.Event] {
        var parser = HTTPResponseParser(method: method)
        parser.receive(Array(text.utf8))
        if closes { parser.finish() }
        var events: [HTTPResponseParser.Event] = []
        while let event = try parser.next() { events.append(event) }
        return events
    }

    @Test func aBodyOfKnownLengthEnds() throws {
        let all = try events("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 204 No Content\r\n\r\n")
        #expect(all.count == 5)
        #expect(all[1] == .body(Array("hi".utf8)))
        #expect(all[4] == .end)
    }

    @Test func aBodyWithoutLengthEndsWithTheConnection() throws {
        let text = "HTTP/1.1 200 OK\r\n\r\nhello"
        #expect(try events(text).count == 2)
        #expect(try events(text, closes: true).last == .end)
    }

    @Test func aBodyCutOffIsAnError() {
        #expect(throws: HTTPError.self) {
            try events("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", closes: true)
        }
        #expect(throws: HTTPError.self) {
            try events("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", closes: true)
        }
        #expect(throws: HTTPError.self) { try events("HTTP/1.1 20", closes: true) }
    }

    @Test func aResponseToHeadHasNoBody() throws {
        let all = try events("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", method: "HEAD")
        #expect(all.last == .end)
    }

    @Test func informationalResponsesComeFirstAndAreBounded() throws {
        let all = try events("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
        guard case .informational(let head)? = all.first else {
            Issue.record("\(all)")
            return
        }
        #expect(head.status == 100)
        let flood = String(repeating: "HTTP/1.1 102 Processing\r\n\r\n", count: 20)
        #expect(throws: HTTPError.self) { try events(flood) }
    }

    @Test func afterSwitchingProtocolsTheRestIsRaw() throws {
        var parser = HTTPResponseParser(method: "POST")
        parser.receive(Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\0\u{1}raw".utf8))
        guard case .head(let head)? = try parser.next() else {
            Issue.record("no head")
            return
        }
        #expect(head.status == 101)
        #expect(try parser.next() == nil)
        #expect(parser.takeRest() == Array("\0\u{1}raw".utf8))
    }

    @Test(arguments: [
        "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 abc\r\n", "HTTP/3 200 OK\r\n", "hello\r\n", "HTTP/1.1 099 X\r\n",
    ])
    func aBadStatusLineIsRefused(line: String) {
        #expect(throws: HTTPError.self) { try events(line) }
    }
}
