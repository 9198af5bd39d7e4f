/// What an image may at most ask for while it comes. The caller's import has the same limits, and more.
public struct FetchLimits: Hashable, Sendable {
    /// Bytes of a manifest, an index or a config.
    public var documentBytes = 4 << 20
    public var documentDepth = 64
    /// Descriptors of all indexes, and indexes inside indexes.
    public var descriptors = 2048
    public var indexDepth = 4
    public var layers = 256
    /// Bytes of all layers as they come.
    public var layerBytes: Int64 = 256 << 30
    /// Layers that come at once.
    public var parallel = 3
    public var transfer = TransferLimits()

    public init() {}
}

/// How far a fetch is.
public struct FetchProgress: Hashable, Sendable {
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

    /// Those that are fetched, the lowest first; empty while the manifest is looked for.
    public var layers: [Layer] = []

    public init() {}
}

/// How much of a layer is in its file.
public enum LayerArrival: Hashable, Sendable {
    /// So many bytes; fewer than before when it began anew.
    case bytes(Int64)
    /// All, and they have the digest that they should have.
    case complete
}
