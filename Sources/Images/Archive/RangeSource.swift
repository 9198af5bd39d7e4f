/// A tar stream that stands plainly in a file: passing over content reads nothing.
final class RangeSource: TarSource {
    private let range: ByteRange
    private let buffer: UnsafeMutableRawBufferPointer
    /// Where the next byte stands in the range.
    private(set) var position: Int64 = 0

    init(_ range: ByteRange) {
        self.range = range
        buffer = .allocate(byteCount: 64 << 10, alignment: 16)
    }

    deinit { buffer.deallocate() }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        let n = try range.read(
            at: position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(max, buffer.count)]))
        position += Int64(n)
        return UnsafeRawBufferPointer(rebasing: buffer[..<n])
    }

    func skip(_ count: Int64) throws(ImageError) {
        guard count <= range.size - position else { throw TarReaderError.truncated }
        position += count
    }
}
