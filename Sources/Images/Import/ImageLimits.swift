/// What one archive may at most ask for. Reaching a limit refuses the archive; nothing of it stays.
public struct ImageLimits: Hashable, Sendable {
    /// Bytes of all layers after decompression, holes of sparse files counted. The free space of the store is a second,
    /// tighter limit.
    public var expandedBytes: Int64 = 256 << 30
    /// Tar headers of all layers.
    public var entries = 5_000_000
    /// A stream may expand to `ratioBase` bytes freely, and beyond that to `ratio` times its compressed size. (deflate
    /// cannot exceed 1032; this is for zstd.)
    public var ratio: Int64 = 2000
    public var ratioBase: Int64 = 1 << 30
    /// Bytes of names that an unpack has to remember (directories, links, whiteouts).
    public var rememberedBytes = 256 << 20
    /// Members of the archive itself.
    public var members = 100_000
    /// Bytes of one JSON document.
    public var documentBytes = 4 << 20
    public var documentDepth = 64
    /// Bytes of all JSON documents of an archive, each counted as often as it is read.
    public var documentsBytes = 64 << 20
    /// Images in one archive, and descriptors of all its indexes.
    public var images = 256
    public var descriptors = 2048
    /// Indexes inside indexes.
    public var indexDepth = 4
    /// Layers of one image; overlayfs takes 500.
    public var layers = 256
    /// Components of a path inside a layer.
    public var depth = 256

    public init() {}
}
