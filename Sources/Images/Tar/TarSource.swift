/// Where a tar stream comes from.
protocol TarSource: AnyObject {
    /// The next bytes, at least one and at most `max`, valid until the next call; empty at the end of the stream.
    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer

    /// The next bytes, which are content of a file that is read.
    func content(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer

    /// Passes over `count` bytes.
    ///
    /// - Throws: `ImageError` with `truncated` when there are fewer.
    func skip(_ count: Int64) throws(ImageError)
}

extension TarSource {
    func content(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer { try next(max) }

    func skip(_ count: Int64) throws(ImageError) {
        var left = count
        while left > 0 {
            let bytes = try next(Int(min(left, 1 << 20)))
            if bytes.isEmpty { throw TarReaderError.truncated }
            left -= Int64(bytes.count)
        }
    }
}

/// The ways in which a tar stream is wrong.
enum TarReaderError {
    static var truncated: ImageError { ImageError(.truncated, "the archive ends in the middle of an entry") }
    static func corrupt(_ what: String) -> ImageError { ImageError(.corrupt, "damaged tar header: \(what)") }
}
