/// Decompresses a stream in pieces with memory that does not grow with its content.
public struct Decompressor: ~Copyable {
    private let gzip: GzipDecoder?
    private let zstd: ZstdDecoder?
    private let xz: XZDecoder?

    /// - Throws: `CompressionError.unsupported` for bzip2.
    public init(_ format: CompressionFormat) throws(CompressionError) {
        switch format {
        case .plain: (gzip, zstd, xz) = (nil, nil, nil)
        case .gzip: (gzip, zstd, xz) = (GzipDecoder(), nil, nil)
        case .zstd: (gzip, zstd, xz) = (nil, try ZstdDecoder(), nil)
        case .xz: (gzip, zstd, xz) = (nil, nil, try XZDecoder())
        case .bzip2: throw .unsupported(format)
        }
    }

    /// Takes some of `input` and fills some of `output`. Nothing consumed and nothing produced means that more input is
    /// needed (call `finish` when there is none).
    public mutating func process(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (consumed: Int, produced: Int) {
        if let gzip { return try gzip.process(input, into: output) }
        if let zstd { return try zstd.process(input, into: output) }
        if let xz { return try xz.process(input, into: output) }
        let count = min(input.count, output.count)
        output.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
        return (count, count)
    }

    /// To be called at the end of the input, after `process` produced nothing more.
    ///
    /// - Throws: `CompressionError.truncated` when the stream is not complete.
    public func finish() throws(CompressionError) {
        try gzip?.finish()
        try zstd?.finish()
        try xz?.finish()
    }
}
