import Base

/// Why a request has no answer.
public struct ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// A file of ours (token, certificate, authorities) cannot be used.
        case files
        /// The name has no address.
        case name
        /// No connection was made, or it broke.
        case connection
        /// The connection is not one that can be trusted.
        case trust
        case timeOut
        /// The answer is no acceptable HTTP, or beyond a limit.
        case answer
        case cancelled
    }

    public var kind: Kind
    public var message: String
    /// What the kernel said, where it was the kernel that said no.
    public var errno: Errno?

    public init(_ kind: Kind, _ message: String, errno: Errno? = nil) {
        self.kind = kind
        self.message = message
        self.errno = errno
    }

    public var description: String { message }
}
