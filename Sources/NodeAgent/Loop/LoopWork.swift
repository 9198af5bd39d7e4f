import Base

/// The agent's pool as those see it who know nothing of its concurrency.
@LoopActor
public final class LoopWork: @LoopActor BlockingWork {
    private let pool: BlockingPool

    public init(_ pool: BlockingPool) { self.pool = pool }

    public func run<T: Sendable>(_ work: @escaping @Sendable () -> T, then: @escaping (T) -> Void) {
        Task {
            // What does not throw does not fail.
            guard let result = try? await pool.run(work) else { return }
            then(result)
        }
    }
}
