import JSON

/// How far an import is.
public struct ImportProgress: Hashable, Sendable {
    /// Layers that are unpacked, of those that were not in the store.
    public var layersDone: Int
    public var layers: Int
    /// Bytes unpacked so far, of all layers.
    public var expandedBytes: Int64

    public init(layersDone: Int, layers: Int, expandedBytes: Int64) {
        self.layersDone = layersDone
        self.layers = layers
        self.expandedBytes = expandedBytes
    }

    public var json: JSONValue {
        [
            "layersDone": .integer(layersDone), "layers": .integer(layers),
            "expandedBytes": .integer(expandedBytes),
        ]
    }

    public init(_ value: JSONValue) throws(JSONError) {
        layersDone = Int(clamping: try value.requiredInteger("layersDone"))
        layers = Int(clamping: try value.requiredInteger("layers"))
        expandedBytes = try value.requiredInteger("expandedBytes")
    }
}
