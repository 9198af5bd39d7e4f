import HTTP
import Testing

@Suite struct SerializerTests {
    @Test func whatIsWrittenReadsBack() throws {
        let head = HTTPRequestHead(
            method: "POST", target: RequestTarget(path: ["a b", "c/d"], query: [.init("k", "v&w=ä")]).text,
            headers: ["Host": "x", "Transfer-Encoding": "chunked"])
        var bytes = HTTPSerializer.head(head)
        bytes += HTTPSerializer.chunk(Array("hello".utf8)) + HTTPSerializer.chunk([]) + HTTPSerializer.lastChunk
        var parser = HTTPRequestParser()
        parser.receive(bytes)
        #expect(try parser.next() == .head(head))
        #expect(try parser.next() == .body(Array("hello".utf8)))
        #expect(try parser.next() == .end)
        let target = try RequestTarget(parsing: head.target)
        #expect(target.path == ["a b", "c/d"])
        #expect(target.value("k") == "v&w=ä")
    }

    @Test func aValueCannotAddAField() {
        let head = HTTPResponseHead(status: 200, reason: "OK\r\nA: b", headers: ["X": "1\r\nSet: 2\n\0"])
        let text = String(decoding: HTTPSerializer.head(head), as: UTF8.self)
        #expect(text == "HTTP/1.1 200 OK  A: b\r\nX: 1  Set: 2  \r\n\r\n")
    }

    @Test func targetsAreDecoded() throws {
        let target = try RequestTarget(parsing: "/exec/ns/a%2Fb/?command=sh&command=-c&command=echo+1%2B1&tty")
        #expect(target.path == ["exec", "ns", "a/b"])
        #expect(target.values("command") == ["sh", "-c", "echo 1+1"])
        #expect(target.value("tty") == "")
        #expect(target.value("none") == nil)
        #expect(try RequestTarget(parsing: "/").path == [])
        #expect(try RequestTarget(parsing: "//a").path == ["", "a"])
    }

    @Test(arguments: ["/%", "/%2", "/%zz", "/%00", "/%ff", "/a?b=%", "*", ""])
    func brokenTargetsAreRefused(target: String) {
        #expect(throws: HTTPError.self) { try RequestTarget(parsing: target) }
    }
}
