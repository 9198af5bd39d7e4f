/// How a stream is compressed, told by its first bytes and never by its name.
public enum CompressionFormat: String, Sendable {
    case plain
    case gzip
    case zstd
    case xz
    /// Recognised so that it can be refused by name.
    case bzip2

    /// Looks at the first bytes (6 suffice) of a stream.
    public static func sniff(_ prefix: some Collection<UInt8>) -> CompressionFormat {
        let b = Array(prefix.prefix(6))
        if b.starts(with: [0x1F, 0x8B]) { return .gzip }
        if b.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return .zstd }
        // A skippable frame: seekable and chunked zstd may start with one.
        if b.count >= 4, b[0] & 0xF0 == 0x50, b[1] == 0x2A, b[2] == 0x4D, b[3] == 0x18 { return .zstd }
        if b.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) { return .xz }
        if b.starts(with: Array("BZh".utf8)) { return .bzip2 }
        return .plain
    }
}
