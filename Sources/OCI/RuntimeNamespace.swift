import JSON

/// A namespace that a container gets: a new one, or the one at `path`.
public struct RuntimeNamespace: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case pid, network, mount, ipc, uts, user, cgroup, time
    }

    public var kind: Kind
    public var path: String?

    public init(_ kind: Kind, path: String? = nil) {
        self.kind = kind
        self.path = path
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(json, at: path, keys: ["type", "path"])
        let type = try reader.required("type", try reader.string("type"))
        guard let kind = Kind(rawValue: type) else {
            throw JSONError("\(path).type: \"\(type)\" is not a namespace type", at: json.position)
        }
        self.kind = kind
        self.path = try reader.string("path")
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("type", .string(kind.rawValue))
        object.append("path", ifPresent: path.map { .string($0) })
        return .object(object)
    }
}
