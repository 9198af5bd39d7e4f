/// A request that the node does not carry out: the HTTP status, and a sentence for a person.
public struct NodeServiceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The HTTP status, 400...599.
    public var status: Int
    public var message: String

    public init(status: Int, _ message: String) {
        self.status = status
        self.message = message
    }

    public static func badRequest(_ message: String) -> Self { Self(status: 400, message) }
    public static func notFound(_ message: String) -> Self { Self(status: 404, message) }
    public static func conflict(_ message: String) -> Self { Self(status: 409, message) }
    public static func failed(_ message: String) -> Self { Self(status: 500, message) }

    public var description: String { message }
}
