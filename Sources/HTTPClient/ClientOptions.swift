import Base
import HTTP
import TLS

/// How a client speaks with its server.
public struct ClientOptions: Hashable, Sendable {
    /// Further fields of every request.
    public var headers: [HTTPHeaders.Field] = []
    /// Holds a bearer token; looked at before each request.
    public var tokenFile: String?
    public var tls = TLSFiles()
    /// For a name to be resolved, a connection and its TLS handshake.
    public var connectTimeout = Nanoseconds.seconds(5)
    /// From the end of the request to the whole head of the answer.
    public var responseTimeout = Nanoseconds.seconds(10)
    /// For all of a request and its answer.
    public var timeout = Nanoseconds.seconds(30)
    /// Bytes of an answer's body.
    public var bodyLimit: Int64 = 3 << 20
    /// How long a connection is kept for the next request.
    public var idleTimeout = Nanoseconds.seconds(30)
    /// What the server is told of the client.
    public var userAgent = "swiftletd"

    public init() {}
}

/// A request to the client's URL.
public struct ClientRequest: Sendable {
    public var method: String
    public var headers: HTTPHeaders
    public var body: [UInt8]?

    public init(_ method: String, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8]? = nil) {
        self.method = method
        self.headers = headers
        self.body = body
    }
}

/// A whole answer.
public struct ClientResponse: Sendable {
    public var head: HTTPResponseHead
    public var body: [UInt8]

    public init(head: HTTPResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}
