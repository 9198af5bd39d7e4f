import Base
import OCI
import Synchronization

/// What the threads of a fetch share: who does what, how far it is, and the first failure, which stops all.
final class FetchState: Sendable {
    private struct State {
        var next = 0
        var progress = FetchProgress()
        var failure: RegistryError?
        var nextReport = BootInstant.now
        var isReported = true

        /// What is to be told now, a few times a second at most.
        mutating func due() -> FetchProgress? {
            let now = BootInstant.now
            guard !isReported, now >= nextReport else { return nil }
            nextReport = now + .milliseconds(250)
            isReported = true
            return progress
        }
    }

    private let state = Mutex(State())
    private let cancelled = Atomic<Bool>(false)
    private let progress: @Sendable (FetchProgress) -> Void

    let arrived: @Sendable (ImageDigest, LayerArrival) -> Void

    init(
        _ progress: @escaping @Sendable (FetchProgress) -> Void,
        _ arrived: @escaping @Sendable (ImageDigest, LayerArrival) -> Void
    ) {
        self.progress = progress
        self.arrived = arrived
    }

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    var failure: RegistryError? { state.withLock { $0.failure } }

    func start(_ layers: [ImageDescriptor]) {
        state.withLock {
            $0.progress.layers = layers.map { .init(digest: $0.digest.description, done: 0, total: $0.size) }
        }
        flush()
    }

    /// The number of the next piece of work; nil when there is none, or one failed.
    func next(of count: Int) -> Int? {
        state.withLock { state in
            guard state.failure == nil, state.next < count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    func report(_ layer: Int, _ done: Int64) {
        let due = state.withLock { state -> FetchProgress? in
            state.progress.layers[layer].done = done
            state.isReported = false
            return state.due()
        }
        if let due { progress(due) }
    }

    /// Called now and then also when nothing comes: what came last is told then.
    func continues() -> Bool {
        if let due = state.withLock({ $0.due() }) { progress(due) }
        return !isCancelled
    }

    /// Tells how far it is now.
    func flush() { progress(state.withLock { $0.progress }) }

    func fail(_ error: RegistryError) {
        state.withLock { if $0.failure == nil { $0.failure = error } }
        cancelled.store(true, ordering: .relaxed)
    }
}
