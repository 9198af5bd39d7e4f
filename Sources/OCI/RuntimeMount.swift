import JSON

/// One mount of a container.
public struct RuntimeMount: Sendable, Hashable {
    /// Absolute path inside the container.
    public var destination: String
    /// File system type; `bind` or empty for a bind mount.
    public var type: String
    /// Host path of a bind mount, else a name.
    public var source: String
    public var options: [String]

    public init(destination: String, type: String, source: String, options: [String] = []) {
        self.destination = destination
        self.type = type
        self.source = source
        self.options = options
    }

    public var isBind: Bool { type == "bind" || options.contains("bind") || options.contains("rbind") }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path, keys: ["destination", "type", "source", "options"],
            refused: ["uidMappings", "gidMappings"])
        destination = try reader.required("destination", try reader.string("destination"))
        type = try reader.string("type") ?? ""
        source = try reader.string("source") ?? ""
        options = try reader.strings("options")
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("destination", .string(destination))
        if !type.isEmpty { object.append("type", .string(type)) }
        if !source.isEmpty { object.append("source", .string(source)) }
        object.append("options", ifPresent: .nonEmpty(options))
        return .object(object)
    }
}
