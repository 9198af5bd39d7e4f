/// Why a compressed stream cannot be read.
public enum CompressionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The stream ends in the middle.
    case truncated
    /// The stream is not what its magic promised, or its checksum is wrong.
    case corrupt(String)
    case unsupported(CompressionFormat)
    case outOfMemory

    public var description: String {
        switch self {
        case .truncated: "the compressed stream is cut short"
        case .corrupt(let detail): "the compressed stream is damaged: \(detail)"
        case .unsupported(let format): "\(format.rawValue) compression is not supported; use gzip, zstd or xz"
        case .outOfMemory: "no memory to decompress"
        }
    }
}
