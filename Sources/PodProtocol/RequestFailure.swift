import JSON

/// Why a request was not carried out.
public struct RequestFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var code: Code
    /// A sentence for people.
    public var message: String
    /// For a container or process that did not start: the step, what it was done on, and the kernel's error number.
    public var step: String?
    public var object: String?
    public var errno: Int32?
    /// The reason as a container status has it (`CreateContainerConfigError`, `StartError`).
    public var reason: String?

    public init(
        _ code: Code, _ message: String, step: String? = nil, object: String? = nil, errno: Int32? = nil,
        reason: String? = nil
    ) {
        self.code = code
        self.message = message
        self.step = step
        self.object = object
        self.errno = errno
        self.reason = reason
    }

    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The supervisor does not know the request, or cannot do what a field of it asks.
        public static let unsupported = Code(rawValue: "unsupported")
        /// A field is missing or wrong.
        public static let invalid = Code(rawValue: "invalid")
        /// No such container or attempt.
        public static let notFound = Code(rawValue: "notFound")
        /// The container runs already, or the attempt is known.
        public static let exists = Code(rawValue: "exists")
        /// The container is not running.
        public static let notRunning = Code(rawValue: "notRunning")
        /// Containers run.
        public static let busy = Code(rawValue: "busy")
        /// The supervisor or the connection is gone; whether it was carried out is not known. Never on the wire.
        public static let lost = Code(rawValue: "lost")
        /// It was tried and failed.
        public static let failed = Code(rawValue: "failed")
    }

    public var description: String { message }

    init(json: JSONValue) throws(JSONError) {
        code = Code(rawValue: try json.requiredString("code"))
        message = try json.requiredString("message")
        step = try json.optionalString("step")
        object = try json.optionalString("object")
        errno = try json.optional("errno", "an error number") { $0.integerValue.flatMap { Int32(exactly: $0) } }
        reason = try json.optionalString("reason")
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("code", .string(code.rawValue))
        object.append("message", .string(message))
        object.append("step", ifPresent: step.map { .string($0) })
        object.append("object", ifPresent: self.object.map { .string($0) })
        object.append("errno", ifPresent: errno.map { .integer($0) })
        object.append("reason", ifPresent: reason.map { .string($0) })
        return .object(object)
    }
}
