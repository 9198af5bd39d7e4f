import HTTP

/// What answers a request.
struct Endpoint {
    /// Takes the pieces of a request's body.
    struct Body {
        /// Bytes that the body may have.
        var limit: Int64
        /// Called with each piece. The exchange can pause what comes.
        var receive: (Exchange, [UInt8]) -> Void
        /// Called once when the request ended early and `run` will not be called.
        var abort: () -> Void
    }

    /// How to take a body; nil when a body means nothing here: a small one is read and dropped.
    var body: Body?
    /// Called when the request is complete.
    var run: (Exchange) -> Void

    init(body: Body? = nil, run: @escaping (Exchange) -> Void) {
        self.body = body
        self.run = run
    }

    /// Answers with a message for people.
    static func message(_ status: Int, _ message: String, headers: HTTPHeaders = HTTPHeaders()) -> Endpoint {
        Endpoint { $0.respond(status, text: message, headers: headers) }
    }
}

/// One request and its response.
final class Exchange {
    let head: HTTPRequestHead
    let target: RequestTarget
    private weak var connection: Connection?

    init(_ head: HTTPRequestHead, _ target: RequestTarget, _ connection: Connection) {
        self.head = head
        self.target = target
        self.connection = connection
    }

    /// Answers with a body that is known. Only the first answer counts.
    func respond(_ status: Int, type: String, body: [UInt8], headers: HTTPHeaders = HTTPHeaders()) {
        connection?.respond(self, status, type: type, body: body, headers: headers)
    }

    /// Answers with a sentence.
    func respond(_ status: Int, text: String, headers: HTTPHeaders = HTTPHeaders()) {
        respond(status, type: "text/plain; charset=utf-8", body: Array((text + "\n").utf8), headers: headers)
    }

    func respond(_ error: NodeServiceError) { respond(error.status, text: error.message) }

    /// Begins an answer whose body comes bit by bit; nil when the client is gone.
    func stream(type: String) -> ByteStream? { connection?.stream(self, type: type) }

    /// Switches to another protocol; nil when the client is gone.
    func upgrade(to name: String) -> ByteStream? { connection?.upgrade(self, to: name) }

    /// Stops and goes on taking the request's body.
    func pauseBody() { connection?.pauseReading() }
    func resumeBody() { connection?.resumeReading() }
}

/// The body of a response that comes bit by bit, or the raw bytes both ways after a switch of protocols.
final class ByteStream {
    private weak var connection: Connection?
    private let isChunked: Bool

    /// The client has taken what was waiting: more can be written.
    var onDrained: (() -> Void)?
    /// Bytes from the client, after a switch of protocols.
    var onInput: (([UInt8]) -> Void)?
    /// The client is gone. Called once, and not after `finish`.
    var onClosed: (() -> Void)?

    init(_ connection: Connection, isChunked: Bool) {
        self.connection = connection
        self.isChunked = isChunked
    }

    /// Bytes that wait to be sent.
    var pending: Int { connection?.pendingOutput ?? 0 }

    /// Whether the producer should pause until `onDrained`.
    var isCongested: Bool { connection?.isCongested ?? false }

    func write(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        connection?.send(isChunked ? HTTPSerializer.chunk(bytes) : bytes)
    }

    /// Ends the stream after what was written. No closure is called any more.
    func finish() {
        guard let connection else { return }
        release()
        if isChunked { connection.send(HTTPSerializer.lastChunk) }
        connection.streamFinished()
    }

    /// Stops and goes on reading from the client, after a switch of protocols.
    func pauseInput() { connection?.pauseReading() }
    func resumeInput() { connection?.resumeReading() }

    func closedByClient() {
        let handler = onClosed
        release()
        handler?()
    }

    private func release() {
        connection = nil
        onDrained = nil
        onInput = nil
        onClosed = nil
    }
}
