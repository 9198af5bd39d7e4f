import CISAL

/// gzip by ISA-L: any number of members one after the other (pigz, eStargz) and NUL padding after the last.
final class GzipDecoder {
    private enum Phase {
        case start
        case header
        case member
        case between
        case padding
    }

    private let state: UnsafeMutablePointer<inflate_state>
    private var phase = Phase.start
    private var header = GzipHeader()

    init() { state = .allocate(capacity: 1) }

    deinit { state.deallocate() }

    private func begin() {
        isal_inflate_init(state)
        state.pointee.crc_flag = UInt32(ISAL_GZIP)
        header = GzipHeader()
        phase = .header
    }

    func process(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        var consumed = 0
        if phase != .member, phase != .header {
            if phase == .between || phase == .padding {
                while consumed < input.count, input[consumed] == 0 {
                    consumed += 1
                    phase = .padding
                }
            }
            guard consumed < input.count else { return (consumed, 0) }
            if phase == .padding || input[consumed] != 0x1F { throw .corrupt("bytes after the end of the gzip stream") }
            begin()
        }
        guard output.count > 0 else { return (consumed, 0) }
        if phase == .header {
            consumed += try header.take(input[consumed...])
            guard header.isWhole else { return (consumed, 0) }
            phase = .member
            let bytes = header.bytes
            _ = try bytes.withUnsafeBufferPointer { (bytes) throws(CompressionError) in
                try inflate(UnsafeRawBufferPointer(bytes), into: output)
            }
        }
        let (taken, produced) = try inflate(UnsafeRawBufferPointer(rebasing: input[consumed...]), into: output)
        return (consumed + taken, produced)
    }

    private func inflate(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer)
        throws(CompressionError) -> (consumed: Int, produced: Int)
    {
        // The library counts in 32 bits.
        let rest = UnsafeRawBufferPointer(rebasing: input.prefix(1 << 30))
        let room = min(output.count, 1 << 30)
        state.pointee.next_in = UnsafeMutablePointer(
            mutating: rest.baseAddress?.assumingMemoryBound(to: UInt8.self))
        state.pointee.avail_in = UInt32(rest.count)
        state.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        state.pointee.avail_out = UInt32(room)
        let result = isal_inflate(state)
        guard result == ISAL_DECOMP_OK || result == ISAL_END_INPUT || result == ISAL_OUT_OVERFLOW else {
            throw .corrupt(Self.describe(result))
        }
        if state.pointee.block_state == ISAL_BLOCK_FINISH { phase = .between }
        return (rest.count - Int(state.pointee.avail_in), room - Int(state.pointee.avail_out))
    }

    func finish() throws(CompressionError) {
        if phase == .start || phase == .header || phase == .member { throw .truncated }
    }

    private static func describe(_ result: Int32) -> String {
        switch result {
        case ISAL_INVALID_BLOCK, ISAL_INVALID_SYMBOL, ISAL_INVALID_LOOKBACK: "invalid deflate data"
        case ISAL_INVALID_WRAPPER: "invalid gzip header"
        case ISAL_UNSUPPORTED_METHOD: "unknown gzip method"
        case ISAL_INCORRECT_CHECKSUM: "gzip checksum mismatch"
        default: "igzip error \(result)"
        }
    }
}
