import HTTP

/// What a parser gave, and how it ended.
private struct Reading<Event: Equatable>: Equatable {
    /// A body, in however many pieces it came, is one event without bytes.
    var events: [Event] = []
    var bodies: [[UInt8]] = []
    var error: HTTPError?

    mutating func add(_ event: Event, body: [UInt8]?, mark: Event) {
        guard let body else { return events.append(event) }
        precondition(!body.isEmpty, "an empty piece of a body")
        if events.last == mark {
            bodies[bodies.count - 1] += body
        } else {
            events.append(mark)
            bodies.append(body)
        }
    }
}

extension HTTPRequestParser.Event {
    fileprivate var body: [UInt8]? { if case .body(let bytes) = self { bytes } else { nil } }
}

extension HTTPResponseParser.Event {
    fileprivate var body: [UInt8]? { if case .body(let bytes) = self { bytes } else { nil } }
}

private let limits = HTTPLimits(line: 200, head: 400, fields: 8, body: 4096)

private func readRequests(_ bytes: [UInt8]) -> Reading<HTTPRequestParser.Event> {
    sameForAllPieces(bytes) { pieces in
        var parser = HTTPRequestParser(limits: limits)
        var reading = Reading<HTTPRequestParser.Event>()
        for piece in pieces {
            parser.receive(Array(piece))
            do throws(HTTPError) {
                while let event = try parser.next() { reading.add(event, body: event.body, mark: .body([])) }
            } catch {
                reading.error = error
                return reading
            }
            precondition(parser.buffered <= 1024, "bytes are kept: \(parser.buffered)")
        }
        return reading
    }
}

func fuzzRequest(_ bytes: [UInt8]) {
    let reading = readRequests(bytes)
    if let error = reading.error { precondition((400...599).contains(error.status), "status \(error.status)") }
    for case .head(let head) in reading.events {
        if let target = try? RequestTarget(parsing: head.target) {
            precondition((try? RequestTarget(parsing: target.text))?.query == target.query, "a query changes")
        }
        if WebSocketHandshake.isWanted(head), let handshake = try? WebSocketHandshake(head) {
            _ = handshake.answer(sum: [UInt8](repeating: 0, count: 20), chosen: handshake.protocols.first)
        }
        // Written again it is one head of the same fields.
        var again = HTTPRequestParser(limits: HTTPLimits(line: 1000, head: 2000, fields: 8, body: 4096))
        again.receive(HTTPSerializer.head(head))
        precondition((try? again.next()) == .head(head), "a head changes when it is written again")
    }
}

/// The body of a request: what stands there is read back from what it is written as.
func fuzzChunked(_ bytes: [UInt8]) {
    let head = Array("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
    let reading = readRequests(head + bytes)
    guard reading.events.count >= 3, let body = reading.bodies.first, reading.events[2] == .end else { return }
    let again = readRequests(head + HTTPSerializer.chunk(body) + HTTPSerializer.lastChunk)
    precondition(again.events == Array(reading.events[..<3]) && again.bodies == [body], "a body changes")
}

func fuzzResponse(_ bytes: [UInt8]) {
    for method in ["GET", "HEAD"] {
        let reading = sameForAllPieces(bytes) { pieces in
            var parser = HTTPResponseParser(method: method, limits: limits)
            var reading = Reading<HTTPResponseParser.Event>()
            do throws(HTTPError) {
                for piece in pieces {
                    parser.receive(Array(piece))
                    while let event = try parser.next() { reading.add(event, body: event.body, mark: .body([])) }
                }
                parser.finish()
                while let event = try parser.next() { reading.add(event, body: event.body, mark: .body([])) }
            } catch {
                reading.error = error
            }
            return reading
        }
        if let error = reading.error { precondition(error.status == 502, "status \(error.status)") }
    }
}
