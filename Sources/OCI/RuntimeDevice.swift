import JSON

/// A device node that a container gets below `/dev`.
public struct RuntimeDevice: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case character = "c"
        case block = "b"
        case fifo = "p"
    }

    public var path: String
    public var kind: Kind
    public var major: UInt32
    public var minor: UInt32
    /// Permission bits; 0666 when nil.
    public var fileMode: UInt32?
    public var uid: UInt32
    public var gid: UInt32

    public init(path: String, kind: Kind, major: UInt32, minor: UInt32) {
        self.path = path
        self.kind = kind
        self.major = major
        self.minor = minor
        uid = 0
        gid = 0
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path, keys: ["path", "type", "major", "minor", "fileMode", "uid", "gid"])
        self.path = try reader.required("path", try reader.string("path"))
        let type = try reader.required("type", try reader.string("type"))
        // `u` (unbuffered) is the specification's other word for a character device.
        guard let kind = type == "u" ? .character : Kind(rawValue: type) else {
            throw JSONError("\(path).type: \"\(type)\" is not a device type", at: json.position)
        }
        self.kind = kind
        major = try reader.uint32("major") ?? 0
        minor = try reader.uint32("minor") ?? 0
        fileMode = try reader.uint32("fileMode")
        uid = try reader.uint32("uid") ?? 0
        gid = try reader.uint32("gid") ?? 0
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("path", .string(path))
        object.append("type", .string(kind.rawValue))
        object.append("major", .integer(major))
        object.append("minor", .integer(minor))
        object.append("fileMode", ifPresent: fileMode.map { .integer($0) })
        object.append("uid", .integer(uid))
        object.append("gid", .integer(gid))
        return .object(object)
    }
}
