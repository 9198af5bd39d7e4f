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
