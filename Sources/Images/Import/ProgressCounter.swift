import Synchronization

/// Puts the numbers of several threads together for the caller.
final class ProgressCounter: Sendable {
    private let state = Mutex(ImportProgress(layersDone: 0, layers: 0, expandedBytes: 0))
    private let report: @Sendable (ImportProgress) -> Void

    init(_ report: @escaping @Sendable (ImportProgress) -> Void) { self.report = report }

    func start(layers: Int) { change { $0.layers = layers } }
    func layers(_ done: Int, bytes: Int64) {
        change {
            $0.layersDone = max($0.layersDone, done)
            $0.expandedBytes = max($0.expandedBytes, bytes)
        }
    }
    func bytes(_ count: Int64) { change { $0.expandedBytes = max($0.expandedBytes, count) } }

    private func change(_ body: (inout ImportProgress) -> Void) {
        report(
            state.withLock {
                body(&$0)
                return $0
            })
    }
}
