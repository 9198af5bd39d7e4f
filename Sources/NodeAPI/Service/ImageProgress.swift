import JSON

/// How far the loading or pulling of an image is.
public struct ImageProgress: Sendable, Hashable {
    public enum Phase: String, Sendable {
        /// The registry is asked what the name means.
        case resolving
        case downloading
        case unpacking
    }

    public var phase: Phase
    public var layersDone: Int
    /// Of those that are not on the node.
    public var layers: Int
    public var bytesDone: Int64
    /// Nil where it is not known before the end.
    public var bytes: Int64?

    public init(_ phase: Phase, layersDone: Int = 0, layers: Int = 0, bytesDone: Int64 = 0, bytes: Int64? = nil) {
        self.phase = phase
        self.layersDone = layersDone
        self.layers = layers
        self.bytesDone = bytesDone
        self.bytes = bytes
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("phase", .string(phase.rawValue))
        object.append("layersDone", .integer(layersDone))
        object.append("layers", .integer(layers))
        object.append("bytesDone", .integer(bytesDone))
        object.append("bytes", ifPresent: bytes.map { .integer($0) })
        return .object(object)
    }
}
