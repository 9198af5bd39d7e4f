/// Reads the responses of one connection, in whatever pieces they come. It performs no input or output.
///
/// Used like `HTTPRequestParser`, with two more things to tell it: the method of each request, since a response to HEAD
/// has no body, and the end of the connection, which ends some bodies.
public struct HTTPResponseParser: Sendable {
    public enum Event: Sendable, Equatable {
        /// A 1xx head, after which the response itself follows. (Not 101, which is a response.)
        case informational(HTTPResponseHead)
        case head(HTTPResponseHead)
        case body([UInt8])
        case end
    }

    private enum State: Sendable {
        case start
        case fields(HTTPResponseHead, HeadReader)
        case body(BodyReader)
        case upgraded
        case failed(HTTPError)
    }

    private var state = State.start
    private var buffer = LineBuffer()
    private var isClosed = false
    private var informationals = 0
    public var limits: HTTPLimits
    /// The method of the request whose response comes next.
    public var method: String

    public init(method: String, limits: HTTPLimits = HTTPLimits(body: .max)) {
        self.method = method
        self.limits = limits
    }

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) { buffer.append(bytes) }

    public mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { buffer.append($0) } }

    /// Bytes that wait for `next`.
    public var buffered: Int { buffer.count }

    /// Tells that the connection has ended; then `next` gives the end of the body, or throws when it was cut off.
    public mutating func finish() { isClosed = true }

    /// Takes the bytes after a 101 response: they belong to the protocol that was switched to.
    public mutating func takeRest() -> [UInt8] { buffer.take(.max) }

    /// The next event; nil when more bytes must arrive.
    ///
    /// - Throws: `HTTPError` with status 502.
    public mutating func next() throws(HTTPError) -> Event? {
        do throws(HTTPError) {
            if let event = try advance() { return event }
            switch state {
            case .start where buffer.count == 0: return nil
            case .upgraded: return nil
            default:
                guard isClosed else { return nil }
                throw HTTPError(502, "the connection ended in the middle of a response")
            }
        } catch {
            let failure = HTTPError(502, error.message)
            state = .failed(failure)
            throw failure
        }
    }

    private mutating func advance() throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .failed(let error): throw error
            case .upgraded: return nil
            case .start:
                guard let line = try buffer.line(limit: limits.line, tooLong: 502) else { return nil }
                var reader = HeadReader()
                try reader.count(line, limits)
                state = .fields(try Self.statusLine(line), reader)
            case .fields(var head, var reader):
                guard let line = try buffer.line(limit: limits.line, tooLong: 502) else { return nil }
                guard line.isEmpty else {
                    try reader.add(line, limits)
                    state = .fields(head, reader)
                    continue
                }
                head.headers = HTTPHeaders(reader.fields)
                return try headEvent(head)
            case .body(var reader):
                let part = try reader.next(&buffer, limits)
                state = .body(reader)
                if let part { return .body(part) }
                guard reader.isDone || isClosed && reader.endsWithConnection else { return nil }
                state = .start
                return .end
            }
        }
    }

    private mutating func headEvent(_ head: HTTPResponseHead) throws(HTTPError) -> Event {
        let declared = try BodyLength.declared(head.headers, head.version)
        if head.status == 101 {
            state = .upgraded
            return .head(head)
        }
        if head.status < 200 {
            informationals += 1
            guard informationals <= 16 else { throw HTTPError(502, "too many informational responses") }
            state = .start
            return .informational(head)
        }
        informationals = 0
        let bodiless = method == "HEAD" || head.status == 204 || head.status == 304
        state = .body(BodyReader(bodiless ? .none : declared ?? .untilClose))
        return .head(head)
    }

    private static func statusLine(_ line: [UInt8]) throws(HTTPError) -> HTTPResponseHead {
        let parts = line.split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2 else { throw HTTPError(502, "a status line without its parts") }
        let code = parts[1]
        guard code.count == 3, code.allSatisfy(ASCII.isDigit), let status = Int(String(decoding: code, as: UTF8.self)),
            status >= 100
        else { throw HTTPError(502, "a status that is no number of three digits") }
        let reason = parts.count > 2 ? parts[2] : []
        guard reason.allSatisfy(ASCII.isFieldByte) else {
            throw HTTPError(502, "a control character in a status line")
        }
        return HTTPResponseHead(
            status: status, reason: String(decoding: reason, as: UTF8.self),
            version: try HTTPVersion(parsing: parts[0], otherwise: 502))
    }
}
