import JSON

/// How far a pull is.
public struct PullProgress: Hashable, Sendable {
    public enum Phase: String, Sendable {
        /// The registry is asked what the name means.
        case resolving
        case downloading
        case unpacking
    }

    /// A layer that is fetched.
    public struct Layer: Hashable, Sendable {
        public var digest: String
        public var done: Int64
        public var total: Int64

        public init(digest: String, done: Int64, total: Int64) {
            self.digest = digest
            self.done = done
            self.total = total
        }
    }

    public var phase: Phase
    /// Without those that the store has.
    public var layers: [Layer]
    /// While it is unpacked.
    public var unpacking: ImportProgress?

    public init(_ phase: Phase, layers: [Layer] = [], unpacking: ImportProgress? = nil) {
        self.phase = phase
        self.layers = layers
        self.unpacking = unpacking
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("phase", .string(phase.rawValue))
        let list = layers.map { layer -> JSONValue in
            ["digest": .string(layer.digest), "done": .integer(layer.done), "total": .integer(layer.total)]
        }
        object.append("layers", .array(list))
        object.append("unpacking", ifPresent: unpacking?.json)
        return .object(object)
    }

    init(_ value: JSONValue) throws(JSONError) {
        guard let phase = Phase(rawValue: try value.requiredString("phase")) else {
            throw JSONError("phase: unknown", at: value.position)
        }
        self.init(phase)
        for member in try value.required("layers", "a list", { $0.arrayValue }) {
            layers.append(
                Layer(
                    digest: try member.requiredString("digest"), done: try member.requiredInteger("done"),
                    total: try member.requiredInteger("total")))
        }
        if let member = value["unpacking"] { unpacking = try ImportProgress(member) }
    }
}
