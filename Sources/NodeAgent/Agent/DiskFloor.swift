import Base
import CLinux
import Kube

/// The room on a disk that is kept free: below it no image is unpacked and no container started, so that what runs can
/// go on writing.
public struct DiskFloor: Hashable, Sendable {
    /// Bytes; nil for 256 MiB, or a fiftieth of file systems that are small.
    public var bytes: Int64?

    public init(bytes: Int64? = nil) { self.bytes = bytes }

    /// The floor of a file system with `capacity` bytes.
    func floor(ofCapacity capacity: Int64) -> Int64 { bytes ?? min(256 << 20, capacity / 50) }

    /// What is wrong with the file system that `path` is on, as a sentence for people; nil when there is room, or when it
    /// cannot be told.
    public func shortage(at path: String) -> String? {
        if bytes == 0 { return nil }
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        func size(_ blocks: UInt) -> Int64 { Int64(clamping: Int128(blocks) * Int128(status.f_frsize)) }
        return shortage(path, capacity: size(status.f_blocks), available: size(status.f_bavail))
    }

    func shortage(_ path: String, capacity: Int64, available: Int64) -> String? {
        let floor = floor(ofCapacity: capacity)
        guard available < floor else { return nil }
        return "the file system of \(path) has only \(available >> 20)Mi free, less than the \(floor >> 20)Mi that are "
            + "kept free (minimumFreeDisk): no image is unpacked and no container started until there is more"
    }
}

/// There is too little room on the disk to begin something.
struct DiskShortage: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
