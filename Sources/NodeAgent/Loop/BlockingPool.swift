import Base
import CLinux
import Synchronization

/// A few threads of our own for calls that may block (file systems, cgroups, fsync), so that the loop never does and
/// Swift's cooperative pool is never used. Threads start when first needed, at most `size`.
public final class BlockingPool: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var next = 0
        var threads = 0
        var idle = 0
    }

    private let size: Int
    private let state = Mutex(State())
    /// Counts the queued pieces of work.
    private let available: EventSemaphore

    public init(size: Int = 4) {
        self.size = size
        available = EventSemaphore()
    }

    /// Runs `work` on a thread of the pool and resumes the caller, on the loop, with its result.
    @LoopActor
    public func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit { continuation.resume(with: Result { try work() }) }
        }
    }

    /// Runs `work`, which reports by itself, on a thread of the pool.
    public func submit(_ work: @escaping @Sendable () -> Void) {
        let startThread = state.withLock { state in
            state.work.append(work)
            guard state.idle == 0, state.threads < size else { return false }
            state.threads += 1
            return true
        }
        available.signal()
        guard startThread, !start() else { return }
        // No thread could be had (a process limit). With none at all, slow is better than never.
        if state.withLock({ $0.threads }) == 0 { serveOne() }
    }

    private func start() -> Bool {
        if let thread = try? Threads.start("blocking work", stackSize: 512 * 1024, { self.serve() }) {
            pthread_detach(thread)
            return true
        }
        state.withLock { $0.threads -= 1 }
        return false
    }

    private func serve() {
        while true { serveOne() }
    }

    private func serveOne() {
        state.withLock { $0.idle += 1 }
        available.wait()
        let work = state.withLock { state in
            state.idle -= 1
            let work = state.work[state.next]
            state.next += 1
            if state.next == state.work.count {
                state.work.removeAll(keepingCapacity: true)
                state.next = 0
            }
            return work
        }
        work()
    }
}

/// A counting semaphore over an eventfd: no Dispatch, and no memory that must not move.
private final class EventSemaphore: Sendable {
    private let descriptor: FileDescriptor

    init() {
        // Without a descriptor nothing of the agent works: it is made once at the start, where that is reported.
        descriptor = FileDescriptor(adopting: eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_SEMAPHORE)))
    }

    /// A signal that is lost is work that is never begun: what fails for a moment is tried again.
    func signal() { for _ in 0..<8 where eventfd_write(descriptor.raw, 1) == 0 { return } }

    func wait() {
        var value: eventfd_t = 0
        while eventfd_read(descriptor.raw, &value) != 0 {}
    }
}
