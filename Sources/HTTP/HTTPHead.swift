/// The minor version of HTTP/1.
public enum HTTPVersion: Sendable, Hashable {
    case http10
    case http11
}

/// The request line and the fields of a request.
public struct HTTPRequestHead: Sendable, Hashable {
    public var method: String
    /// The target as it was sent: `/a%20b?c=d`.
    public var target: String
    public var version: HTTPVersion
    public var headers: HTTPHeaders

    public init(
        method: String, target: String, version: HTTPVersion = .http11, headers: HTTPHeaders = HTTPHeaders()
    ) {
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers
    }

    /// Whether the client wants to send more requests on this connection.
    public var keepsAlive: Bool { HTTPVersion.keepsAlive(version, headers) }

    /// Whether the client waits for `100 Continue` before it sends the body.
    public var expectsContinue: Bool {
        version == .http11 && headers.tokens("Expect").contains("100-continue")
    }

    /// The protocols that the client asks to switch to, in lower case; empty when it asks for none.
    public var upgrades: [String] {
        guard version == .http11, headers.tokens("Connection").contains("upgrade") else { return [] }
        return headers.tokens("Upgrade")
    }
}

/// The status line and the fields of a response.
public struct HTTPResponseHead: Sendable, Hashable {
    public var status: Int
    public var reason: String
    public var version: HTTPVersion
    public var headers: HTTPHeaders

    /// - Parameter reason: the usual words for `status` when nil.
    public init(
        status: Int, reason: String? = nil, version: HTTPVersion = .http11, headers: HTTPHeaders = HTTPHeaders()
    ) {
        self.status = status
        self.reason = reason ?? Self.reason(status)
        self.version = version
        self.headers = headers
    }

    /// Whether the head says how long the body is. Where it does not, a body that was cut off looks like a whole one.
    public var declaresLength: Bool { headers["Content-Length"] != nil || headers["Transfer-Encoding"] != nil }

    /// Whether the server will take more requests on this connection.
    public var keepsAlive: Bool { HTTPVersion.keepsAlive(version, headers) }

    /// The words of RFC 9110 for a status.
    public static func reason(_ status: Int) -> String {
        switch status {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 426: "Upgrade Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        case 507: "Insufficient Storage"
        default: "Status"
        }
    }
}

extension HTTPVersion {
    fileprivate static func keepsAlive(_ version: HTTPVersion, _ headers: HTTPHeaders) -> Bool {
        let connection = headers.tokens("Connection")
        if connection.contains("close") { return false }
        return version == .http11 || connection.contains("keep-alive")
    }
}
