import Base
import CLinux

/// A blob that comes, and the file that it comes into.
struct ArrivingBlob: Sendable {
    var path: String
    var size: Int64
    var arrival: BlobArrival

    /// The blob, to be read while it comes. Waits for its first bytes.
    func range() throws(ImageError) -> ByteRange {
        _ = try arrival.wait(beyond: 0)
        let file = try storage { () throws(SystemError) in
            SharedDescriptor(try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW))
        }
        return ByteRange(file: file, offset: 0, size: size, arrival: arrival)
    }
}
