import JSON

/// Why an image was not pulled. The message is a sentence for the operator.
public struct PullError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The text is no image reference.
        case invalidName
        /// The registry has no such image.
        case notFound
        /// The registry wants credentials, or others.
        case unauthorized
        /// The registry cannot be reached, is overloaded or stopped in the middle: later may help.
        case unavailable
        /// What came is not what it must be, or is not for this machine.
        case invalid
        /// It bears no signature that signatures.yaml demands.
        case unsigned
        /// registries.yaml, signatures.yaml, a credential document or this machine's software.
        case configuration
        /// This machine failed: disk full, input/output error, the worker killed.
        case storage
    }

    public var kind: Kind
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// What an error of the store means for a pull.
    public init(_ error: ImageError) {
        let kind: Kind =
            switch error.reason {
            case .invalidReference: .invalidName
            case .storage, .cancelled: .storage
            default: .invalid
            }
        self.init(kind, error.message)
    }

    public var description: String { message }

    var json: JSONValue { ["kind": .string(kind.rawValue), "message": .string(message)] }

    init(_ value: JSONValue) throws(JSONError) {
        guard let kind = Kind(rawValue: try value.requiredString("kind")) else {
            throw JSONError("kind: unknown", at: value.position)
        }
        self.init(kind, try value.requiredString("message"))
    }
}
