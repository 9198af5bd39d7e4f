import CZstd

/// zstd (RFC 8878): any number of frames, skippable ones too. The window is bounded, so that a frame cannot ask for
/// gigabytes. The formats of before 1.0, which the library still reads, are refused: nobody writes them, and their
/// decoders are looked after by nobody.
final class ZstdDecoder {
    /// 128 MiB, what `zstd --ultra -22` needs.
    private static let windowLog: Int32 = 27

    private enum Phase {
        case start
        /// Some of the four bytes that tell what a frame is.
        case head
        case frame
        case between
    }

    private let context: OpaquePointer
    private var phase = Phase.start
    private var head: [UInt8] = []

    init() throws(CompressionError) {
        guard let context = ZSTD_createDCtx() else { throw .outOfMemory }
        self.context = context
        _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
    }

    deinit { ZSTD_freeDCtx(context) }

    func process(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        if phase == .frame { return try decompress(input, into: output) }
        var consumed = 0
        while head.count < 4, consumed < input.count {
            head.append(input[consumed])
            consumed += 1
            phase = .head
        }
        guard head.count == 4 else { return (consumed, 0) }
        guard CompressionFormat.sniff(head) == .zstd else { throw .corrupt("bytes that are no zstd frame") }
        let start = head
        head = []
        phase = .frame
        _ = try start.withUnsafeBufferPointer { (start) throws(CompressionError) in
            try decompress(UnsafeRawBufferPointer(start), into: output)
        }
        return (consumed, 0)
    }

    private func decompress(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(result) != 0 { throw .corrupt(String(cString: ZSTD_getErrorName(result))) }
        if result == 0 { phase = .between }
        return (source.pos, target.pos)
    }

    func finish() throws(CompressionError) {
        if phase != .between { throw .truncated }
    }
}
