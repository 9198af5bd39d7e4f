import Base
import CLinux
import OCI
import Synchronization

/// The layers of a pull, unpacked while they come. What comes is not known to be right before all of it is there, so
/// this only saves time: whatever goes wrong here is thrown away, and the layers are unpacked from their complete
/// files.
final class ArrivingLayers {
    private let tasks: [LayerTask]
    private let arrivals: LayerArrivals
    private let result: Result
    private var thread: pthread_t?

    private final class Result: Sendable {
        let outcomes = Mutex<[LayerUnpacker.Outcome]?>(nil)
    }

    /// Begins; `finish` or `abandon` must follow.
    init(_ tasks: [LayerTask], _ arrivals: LayerArrivals, _ budget: ImportBudget) throws(SystemError) {
        self.tasks = tasks
        self.arrivals = arrivals
        let result = Result()
        self.result = result
        thread = try Threads.start("unpacking") {
            let outcomes = try? LayerTask.runAll(tasks, budget) { _ in }
            result.outcomes.withLock { $0 = outcomes }
        }
    }

    /// Waits for the end.
    ///
    /// - Returns: the layers by their chain; nil when they are to be unpacked anew.
    func finish() -> [ImageDigest: (task: LayerTask, outcome: LayerUnpacker.Outcome)]? {
        if let thread { pthread_join(thread, nil) }
        thread = nil
        guard let outcomes = result.outcomes.withLock({ $0 }) else {
            for task in tasks { try? Files.removeTree(task.folder) }
            return nil
        }
        return Dictionary(
            zip(tasks, outcomes).map { ($0.layer.chainID, (task: $0, outcome: $1)) }, uniquingKeysWith: { $1 })
    }

    /// What is missing will not come.
    func abandon() {
        arrivals.loseAll()
        _ = finish()
    }
}
