import Base
import CLinux
import Synchronization

/// A blob on its way into a file, as its one reader sees it.
final class BlobArrival: Sendable {
    private enum Fate {
        case arriving
        case complete
        /// It began anew, or never comes: what was read of it is worth nothing.
        case lost
    }

    private struct State {
        var bytes: Int64 = 0
        var fate = Fate.arriving
        var isAwaited = false
    }

    private let state = Mutex(State())
    /// An eventfd, on which the reader sleeps.
    private let news: SharedDescriptor

    init() throws(SystemError) {
        let raw = try retrying("eventfd", "a layer") { eventfd(0, Int32(EFD_CLOEXEC)) }
        news = SharedDescriptor(FileDescriptor(adopting: raw))
    }

    /// So many bytes are in the file now.
    func arrived(_ bytes: Int64) {
        change { state in
            if bytes < state.bytes { state.fate = .lost }
            state.bytes = bytes
        }
    }

    /// All of it is in the file, and is what it should be.
    func complete() { change { if $0.fate == .arriving { $0.fate = .complete } } }

    func lose() { change { $0.fate = .lost } }

    private func change(_ body: (inout State) -> Void) {
        let isAwaited = state.withLock { state in
            body(&state)
            defer { state.isAwaited = false }
            return state.isAwaited
        }
        if isAwaited { _ = eventfd_write(news.raw, 1) }
    }

    /// Waits until there is more of the blob than `position` bytes, or all of it.
    ///
    /// - Returns: how many bytes may be read from the file; nil for all.
    /// - Throws: `ImageError` with `cancelled` when the blob is lost.
    func wait(beyond position: Int64) throws(ImageError) -> Int64? {
        while true {
            let (bytes, fate) = state.withLock { state in
                state.isAwaited = state.fate == .arriving && state.bytes <= position
                return (state.bytes, state.fate)
            }
            switch fate {
            case .lost: throw ImageError(.cancelled, "what comes began anew")
            case .complete: return nil
            case .arriving: if bytes > position { return bytes }
            }
            // Looked at again also without news: a wake-up that fails must not let a pull wait for ever.
            var watched = pollfd(fd: news.raw, events: Int16(POLLIN), revents: 0)
            var value: eventfd_t = 0
            if poll(&watched, 1, 500) > 0 { _ = eventfd_read(news.raw, &value) }
        }
    }
}
