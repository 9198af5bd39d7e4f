import JSON

/// Where the root file system is, and whether the container may write it.
public struct RuntimeRoot: Sendable, Hashable {
    public var path: String
    public var readonly: Bool

    public init(path: String = "rootfs", readonly: Bool = false) {
        self.path = path
        self.readonly = readonly
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(json, at: path, keys: ["path", "readonly"])
        self.path = try reader.required("path", try reader.string("path"))
        readonly = try reader.bool("readonly") ?? false
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("path", .string(path))
        if readonly { object.append("readonly", true) }
        return .object(object)
    }
}
