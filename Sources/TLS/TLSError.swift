import CSSL

/// Why a connection is not made or not trusted, in a sentence for people.
public struct TLSError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String

    public init(_ message: String) { self.message = message }

    public var description: String { message }

    /// `attempt` and what OpenSSL has to say about its failure.
    static func last(_ attempt: String) -> TLSError {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            if code == 0 { break }
            guard let reason = ERR_reason_error_string(code) else { continue }
            let text = String(cString: reason)
            if !reasons.contains(text), reasons.count < 3 { reasons.append(text) }
        }
        return TLSError(reasons.isEmpty ? attempt : "\(attempt): \(reasons.joined(separator: ", "))")
    }
}
