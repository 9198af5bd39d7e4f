import Base
import CLinux
import Synchronization

/// The actor that everything of the agent's core belongs to. Its executor is the agent's event loop on the main
/// thread, so that what it isolates is plain single-threaded code between two `await`s, and no thread pool exists.
@globalActor
public actor LoopActor {
    public static let shared = LoopActor()
    static let executor = LoopExecutor()

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        Self.executor.asUnownedSerialExecutor()
    }

    /// Makes a loop, makes it this actor's, and runs `body` on it. Called once, by the main thread, which then is the
    /// actor's.
    public static func run(_ body: @LoopActor (EventLoop) throws -> Void) throws {
        let loop = try EventLoop()
        executor.attach(to: loop)
        // The thread that runs the loop is the actor's thread by definition: what is missing is only the type
        // system's knowledge of it, as in `MainActor.assumeIsolated`.
        try withoutActuallyEscaping(body) { isolated in
            try unsafeBitCast(isolated, to: ((EventLoop) throws -> Void).self)(loop)
        }
    }
}

/// Runs the jobs of Swift's tasks as turns of an `EventLoop`.
final class LoopExecutor: SerialExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var thread: pthread_t?
        var wake: WakeHandle?
        /// A drain is already on its way.
        var scheduled = false
    }

    private let state = Mutex(State())
    // Set once by `attach`, before the first job, and afterwards used by the attached thread alone.
    private nonisolated(unsafe) var loop: EventLoop?

    func attach(to loop: EventLoop) {
        self.loop = loop
        state.withLock {
            $0.thread = pthread_self()
            $0.wake = loop.wakeHandle
        }
        loop.onWake { [unowned self] in drain() }
        // What belongs to no actor runs here too, as a task that is resumed by a thread of the pool does for a moment:
        // otherwise the runtime starts threads of its own, one of which wakes up every second from then on.
        swl_take_global_jobs { job in
            guard let job else { return }
            // A job is handed over as the pointer that `UnownedJob` is.
            LoopActor.executor.append(unsafeBitCast(job, to: UnownedJob.self))
        }
    }

    func enqueue(_ job: consuming ExecutorJob) { append(UnownedJob(job)) }

    fileprivate func append(_ job: UnownedJob) {
        enum Reach {
            case nothing
            case thisThread
            case wake(WakeHandle?)
        }
        let reach: Reach = state.withLock { state in
            state.jobs.append(job)
            if state.scheduled { return .nothing }
            state.scheduled = true
            if let thread = state.thread, pthread_equal(thread, pthread_self()) != 0 { return .thisThread }
            return .wake(state.wake)
        }
        switch reach {
        case .nothing: break
        case .thisThread: loop?.enqueue { [unowned self] in drain() }
        case .wake(let handle): handle?.wake()
        }
    }

    private func drain() {
        let jobs = state.withLock { state in
            state.scheduled = false
            let jobs = state.jobs
            state.jobs.removeAll(keepingCapacity: jobs.count < 256)
            return jobs
        }
        for job in jobs { job.runSynchronously(on: asUnownedSerialExecutor()) }
    }

    func checkIsolated() {
        let thread = state.withLock { $0.thread }
        precondition(thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false, "not on the agent's loop")
    }
}

extension EventLoop {
    /// Suspends the calling task until `deadline`.
    @LoopActor
    func sleep(until deadline: BootInstant) async {
        await withCheckedContinuation { continuation in
            schedule(at: deadline) { continuation.resume() }
        }
    }
}
