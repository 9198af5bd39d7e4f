import Kube

/// The kubelet's `getPhase`: a pod's phase of the states of its containers.
enum PodPhaseRule {
    static func phase(
        _ spec: PodSpec, _ initStatuses: [ContainerStatus], _ statuses: [ContainerStatus]
    ) -> PodPhase {
        var (pending, failed) = (0, 0)
        for status in initStatuses {
            switch (status.state, status.lastState) {
            case (.terminated(let end), _): if end.exitCode != 0 { failed += 1 }
            case (.waiting, .terminated(let end)?): if end.exitCode != 0 { failed += 1 }
            default: pending += 1
            }
        }
        if failed > 0 && spec.restartPolicy == .never { return .failed }

        var (running, waiting, stopped, succeeded) = (0, 0, 0, 0)
        for status in statuses {
            switch (status.state, status.lastState) {
            case (.running, _): running += 1
            case (.terminated(let end), _):
                stopped += 1
                if end.exitCode == 0 { succeeded += 1 }
            case (.waiting, .terminated?): stopped += 1
            case (.waiting, _): waiting += 1
            }
        }
        if pending > 0 || waiting > 0 { return .pending }
        if running > 0 { return .running }
        guard stopped > 0 else { return .pending }
        switch spec.restartPolicy {
        // All of them are about to run again.
        case .always: return .running
        case .never: return stopped == succeeded ? .succeeded : .failed
        case .onFailure: return stopped == succeeded ? .succeeded : .running
        }
    }
}
