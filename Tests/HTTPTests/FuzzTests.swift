import HTTP
import TestSupport
import Testing

@Suite struct FuzzTests {
    static let requests = [
        RequestParserTests.two,
        "GET /exec/a/b/c?command=x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: a, b\r\n\r\n\0\0\0\u{5}x",
        "PUT /%41%zz HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    ]
    static let responses = [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.0 404 Not Found\r\n\r\nuntil the end",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw",
    ]
    static let spices = [
        "\r\n", "\n", "\r", ":", " ", "\0", "Content-Length: 1\r\n", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n",
        "ffffffffffffffff", "%", "HTTP/1.1", "\u{FF}", ";",
    ]

    /// `text` with up to six bytes changed, dropped, doubled, or spiced.
    static func mutate(_ text: String, _ random: inout SplitMix) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &random) where !bytes.isEmpty {
            let i = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[i] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: i)
            case 2: bytes.insert(contentsOf: spices.randomElement(using: &random)!.utf8, at: i)
            case 3: bytes.removeSubrange(i..<min(bytes.count, i + Int.random(in: 1...20, using: &random)))
            default: bytes.insert(contentsOf: bytes[i..<min(bytes.count, i + 30)], at: i)
            }
        }
        return bytes
    }

    static func pieces(_ bytes: [UInt8], _ random: inout SplitMix) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var i = 0
        while i < bytes.count {
            let end = min(bytes.count, i + Int.random(in: 1...40, using: &random))
            pieces.append(Array(bytes[i..<end]))
            i = end
        }
        return pieces
    }

    @Test func noRequestMakesTheParserCrashOrDependOnThePieces() {
        for seed in 0..<20_000 as Range<UInt64> {
            var random = SplitMix(seed)
            let bytes = Self.mutate(Self.requests.randomElement(using: &random)!, &random)
            func run(_ pieces: [[UInt8]]) -> ([HTTPRequestParser.Event], HTTPError?) {
                var parser = HTTPRequestParser(limits: HTTPLimits(line: 200, head: 400, fields: 8, body: 64))
                var events: [HTTPRequestParser.Event] = []
                for piece in pieces {
                    parser.receive(piece)
                    do throws(HTTPError) {
                        while let event = try parser.next() { events.append(event) }
                    } catch { return (joined(events), error) }
                    if parser.buffered > 400 { Issue.record("seed \(seed): \(parser.buffered) bytes are kept") }
                }
                return (joined(events), nil)
            }
            let whole = run([bytes])
            let split = run(Self.pieces(bytes, &random))
            #expect(whole.0 == split.0 && whole.1 == split.1, "seed \(seed)")
            for case .head(let head) in whole.0 { _ = try? RequestTarget(parsing: head.target) }
        }
    }

    @Test func noResponseMakesTheParserCrash() {
        for seed in 0..<20_000 as Range<UInt64> {
            var random = SplitMix(seed)
            var parser = HTTPResponseParser(method: "GET", limits: HTTPLimits(line: 200, head: 400, fields: 8))
            let bytes = Self.mutate(Self.responses.randomElement(using: &random)!, &random)
            // Every error is an HTTPError by its type; that there is one is fine, too.
            do throws(HTTPError) {
                for piece in Self.pieces(bytes, &random) {
                    parser.receive(piece)
                    while try parser.next() != nil {}
                }
                parser.finish()
                while try parser.next() != nil {}
            } catch {
                #expect(error.status == 502)
            }
        }
    }
}
