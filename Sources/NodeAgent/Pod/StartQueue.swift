import Base

/// Lets only so many sandboxes be made at a time, those of the pods with the highest priority first: after a cold boot
/// a hundred pods that all start at once would each be late. One that takes long gives its turn away, so that a plugin
/// that hangs holds nobody back but its own pod.
@LoopActor
public final class StartQueue {
    /// A turn. It ends by `leave`, or by itself after a while.
    struct Turn {
        fileprivate let id: Int
    }

    private struct Waiter {
        var priority: Int32
        var id: Int
        var continuation: CheckedContinuation<Void, Never>
    }

    private let loop: EventLoop
    private let width: Int
    private let patience: Nanoseconds
    private var nextID = 0
    private var turns: [Int: EventLoop.Token] = [:]
    /// The next one is last.
    private var waiters: [Waiter] = []

    /// - Parameters:
    ///   - width: how many turns there are at a time.
    ///   - patience: how long one turn can keep others waiting.
    public init(loop: EventLoop, width: Int, patience: Nanoseconds = .seconds(2)) {
        self.loop = loop
        self.patience = patience
        self.width = max(1, width)
    }

    /// Waits for a turn; the highest priority is served first, and who came first among equals.
    func enter(priority: Int32) async -> Turn {
        let id = nextID
        nextID += 1
        if turns.count < width, waiters.isEmpty {
            begin(id)
        } else {
            await withCheckedContinuation { continuation in
                let waiter = Waiter(priority: priority, id: id, continuation: continuation)
                let place = waiters.firstIndex { $0.priority >= priority } ?? waiters.endIndex
                waiters.insert(waiter, at: place)
            }
        }
        return Turn(id: id)
    }

    func leave(_ turn: Turn) {
        guard let timer = turns.removeValue(forKey: turn.id) else { return }
        loop.cancel(timer)
        admit()
    }

    private func begin(_ id: Int) {
        turns[id] = loop.schedule(after: patience) { [weak self] in
            self?.turns[id] = nil
            self?.admit()
        }
    }

    private func admit() {
        while turns.count < width, let next = waiters.popLast() {
            begin(next.id)
            next.continuation.resume()
        }
    }
}
