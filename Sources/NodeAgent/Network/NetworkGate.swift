/// Lets attachments be made and released side by side, and keeps them all out while the whole network is worked on:
/// the specification's rule for GC. Who waits for the whole is not overtaken.
@LoopActor
final class NetworkGate {
    private struct Waiter {
        var isExclusive: Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private var shared = 0
    private var isExclusive = false
    private var queue: [Waiter] = []

    /// Runs `body` beside others that are `exclusively: false`, or alone.
    func pass<T>(exclusively: Bool, _ body: @LoopActor () async throws -> T) async throws -> T {
        await enter(exclusively)
        defer { leave(exclusively) }
        return try await body()
    }

    private func enter(_ exclusively: Bool) async {
        if queue.isEmpty, !isExclusive, !exclusively || shared == 0 { return admit(exclusively) }
        await withCheckedContinuation { queue.append(Waiter(isExclusive: exclusively, continuation: $0)) }
    }

    private func admit(_ exclusively: Bool) {
        if exclusively { isExclusive = true } else { shared += 1 }
    }

    private func leave(_ exclusively: Bool) {
        if exclusively { isExclusive = false } else { shared -= 1 }
        while let first = queue.first, !isExclusive, !first.isExclusive || shared == 0 {
            queue.removeFirst()
            admit(first.isExclusive)
            first.continuation.resume()
        }
    }
}
