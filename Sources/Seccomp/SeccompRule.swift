import CSeccomp

/// What is done on some system calls, perhaps only with certain arguments.
public struct SeccompRule: Sendable, Hashable {
    public enum Comparison: String, Sendable, Hashable {
        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case equal = "SCMP_CMP_EQ"
        case greaterOrEqual = "SCMP_CMP_GE"
        case greater = "SCMP_CMP_GT"
        /// `argument & value == valueTwo`
        case maskedEqual = "SCMP_CMP_MASKED_EQ"

        var native: scmp_compare {
            switch self {
            case .notEqual: SCMP_CMP_NE
            case .less: SCMP_CMP_LT
            case .lessOrEqual: SCMP_CMP_LE
            case .equal: SCMP_CMP_EQ
            case .greaterOrEqual: SCMP_CMP_GE
            case .greater: SCMP_CMP_GT
            case .maskedEqual: SCMP_CMP_MASKED_EQ
            }
        }
    }

    public struct Argument: Sendable, Hashable {
        /// 0 to 5.
        public var index: UInt32
        public var value: UInt64
        public var valueTwo: UInt64
        public var comparison: Comparison

        public init(_ index: UInt32, _ comparison: Comparison, _ value: UInt64, _ valueTwo: UInt64 = 0) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.comparison = comparison
        }
    }

    /// Names that the running system does not know are passed over.
    public var names: [String]
    public var action: SeccompAction
    /// All must hold; those on the same argument are alternatives, as runtimes read them.
    public var arguments: [Argument]

    public init(_ names: [String], _ action: SeccompAction, _ arguments: [Argument] = []) {
        self.names = names
        self.action = action
        self.arguments = arguments
    }
}
