import JSON

/// The first message of each side on every connection.
public struct Hello: Hashable, Sendable {
    /// The newest protocol version the sender speaks, and the oldest. The lower of both sides' newest is spoken.
    public var version: Int64
    public var oldest: Int64
    public var features: [String]
    /// The sender's program and its version, for people.
    public var program: String
    /// The pod's UID, in the supervisor's Hello.
    public var pod: String?
    /// Why the sender cannot serve; it ends after this message.
    public var failure: String?

    public init(
        program: String, pod: String? = nil, failure: String? = nil, version: Int64 = ProtocolVersion.current,
        oldest: Int64 = ProtocolVersion.oldest, features: [String] = ProtocolVersion.features
    ) {
        self.version = version
        self.oldest = oldest
        self.features = features
        self.program = program
        self.pod = pod
        self.failure = failure
    }

    /// The version to speak with the sender of `other`; nil when there is none.
    public func agreed(with other: Hello) -> Int64? {
        let version = min(self.version, other.version)
        return version >= max(oldest, other.oldest) ? version : nil
    }

    init(json: JSONValue) throws(JSONError) {
        version = try json.requiredInteger("version")
        oldest = try json.optionalInteger("oldest") ?? version
        features = try json.optionalStrings("features") ?? []
        program = try json.optionalString("program") ?? ""
        pod = try json.optionalString("pod")
        failure = try json.optionalString("failure")
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("type", "hello")
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        object.append("version", .integer(version))
        object.append("oldest", .integer(oldest))
        object.append("features", .strings(features))
        object.append("program", .string(program))
        object.append("pod", ifPresent: pod.map { .string($0) })
        object.append("failure", ifPresent: failure.map { .string($0) })
        return .object(object)
    }
}
