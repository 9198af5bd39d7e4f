import JSON

/// The numeric user of a container's process.
public struct RuntimeUser: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    public var additionalGids: [UInt32]
    /// File mode creation mask; nil means 0022.
    public var umask: UInt32?

    public init(uid: UInt32 = 0, gid: UInt32 = 0, additionalGids: [UInt32] = []) {
        self.uid = uid
        self.gid = gid
        self.additionalGids = additionalGids
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path, keys: ["uid", "gid", "additionalGids", "umask"], refused: ["username"])
        uid = try reader.uint32("uid") ?? 0
        gid = try reader.uint32("gid") ?? 0
        additionalGids = try reader.list("additionalGids") { (value, path) throws(JSONError) in
            guard let gid = value.integerValue.flatMap({ UInt32(exactly: $0) }) else {
                throw JSONError("\(path): expected an integer from 0 to 4294967295", at: value.position)
            }
            return gid
        }
        umask = try reader.optional("umask", "an integer from 0 to 511") {
            $0.integerValue.flatMap { (0...0o777).contains($0) ? UInt32($0) : nil }
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("uid", .integer(uid))
        object.append("gid", .integer(gid))
        if !additionalGids.isEmpty {
            object.append("additionalGids", .array(additionalGids.map { .integer($0) }))
        }
        object.append("umask", ifPresent: umask.map { .integer($0) })
        return .object(object)
    }
}
