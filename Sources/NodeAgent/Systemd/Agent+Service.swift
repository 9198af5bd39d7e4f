import Base
import Kube

extension Agent {
    /// What `systemctl status` shows: `12 pods, 12 ready`.
    public var serviceStatus: String { Self.serviceStatus(of: pods, problems: problems.count) }

    nonisolated static func serviceStatus(of pods: [Pod], problems: Int) -> String {
        let ready = pods.count { pod in pod.status.conditions.contains { $0.type == "Ready" && $0.status == .true } }
        let counted = "\(pods.count) \(pods.count == 1 ? "pod" : "pods"), \(ready) ready"
        guard problems > 0 else { return counted }
        return "\(counted), \(problems) manifest \(problems == 1 ? "problem" : "problems")"
    }

    /// How long ending all pods takes at most: the longest grace period, and what killing and releasing take then.
    public var longestEnd: Nanoseconds {
        let longest = pods.map(\.spec.terminationGracePeriodSeconds).max() ?? 0
        return .seconds(max(0, min(longest, 1 << 31)) + 60)
    }
}
