/// Why something did not come from a registry. The message is a sentence for the operator; what a registry said stands
/// in it escaped.
public struct RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The registry has no such image or blob.
        case notFound
        /// It wants credentials, or others.
        case unauthorized
        /// It cannot be reached, is overloaded or stopped in the middle: later may help.
        case unavailable
        /// What it sent is not what it must be.
        case invalid
        /// The image is not for this machine.
        case wrongPlatform
        /// It bears no signature that signatures.yaml demands.
        case unsigned
        /// registries.yaml, signatures.yaml, a credential document or this machine's software.
        case configuration
        /// This machine's disk.
        case storage
        /// Another part failed.
        case cancelled
    }

    public var kind: Kind
    public var message: String
    /// Waited for and tried again already, or not worth it.
    var isFinal = false

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    public var description: String { message }

    func during(_ what: String) -> RegistryError {
        var error = self
        error.message = "\(what): \(message)"
        return error
    }
}

/// Bytes of a registry, made fit for a line: control characters, quotes and what is not ASCII as `\xNN`.
func escaped(_ text: some StringProtocol, limit: Int = 200) -> String {
    var out = ""
    for byte in text.utf8.prefix(limit) {
        if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "\"") {
            out.unicodeScalars.append(Unicode.Scalar(byte))
        } else {
            let hex = String(byte, radix: 16)
            out += "\\x" + (hex.count < 2 ? "0" + hex : hex)
        }
    }
    return text.utf8.count > limit ? out + "..." : out
}
