import Base
import CLinux
import OCI
import Synchronization

/// Reads a blob on a thread of its own, a few buffers ahead of who asks: a layer is decompressed and summed while what
/// came before is being written.
final class BlobReadahead {
    private static let slots = 4
    private static let slotSize = 256 << 10

    /// What the two threads share.
    private final class Shared: Sendable {
        struct State {
            /// Slots that were filled so far, and those that were used up.
            var filled = 0
            var used = 0
            /// Bytes in each slot; 0 is the end, or a failure.
            var counts = [Int](repeating: 0, count: slots)
            var failure: ImageError?
            var digests: (blob: String?, content: String?) = (nil, nil)
            var isAbandoned = false
        }

        private let state = Mutex(State())
        // Every slot belongs to one thread at a time, by the numbers above.
        nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
            byteCount: slots * slotSize, alignment: 64)
        /// Eventfds, on which the two threads sleep.
        let toReader: SharedDescriptor
        let toFiller: SharedDescriptor

        init() throws(SystemError) {
            toReader = try Self.eventDescriptor()
            toFiller = try Self.eventDescriptor()
        }

        private static func eventDescriptor() throws(SystemError) -> SharedDescriptor {
            let raw = try retrying("eventfd", "a layer") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
            return SharedDescriptor(FileDescriptor(adopting: raw))
        }

        deinit { memory.deallocate() }

        func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
            let start = number % slots * slotSize
            return UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + slotSize])
        }

        func change(tell news: SharedDescriptor, _ body: (inout State) -> Void) {
            state.withLock { body(&$0) }
            _ = eventfd_write(news.raw, 1)
        }

        /// Waits until `body` gives something.
        func wait<T: Sendable>(for news: SharedDescriptor, _ body: (State) -> T?) -> T {
            while true {
                if let found = state.withLock({ body($0) }) { return found }
                // Looked at again also without news: a wake-up that fails must not let an import wait for ever.
                var watched = pollfd(fd: news.raw, events: Int16(POLLIN), revents: 0)
                var value: eventfd_t = 0
                if poll(&watched, 1, 500) > 0 { _ = eventfd_read(news.raw, &value) }
            }
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
                shared.change(tell: shared.toReader) {
                    $0.failure = error
                    $0.filled += 1
                }
            }
        }
    }

    private static func fill(_ shared: Shared, _ reader: BlobReader) throws(ImageError) {
        var number = 0
        while true {
            let isAbandoned = shared.wait(for: shared.toFiller) { state -> Bool? in
                if state.isAbandoned { return true }
                return number - state.used < slots ? false : nil
            }
            if isAbandoned { return }
            let count = try reader.read(into: shared.slot(number))
            let digests = count == 0 ? try reader.digests() : (nil, nil)
            shared.change(tell: shared.toReader) {
                $0.counts[number % slots] = count
                $0.digests = digests
                $0.filled += 1
            }
            if count == 0 { return }
            number += 1
        }
    }

    deinit {
        // It may be waiting for a slot, or reading.
        shared.change(tell: shared.toFiller) { $0.isAbandoned = true }
        if let thread { pthread_join(thread, nil) }
    }

    /// The next bytes, valid until the next call; empty at the end.
    func read() throws(ImageError) -> UnsafeRawBufferPointer {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        if atEnd { return nothing }
        let wanted = next
        if wanted > 0 {
            shared.change(tell: shared.toFiller) {
                $0.counts[(wanted - 1) % Self.slots] = 0
                $0.used = wanted
            }
        }
        // What failed comes after what was read before.
        let (count, failure) = shared.wait(for: shared.toReader) { state in
            state.filled > wanted ? (state.counts[wanted % Self.slots], state.failure) : nil
        }
        if count == 0 {
            atEnd = true
            if let failure { throw failure }
            return nothing
        }
        next += 1
        return UnsafeRawBufferPointer(rebasing: shared.slot(wanted)[..<count])
    }

    /// The sums, after everything was read.
    func digests() -> (blob: String?, content: String?) {
        precondition(atEnd, "the digests of a stream are asked for before its end")
        return shared.wait(for: shared.toReader) { $0.digests }
    }
}
