import Base
import CLinux

/// Part of an open file.
struct ByteRange: Sendable {
    var file: SharedDescriptor
    var offset: Int64
    var size: Int64
    /// Of a file that is still being written.
    var arrival: BlobArrival?

    /// Reads at `position` of the range, at most `buffer.count` bytes; 0 at its end.
    ///
    /// - Throws: `ImageError` with `truncated` when the file has become shorter than the range.
    func read(at position: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(ImageError) -> Int {
        var wanted = Int(min(Int64(buffer.count), size - position))
        if wanted <= 0 { return 0 }
        if let there = try arrival?.wait(beyond: position) { wanted = min(wanted, Int(there - position)) }
        let raw = file.raw
        let n = try storage { () throws(SystemError) in
            try retrying("read", "the archive") { pread(raw, buffer.baseAddress, wanted, off_t(offset + position)) }
        }
        if n == 0 { throw ImageError(.truncated, "the archive became shorter while it was read") }
        return n
    }

    /// All bytes.
    ///
    /// - Throws: `ImageError` with `tooLarge` above `limit`.
    func readAll(limit: Int, _ name: String) throws(ImageError) -> [UInt8] {
        guard size <= Int64(limit) else {
            throw ImageError(.tooLarge, "\(name) has \(size) bytes; at most \(limit) are read")
        }
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var done = 0
        while done < bytes.count {
            var n = 0
            var failure: ImageError?
            bytes.withUnsafeMutableBytes { buffer in
                do throws(ImageError) {
                    n = try read(at: Int64(done), into: UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            done += n
        }
        return bytes
    }
}
