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
