import HTTP

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
    func upgrade(to name: String, headers: HTTPHeaders = HTTPHeaders()) -> ByteStream? {
        connection?.upgrade(self, to: name, headers)
    }

    /// Stops and goes on taking the request's body.
    func pauseBody() { connection?.pauseReading() }
    func resumeBody() { connection?.resumeReading() }
}
