/// A content digest, `sha256:` or `sha512:` and the lower-case hexadecimal sum. The form is checked before anything is
/// named after it: a digest is safe as a path component.
public struct ImageDigest: Hashable, Sendable, CustomStringConvertible {
    public enum Algorithm: String, Sendable, CaseIterable {
        case sha256
        case sha512

        /// Hexadecimal digits of a sum.
        public var digits: Int { self == .sha256 ? 64 : 128 }
    }

    public let algorithm: Algorithm
    public let hex: String

    /// Nil unless `text` is a well-formed digest of an algorithm that we can compute.
    public init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let algorithm = Algorithm(rawValue: String(text[..<colon]))
        else { return nil }
        self.init(algorithm, hex: String(text[text.utf8.index(after: colon)...]))
    }

    /// Nil unless `hex` has the algorithm's number of lower-case digits.
    public init?(_ algorithm: Algorithm, hex: String) {
        guard hex.utf8.count == algorithm.digits,
            hex.utf8.allSatisfy({ ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x66) })
        else { return nil }
        self.algorithm = algorithm
        self.hex = hex
    }

    public var description: String { "\(algorithm.rawValue):\(hex)" }
}
