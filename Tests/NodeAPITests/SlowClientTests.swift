import Base
import CLinux
import HTTP
import NodeAPITestSupport
import Testing

@testable import NodeAPI

/// Clients that take their time, or too much room, or say two things at once.
@Suite struct SlowClientTests {
    static let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Sends `bytes` again and again, one byte a turn, until the node closes; how many were sent.
    func drip(_ harness: Harness, _ client: Client, _ bytes: [UInt8]) throws -> Int {
        var sent = 0
        try harness.turn {
            client.receive()
            if !client.isClosed, client.bytes.isEmpty, client.send([bytes[sent % bytes.count]]) == 1 { sent += 1 }
            return client.isClosed
        }
        return sent
    }

    @Test func aHeadThatNeverEndsIsCutAtItsDeadlineHoweverItDrips() throws {
        var limits = HTTPServer.Limits()
        limits.head = .milliseconds(100)
        limits.linger = .milliseconds(50)
        let harness = try Harness(limits)
        let client = try harness.client()
        client.send("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        let start = BootInstant.now
        let sent = try drip(harness, client, Array("and steady ".utf8))
        #expect(client.text.hasPrefix("HTTP/1.1 408 "))
        // A byte does not move the deadline: it came while bytes came.
        #expect(sent > 5 && BootInstant.now - start < .seconds(5))
        try harness.turn { harness.server.connectionCount == 0 }
    }

    @Test func aBodyThatStopsIsGivenUp() throws {
        var limits = HTTPServer.Limits()
        limits.stall = .milliseconds(50)
        let harness = try Harness(limits)
        let client = try harness.client()
        client.send("POST /swiftlet/v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        #expect(try harness.response(client).status == 408)
        #expect(harness.node.loaded.isEmpty)
        try harness.turn { harness.server.connectionCount == 0 }
    }

    @Test func aClientThatTakesNoAnswerIsGivenUp() throws {
        var limits = HTTPServer.Limits()
        limits.stall = .milliseconds(50)
        let harness = try Harness(limits)
        harness.node.setPod(String(repeating: "p", count: 4_000_000), phase: "Running")
        let client = try harness.client()
        client.send("GET /pods HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn { harness.node.listings == 1 }
        try harness.turn { harness.server.connectionCount == 0 }
        client.receive()
        #expect(client.bytes.count < 4_000_000)
    }

    @Test(arguments: [
        ("one endless line", "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", "a", 431),
        ("endless fields", "GET /healthz HTTP/1.1\r\nHost: x\r\n", "X: y\r\n", 431),
        ("an endless target", "GET /", "a", 414), ("an endless method", "", "A", 414),
        ("empty lines", "", "\r\n", 400),
        ("an endless chunk size", "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "0", 400),
        (
            "endless trailers", "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "X: y\r\n", 431
        ),
        (
            "an endless body", "POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            "5\r\nhello\r\n", 413
        ),
    ])
    func whatHasNoEndIsRefusedBeforeItIsKept(what: String, start: String, again: String, status: Int) throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send(start)
        let part = Array(String(repeating: again, count: 8192 / again.utf8.count).utf8)
        var sent = 0
        var response: Response?
        try harness.turn {
            sent += max(0, client.send(part))
            client.receive()
            response = try client.nextResponse()
            return response != nil
        }
        #expect(response?.status == status, "\(what)")
        #expect(sent < 1 << 20, "\(what): \(sent) bytes were taken")
    }

    @Test func idleConnectionsMakeRoomForNewOnes() throws {
        var limits = HTTPServer.Limits()
        limits.connections = 4
        limits.settled = Nanoseconds(0)
        let harness = try Harness(limits)
        let watcher = try harness.client()
        watcher.send("GET /swiftlet/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn { harness.node.watcherCount == 1 }
        let oldest = try harness.client()
        oldest.send(Self.request)
        _ = try harness.response(oldest)
        let idle = try (0..<2).map { _ in try harness.client() }
        try harness.turn { harness.server.connectionCount == 4 }
        // Many more than the limit are served, one after the other; each makes the longest idle one go.
        for _ in 0..<20 {
            let client = try harness.client()
            client.send(Self.request)
            #expect(try harness.response(client).status == 200)
            #expect(harness.server.connectionCount <= 4)
        }
        try harness.turn {
            oldest.receive()
            for client in idle { client.receive() }
            return oldest.isClosed && idle.allSatisfy(\.isClosed)
        }
        // What is at work stays.
        #expect(harness.node.watcherCount == 1)
    }

    @Test func oneThatIsAtWorkOrHasJustComeIsNotClosedForAnother() throws {
        var limits = HTTPServer.Limits()
        limits.connections = 3
        limits.settled = Nanoseconds(0)
        let harness = try Harness(limits)
        let clients = try (0..<3).map { _ in try harness.client() }
        for client in clients { client.send("GET /healthz HT") }
        try harness.turn { harness.server.connectionCount == 3 }
        for _ in 0..<3 { try harness.loop.turn(wait: false) }
        #expect(try harness.response(try harness.client()).status == 503)
        for client in clients {
            client.send("TP/1.1\r\nHost: x\r\n\r\n")
            #expect(try harness.response(client).status == 200)
        }
        // By default a connection has a second to begin.
        limits.settled = HTTPServer.Limits().settled
        let patient = try Harness(limits)
        let silent = try (0..<3).map { _ in try patient.client() }
        #expect(try patient.response(try patient.client()).status == 503)
        silent[0].send(Self.request)
        #expect(try patient.response(silent[0]).status == 200)
    }

    @Test func slowHeadsHoldTheirPlacesOnlyUntilTheirDeadline() throws {
        var limits = HTTPServer.Limits()
        limits.connections = 8
        limits.head = .milliseconds(100)
        limits.linger = .milliseconds(50)
        let harness = try Harness(limits)
        let slow = try (0..<8).map { _ in try harness.client() }
        for client in slow { client.send("GET /hea") }
        try harness.turn { harness.server.connectionCount == 8 }
        // They do not go away, and send on.
        try harness.turn {
            for client in slow { client.send("l") }
            return harness.server.connectionCount == 0
        }
        let client = try harness.client()
        client.send(Self.request)
        #expect(try harness.response(client).status == 200)
    }

    /// Each could be read as one request by one reader and as two by another: none of it may reach a route, and
    /// nothing after it is answered.
    @Test(arguments: [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n\r\n", "Content-Length: 0, 5\r\n\r\n", "Content-Length: +0\r\n\r\n",
        "Content-Length: 0x0\r\n\r\n", "Content-Length: -0\r\n\r\n", "Content-Length: 18446744073709551616\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n-0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\n\r\n", "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\nX\n\r\n\r\n",
        "Host: y\r\n\r\n",
    ])
    func whatTwoReadersCouldUnderstandDifferentlyIsRefused(fields: String) throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("POST /swiftlet/v1/drain HTTP/1.1\r\nHost: x\r\n" + fields + Self.request)
        let answer = try harness.response(client)
        #expect([400, 413, 501].contains(answer.status), "\(answer.status) \(answer.text)")
        #expect(answer.head.headers["Connection"] == "close")
        try harness.turn {
            client.receive()
            return client.isClosed
        }
        #expect(try client.nextResponse() == nil, "what stood after it was answered")
        #expect(!harness.node.isDrained)
    }
}
