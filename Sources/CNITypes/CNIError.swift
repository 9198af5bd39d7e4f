import JSON

/// Why a plugin failed, as it is written to standard output.
public struct CNIError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A code of the specification (below 100) or of a plugin.
    public struct Code: RawRepresentable, Sendable, Hashable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let incompatibleVersion = Code(rawValue: 1)
        public static let unsupportedField = Code(rawValue: 2)
        /// The container is unknown: the runtime need not clean up.
        public static let unknownContainer = Code(rawValue: 3)
        /// The message names the variables.
        public static let invalidEnvironment = Code(rawValue: 4)
        public static let inputOutput = Code(rawValue: 5)
        public static let undecodable = Code(rawValue: 6)
        public static let invalidConfiguration = Code(rawValue: 7)
        public static let invalidNamespace = Code(rawValue: 8)
        public static let tryAgainLater = Code(rawValue: 11)
        public static let unavailable = Code(rawValue: 50)
        /// Unavailable, and containers that are attached may have lost connectivity.
        public static let unavailableAndLimited = Code(rawValue: 51)
        public static let internalFailure = Code(rawValue: 999)
    }

    public var code: Code
    /// One sentence.
    public var message: String
    /// More for a person; may be empty.
    public var details: String

    public init(_ code: Code, _ message: String, details: String = "") {
        self.code = code
        self.message = message
        self.details = details
    }

    public var description: String { details.isEmpty ? message : "\(message): \(details)" }

    /// The error object of the specification.
    public func json(_ version: CNIVersion) -> JSONValue {
        var object = JSONObject()
        object.append("cniVersion", .string(version.rawValue))
        object.append("code", .integer(code.rawValue))
        object.append("msg", .string(message))
        if !details.isEmpty { object.append("details", .string(details)) }
        return .object(object)
    }
}
