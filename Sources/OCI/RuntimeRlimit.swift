import JSON

/// A resource limit of a container's process, `RLIMIT_NOFILE`.
public struct RuntimeRlimit: Sendable, Hashable {
    public var type: String
    public var soft: UInt64
    public var hard: UInt64

    public init(type: String, soft: UInt64, hard: UInt64) {
        self.type = type
        self.soft = soft
        self.hard = hard
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(json, at: path, keys: ["type", "soft", "hard"])
        type = try reader.required("type", try reader.string("type"))
        soft = try reader.required("soft", try reader.uint64("soft"))
        hard = try reader.required("hard", try reader.uint64("hard"))
    }

    var json: JSONValue { ["type": .string(type), "hard": .unsigned(hard), "soft": .unsigned(soft)] }
}
