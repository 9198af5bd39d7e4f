import Base

/// What is known of a container beyond that it runs: whether it is started, ready, and healthy.
extension PodMachine {
    /// The container's process runs. Nothing has looked at it yet.
    mutating func runs(_ i: Int, since start: Timestamp) {
        containers[i].state = .running(since: start)
        containers[i].hasFailedProbe = false
        containers[i].hasPreStopped = false
        containers[i].isPostStarting = has(.postStart, i)
        if !containers[i].isPostStarting { postStarted(i) }
    }

    /// The container's process runs, and its postStart hook has ended.
    mutating func postStarted(_ i: Int) {
        if plan.probes(containers[i].name).startup == nil { isStarted(i) }
    }

    private mutating func isStarted(_ i: Int) {
        containers[i].isStarted = true
        containers[i].isReady =
            (!containers[i].isInit || isSidecar(containers[i])) && plan.probes(containers[i].name).readiness == nil
    }

    mutating func onProbed(_ verdict: ProbeVerdict, _ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        guard let i = current(verdict.container, verdict.attempt), containers[i].isRunning,
            !containers[i].isPostStarting, stage == .running || stage == .terminating
        else { return [] }
        switch (verdict.kind, verdict.isSuccess) {
        case (.liveness, true): return []
        case (.readiness, let isSuccess):
            let isReady = containers[i].isStarted && isSuccess
            if containers[i].isReady != isReady { containers[i].isReady = isReady }
            return []
        case (.startup, true):
            guard !containers[i].isStarted else { return [] }
            isStarted(i)
            return advance(now)
        case (.startup, false), (.liveness, false):
            // A pod that ends is ended as it is.
            guard stage == .running, !containers[i].hasFailedProbe else { return [] }
            containers[i].hasFailedProbe = true
            return endUnhealthy(i, grace, now)
        }
    }

    /// Ends a run that a probe has found fault with.
    mutating func endUnhealthy(_ i: Int, _ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        let kind = containers[i].isStarted ? ProbeKind.liveness : .startup
        let next = !isSidecar(containers[i]) && policy(containers[i]) == .never ? "" : ", will be restarted"
        let name = containers[i].name
        return end(i, grace, "Container \(name) failed \(kind.rawValue.lowercased()) probe\(next)", now)
    }
}

extension PodPlan {
    /// The probes of the container of this name.
    func probes(_ name: String) -> ContainerProbes {
        (containers.first { $0.name == name } ?? initContainers.first { $0.name == name })?.probes ?? ContainerProbes()
    }
}
