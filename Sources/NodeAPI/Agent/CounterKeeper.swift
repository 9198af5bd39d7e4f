import Base
import Kube
import NodeAgent

/// Counts what happens to pods, from what the agent says of them.
@LoopActor
final class CounterKeeper {
    private(set) var counters = NodeCounters()
    /// Pods that are not running yet, and since when they are known.
    private var waiting: [String: BootInstant] = [:]

    init(_ agent: Agent) {
        // The agent lives as long as this does: nobody ends the observing.
        _ = agent.observe { [unowned self] change, pod in see(change, pod) }
        _ = agent.events.observe { [unowned self] event, _ in counters.count(event) }
    }

    private func see(_ change: Agent.Change, _ pod: Pod) {
        let uid = pod.metadata.uid
        switch change {
        case .added:
            // One that was taken up from an earlier run of the agent was started then.
            guard pod.status.phase == .pending else { return }
            counters.startedPods += 1
            waiting[uid] = .now
        case .modified:
            guard pod.status.phase != .pending, let since = waiting.removeValue(forKey: uid) else { return }
            counters.startDuration.observe(Double((BootInstant.now - since).count) / 1e9)
        case .deleted: waiting[uid] = nil
        }
    }
}
