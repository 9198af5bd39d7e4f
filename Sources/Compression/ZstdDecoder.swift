import CZstd

/// zstd: any number of frames, skippable ones too. The window is bounded, so that a frame cannot ask for gigabytes.
final class ZstdDecoder {
    /// 128 MiB, what `zstd --ultra -22` needs.
    private static let windowLog: Int32 = 27

    private let context: OpaquePointer
    private var insideFrame = true

    init() throws(CompressionError) {
        guard let context = ZSTD_createDCtx() else { throw .outOfMemory }
        self.context = context
        _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLog)
    }

    deinit { ZSTD_freeDCtx(context) }

    func process(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        // With nothing new to read at the end of a frame, a call would only begin to wait for another frame.
        if input.isEmpty, !insideFrame { return (0, 0) }
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let result = ZSTD_decompressStream(context, &target, &source)
        if ZSTD_isError(result) != 0 { throw .corrupt(String(cString: ZSTD_getErrorName(result))) }
        insideFrame = result != 0
        return (source.pos, target.pos)
    }

    func finish() throws(CompressionError) {
        if insideFrame { throw .truncated }
    }
}
