/// Reads requests from the bytes of a connection, in whatever pieces they come. It performs no input or output.
///
///     parser.receive(bytes)
///     while let event = try parser.next() { ... }
///
/// After `end` the next request of the connection follows. What is handed in and not yet asked for with `next` stays in
/// memory: hand in more only when `next` has returned nil. After an error nothing more can be read.
public struct HTTPRequestParser: Sendable {
    public enum Event: Sendable, Equatable {
        case head(HTTPRequestHead)
        case body([UInt8])
        case end
    }

    private enum State: Sendable {
        case start(emptyLines: Int)
        case fields(HTTPRequestHead, HeadReader)
        case body(BodyReader)
        case failed(HTTPError)
    }

    private var state = State.start(emptyLines: 0)
    private var buffer = LineBuffer()
    /// May be changed between two events: a `body` limit set after `head` counts for that request.
    public var limits: HTTPLimits

    public init(limits: HTTPLimits = HTTPLimits()) { self.limits = limits }

    /// Whether nothing of a next request has arrived.
    public var isIdle: Bool { if case .start = state { buffer.count == 0 } else { false } }

    /// Bytes that wait for `next`.
    public var buffered: Int { buffer.count }

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) { buffer.append(bytes) }

    public mutating func receive(_ bytes: [UInt8]) { bytes.withUnsafeBytes { buffer.append($0) } }

    /// Takes the bytes after the request that has just ended: they belong to the protocol that was switched to.
    public mutating func takeRest() -> [UInt8] { buffer.take(.max) }

    /// The next event; nil when more bytes must arrive.
    ///
    /// - Throws: `HTTPError` with the status to answer before the connection is closed.
    public mutating func next() throws(HTTPError) -> Event? {
        do {
            return try advance()
        } catch {
            state = .failed(error)
            throw error
        }
    }

    private mutating func advance() throws(HTTPError) -> Event? {
        while true {
            switch state {
            case .failed(let error): throw error
            case .start(let emptyLines):
                guard let line = try buffer.line(limit: limits.line, tooLong: 414) else { return nil }
                if line.isEmpty {
                    // RFC 9112 2.2: some clients send an extra line end after a body.
                    guard emptyLines == 0 else { throw HTTPError(400, "empty lines instead of a request") }
                    state = .start(emptyLines: 1)
                    continue
                }
                var reader = HeadReader()
                try reader.count(line, limits)
                state = .fields(try Self.requestLine(line), reader)
            case .fields(var head, var reader):
                guard let line = try buffer.line(limit: limits.line, tooLong: 431) else { return nil }
                guard line.isEmpty else {
                    try reader.add(line, limits)
                    state = .fields(head, reader)
                    continue
                }
                head.headers = HTTPHeaders(reader.fields)
                try Self.checkHost(head)
                state = .body(BodyReader(try BodyLength.declared(head.headers, head.version) ?? .none))
                return .head(head)
            case .body(var reader):
                let part = try reader.next(&buffer, limits)
                state = .body(reader)
                if let part { return .body(part) }
                guard reader.isDone else { return nil }
                state = .start(emptyLines: 0)
                return .end
            }
        }
    }

    private static func requestLine(_ line: [UInt8]) throws(HTTPError) -> HTTPRequestHead {
        let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw HTTPError(400, "a request line without its three parts") }
        let (method, target, version) = (parts[0], parts[1], parts[2])
        guard !method.isEmpty, method.count <= 32, method.allSatisfy(ASCII.isToken) else {
            throw HTTPError(400, "a method that is no word")
        }
        guard target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw HTTPError(400, "a target with a character that must be percent-encoded")
        }
        guard target.first == UInt8(ascii: "/") || target.elementsEqual("*".utf8) else {
            throw HTTPError(400, "a target that is no absolute path")
        }
        return HTTPRequestHead(
            method: String(decoding: method, as: UTF8.self), target: String(decoding: target, as: UTF8.self),
            version: try HTTPVersion(parsing: version, otherwise: 505))
    }

    private static func checkHost(_ head: HTTPRequestHead) throws(HTTPError) {
        let hosts = head.headers.all("Host").count
        guard hosts == 1 || hosts == 0 && head.version == .http10 else {
            throw HTTPError(400, hosts == 0 ? "no Host" : "Host more than once")
        }
    }
}

extension HTTPVersion {
    init(parsing text: some Sequence<UInt8>, otherwise status: Int) throws(HTTPError) {
        if text.elementsEqual("HTTP/1.1".utf8) {
            self = .http11
        } else if text.elementsEqual("HTTP/1.0".utf8) {
            self = .http10
        } else {
            throw HTTPError(status, "a version that is neither HTTP/1.1 nor HTTP/1.0")
        }
    }
}
