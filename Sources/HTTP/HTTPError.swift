/// A message that is not acceptable HTTP/1.1: the status to answer it with, and why.
public struct HTTPError: Error, Hashable, Sendable, CustomStringConvertible {
    /// 400, 413, 414, 431, 501 or 505 for requests; 502 for responses.
    public var status: Int
    public var message: String

    public init(_ status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    public var description: String { message }
}

/// What a peer's message may at most be.
public struct HTTPLimits: Sendable {
    /// Bytes of a request line, status line, field line or chunk-size line.
    public var line: Int
    /// Bytes of all lines of a head together, and of all trailers together.
    public var head: Int
    /// Number of fields in a head, and in trailers.
    public var fields: Int
    /// Bytes of a body, decoded.
    public var body: Int64

    public init(line: Int = 64 << 10, head: Int = 128 << 10, fields: Int = 100, body: Int64 = 1 << 20) {
        self.line = line
        self.head = head
        self.fields = fields
        self.body = body
    }
}
