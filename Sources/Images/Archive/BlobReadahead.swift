import Base
import CLinux
import OCI
import Synchronization

/// Reads a blob on a thread of its own, a few buffers ahead of who asks: a layer is decompressed and summed while what came
/// before is being written.
final class BlobReadahead {
    private static let slots = 4
    private static let slotSize = 256 << 10

    /// What the two threads share.
    private final class Shared: Sendable {
        struct State {
            /// How the blob ended.
            var failure: ImageError?
            var digests: (blob: String?, content: String?) = (nil, nil)
            var isAbandoned = false
        }

        let state = Mutex(State())
        /// Bytes in each slot; 0 is the end, or a failure.
        let counts = Mutex([Int](repeating: 0, count: slots))
        // Every slot belongs to one thread at a time, and goes over by the counters below.
        nonisolated(unsafe) let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: slots * slotSize, alignment: 64)
        let free: Counter
        let filled: Counter

        init() throws(SystemError) {
            free = try Counter(UInt32(slots))
            filled = try Counter(0)
        }

        deinit { memory.deallocate() }

        func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
            let start = number % slots * slotSize
            return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + slotSize])
        }
    }

    /// A semaphore.
    private struct Counter: Sendable {
        private let descriptor: SharedDescriptor

        init(_ value: UInt32) throws(SystemError) {
            let raw = try retrying("eventfd", "a layer") { eventfd(value, Int32(EFD_CLOEXEC | EFD_SEMAPHORE)) }
            descriptor = SharedDescriptor(FileDescriptor(adopting: raw))
        }

        func post() { _ = eventfd_write(descriptor.raw, 1) }

        func wait() {
            var value: eventfd_t = 0
            while eventfd_read(descriptor.raw, &value) != 0, Errno.current == .interrupted {}
        }
    }

    private let shared: Shared
    private var thread: pthread_t?
    private var next = 0
    private var atEnd = false

    /// The arguments of `BlobReader`.
    init(
        _ range: ByteRange, blobAlgorithm: ImageDigest.Algorithm?, contentAlgorithm: ImageDigest.Algorithm?,
        budget: ImportBudget
    ) throws(SystemError) {
        let shared = try Shared()
        self.shared = shared
        thread = try Threads.start("decompressing") {
            do throws(ImageError) {
                let reader = try BlobReader(
                    range, blobAlgorithm: blobAlgorithm, contentAlgorithm: contentAlgorithm, budget: budget)
                try Self.fill(shared, reader)
            } catch {
                shared.state.withLock { $0.failure = error }
                shared.filled.post()
            }
        }
    }

    private static func fill(_ shared: Shared, _ reader: BlobReader) throws(ImageError) {
        var number = 0
        while true {
            shared.free.wait()
            if shared.state.withLock({ $0.isAbandoned }) { return }
            let count = try reader.read(into: shared.slot(number))
            if count == 0 {
                let digests = try reader.digests()
                shared.state.withLock { $0.digests = digests }
            }
            shared.counts.withLock { $0[number % slots] = count }
            shared.filled.post()
            if count == 0 { return }
            number += 1
        }
    }

    deinit {
        // It may be waiting for a slot, or reading.
        shared.state.withLock { $0.isAbandoned = true }
        shared.free.post()
        if let thread { pthread_join(thread, nil) }
    }

    /// The next bytes, valid until the next call; empty at the end.
    func read() throws(ImageError) -> UnsafeRawBufferPointer {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        if atEnd { return nothing }
        if next > 0 { shared.free.post() }
        shared.filled.wait()
        // What failed comes after what was read before.
        let count = shared.counts.withLock { counts in
            defer { counts[next % Self.slots] = 0 }
            return counts[next % Self.slots]
        }
        if count == 0 {
            atEnd = true
            if let failure = shared.state.withLock({ $0.failure }) { throw failure }
            return nothing
        }
        defer { next += 1 }
        return UnsafeRawBufferPointer(rebasing: shared.slot(next)[..<count])
    }

    /// The sums, after everything was read.
    func digests() -> (blob: String?, content: String?) {
        precondition(atEnd, "the digests of a stream are asked for before its end")
        return shared.state.withLock { $0.digests }
    }
}
