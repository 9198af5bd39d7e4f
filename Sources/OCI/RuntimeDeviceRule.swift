import JSON

/// One rule of a container's device allow-list; a later rule overrides an earlier one.
public struct RuntimeDeviceRule: Sendable, Hashable {
    public var allow: Bool
    /// `a` (all), `b` or `c`.
    public var type: String
    /// Nil means every number.
    public var major: UInt32?
    public var minor: UInt32?
    /// Of the letters `r`, `w` and `m`.
    public var access: String

    public init(allow: Bool, type: String = "a", major: UInt32? = nil, minor: UInt32? = nil, access: String = "rwm") {
        self.allow = allow
        self.type = type
        self.major = major
        self.minor = minor
        self.access = access
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(json, at: path, keys: ["allow", "type", "major", "minor", "access"])
        allow = try reader.required("allow", try reader.bool("allow"))
        type = try reader.string("type") ?? "a"
        guard ["a", "b", "c"].contains(type) else {
            throw JSONError("\(path).type: \"\(type)\" is not one of a, b, c", at: json.position)
        }
        // Go programs write -1 for "every number".
        func number(_ key: String) throws(JSONError) -> UInt32? {
            try reader.int64(key) == -1 ? nil : try reader.uint32(key)
        }
        major = try number("major")
        minor = try number("minor")
        access = try reader.string("access") ?? "rwm"
        guard !access.isEmpty, access.utf8.allSatisfy({ "rwm".utf8.contains($0) }) else {
            throw JSONError("\(path).access: \"\(access)\" is not of the letters r, w, m", at: json.position)
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("allow", .bool(allow))
        object.append("type", .string(type))
        object.append("major", ifPresent: major.map { .integer($0) })
        object.append("minor", ifPresent: minor.map { .integer($0) })
        object.append("access", .string(access))
        return .object(object)
    }
}
