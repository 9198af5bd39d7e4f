/// Bytes that are no WebSocket, or more than is taken: the code to close the connection with, and why.
public struct WebSocketError: Error, Hashable, Sendable, CustomStringConvertible {
    public var code: WebSocketCloseCode
    public var message: String

    public init(_ code: WebSocketCloseCode, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

/// Why a WebSocket is closed (RFC 6455, 7.4).
public struct WebSocketCloseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = Self(rawValue: 1000)
    public static let protocolError = Self(rawValue: 1002)
    /// Data that do not fit their type: text that is no UTF-8, a message that makes no sense.
    public static let invalidData = Self(rawValue: 1007)
    public static let tooBig = Self(rawValue: 1009)
    public static let internalError = Self(rawValue: 1011)

    /// Whether it may stand in a frame: assigned, and not one of those that only tell of a connection without one.
    public var isSendable: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }
}
