import Base
import OCI
import Synchronization

/// Tells who unpacks the layers of a pull how much of them is there. May be called from any thread.
public final class LayerArrivals: Sendable {
    private let blobs = Mutex<[ImageDigest: BlobArrival]>([:])

    func add(_ digest: ImageDigest) throws(SystemError) -> BlobArrival {
        let arrival = try BlobArrival()
        blobs.withLock { $0[digest] = arrival }
        return arrival
    }

    func contains(_ digest: ImageDigest) -> Bool { blobs.withLock { $0[digest] != nil } }

    func loseAll() { for blob in blobs.withLock({ Array($0.values) }) { blob.lose() } }

    /// So many bytes of a blob are in its file; fewer than before when it began anew.
    public func arrived(_ digest: ImageDigest, _ bytes: Int64) { blobs.withLock { $0[digest] }?.arrived(bytes) }

    /// All of a blob is in its file, and has its digest.
    public func complete(_ digest: ImageDigest) { blobs.withLock { $0[digest] }?.complete() }
}
