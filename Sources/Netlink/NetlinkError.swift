import Base

/// A request that the kernel refused: what was asked, of which object, and the kernel's own words where it has some.
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being done to which object: `create link cni0`.
    public let request: String
    public let errno: Errno
    /// The kernel's explanation (extended acknowledgement); often empty.
    public let explanation: String
    /// The index in its batch of the message that failed; 0 for a failure of the socket.
    public let index: Int

    public init(_ request: String, _ errno: Errno, explanation: String = "", index: Int = 0) {
        self.request = request
        self.errno = errno
        self.explanation = explanation
        self.index = index
    }

    public var description: String { "\(request): \(explanation.isEmpty ? "" : explanation + ": ")\(errno)" }
}
