import CLZMA

/// xz: any number of streams one after the other, with padding between. The dictionary is bounded.
final class XZDecoder {
    /// `xz -9` needs 65 MiB.
    private static let memory: UInt64 = 128 << 20

    private let stream: UnsafeMutablePointer<lzma_stream>
    private var isComplete = false

    init() throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: swl_lzma_stream())
        let result = lzma_stream_decoder(stream, Self.memory, swl_lzma_concatenated)
        guard result == LZMA_OK else {
            stream.deallocate()
            throw .outOfMemory
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    func process(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = input.count
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = output.count
        let result = lzma_code(stream, LZMA_RUN)
        // Without room or input nothing happens, which is no error.
        guard result == LZMA_OK || result == LZMA_BUF_ERROR else { throw Self.error(result) }
        return (input.count - stream.pointee.avail_in, output.count - stream.pointee.avail_out)
    }

    func finish() throws(CompressionError) {
        if isComplete { return }
        // Only at the end of the input it can be told whether another stream was to come.
        stream.pointee.avail_in = 0
        stream.pointee.avail_out = 0
        let result = lzma_code(stream, LZMA_FINISH)
        switch result {
        case LZMA_STREAM_END: isComplete = true
        case LZMA_OK, LZMA_BUF_ERROR: throw .truncated
        default: throw Self.error(result)
        }
    }

    private static func error(_ result: lzma_ret) -> CompressionError {
        switch result {
        case LZMA_MEM_ERROR: .outOfMemory
        case LZMA_MEMLIMIT_ERROR: .corrupt("the xz stream needs more than \(memory >> 20) MiB to decompress")
        case LZMA_FORMAT_ERROR: .corrupt("invalid xz header, or bytes after the end of the xz stream")
        case LZMA_OPTIONS_ERROR: .corrupt("unknown xz options")
        default: .corrupt("invalid xz data")
        }
    }
}
