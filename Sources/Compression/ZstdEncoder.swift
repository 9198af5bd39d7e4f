import CZstd

/// Compresses one zstd frame in pieces, fast, with a checksum over its content.
public final class ZstdEncoder {
    private let context: OpaquePointer
    private let output: UnsafeMutableRawBufferPointer

    public init() throws(CompressionError) {
        guard let context = ZSTD_createCCtx() else { throw .outOfMemory }
        self.context = context
        output = .allocate(byteCount: 128 << 10, alignment: 64)
        _ = ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1)
        _ = ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
    }

    deinit {
        ZSTD_freeCCtx(context)
        output.deallocate()
    }

    /// Takes all of `input`; `write` gets what comes of it, in pieces that are valid during the call.
    ///
    /// - Parameter isLast: the frame ends with it.
    public func process<Failure: Error>(
        _ input: UnsafeRawBufferPointer, isLast: Bool, _ write: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) -> CompressionError? {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        while true {
            var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let left = ZSTD_compressStream2(context, &target, &source, isLast ? ZSTD_e_end : ZSTD_e_continue)
            if ZSTD_isError(left) != 0 { return .corrupt(String(cString: ZSTD_getErrorName(left))) }
            if target.pos > 0 { try write(UnsafeRawBufferPointer(rebasing: output[..<target.pos])) }
            if isLast ? left == 0 : source.pos == source.size { return nil }
        }
    }
}
