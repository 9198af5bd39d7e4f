import Kube

/// The kubelet's `getPhase`: a pod's phase of the states of its containers.
enum PodPhaseRule {
    static func phase(
        _ spec: PodSpec, _ initStatuses: [ContainerStatus], _ statuses: [ContainerStatus]
    ) -> PodPhase {
        // Once a container has run, sidecars that run again make no new pod of it.
        let hasRun = statuses.contains { status in
            switch (status.state, status.lastState) {
            case (.waiting, nil): false
            default: true
            }
        }
        var (pending, failed) = (0, 0)
        for status in initStatuses {
            if spec.isSidecar(status.name) {
                switch (status.state, status.lastState) {
                case (.running, _): if status.started != true, !hasRun { pending += 1 }
                case (.waiting, nil): if !hasRun { pending += 1 }
                default: break
                }
                continue
            }
            switch (status.state, status.lastState) {
            case (.terminated(let end), _), (.waiting, .terminated(let end)?):
                if end.exitCode != 0, !runsAgain(status.name, after: end.exitCode, spec) { failed += 1 }
            default: pending += 1
            }
        }
        if failed > 0 { return .failed }

        var (running, waiting, stopped, succeeded, again) = (0, 0, 0, 0, 0)
        for status in statuses {
            switch (status.state, status.lastState) {
            case (.running, _): running += 1
            case (.terminated(let end), _):
                stopped += 1
                if end.exitCode == 0 { succeeded += 1 }
                if runsAgain(status.name, after: end.exitCode, spec) { again += 1 }
            case (.waiting, .terminated(let end)?):
                stopped += 1
                if policy(status.name, spec) != .never || runsAgain(status.name, after: end.exitCode, spec) {
                    again += 1
                }
            case (.waiting, _): waiting += 1
            }
        }
        if pending > 0 || waiting > 0 { return .pending }
        if running > 0 { return .running }
        guard stopped > 0 else { return .pending }
        if again > 0 { return .running }
        return stopped == succeeded ? .succeeded : .failed
    }

    private static func container(_ name: String, _ spec: PodSpec) -> Container? {
        (spec.initContainers + spec.containers).first { $0.name == name }
    }

    private static func policy(_ name: String, _ spec: PodSpec) -> RestartPolicy {
        container(name, spec)?.restartPolicy ?? spec.restartPolicy
    }

    private static func runsAgain(_ name: String, after exitCode: Int32, _ spec: PodSpec) -> Bool {
        if container(name, spec)?.restartPolicyRules.restart(after: exitCode) == true { return true }
        return switch policy(name, spec) {
        case .always: true
        case .onFailure: exitCode != 0
        case .never: false
        }
    }
}
