import Base
import Kube

/// The conditions of a pod, in the kubelet's order and words.
enum PodConditions {
    /// - Parameters:
    ///   - status: with its phase and container statuses.
    ///   - others: the conditions that others than the node have set.
    static func conditions(
        _ pod: Pod, _ status: PodStatus, isSandboxReady: Bool, others: [PodCondition], previous: [PodCondition],
        now: Timestamp
    ) -> [PodCondition] {
        let containersReady = self.containersReady(pod, status)
        var ready = containersReady
        ready.type = "Ready"
        if ready.status == .true, let message = closedGates(pod, others) {
            ready = PodCondition(type: "Ready", status: .false, reason: "ReadinessGatesNotReady", message: message)
        }
        let all = [
            PodCondition(type: "PodReadyToStartContainers", status: isSandboxReady ? .true : .false),
            initialized(pod, status), ready, containersReady, PodCondition(type: "PodScheduled", status: .true),
        ]
        return all.map { condition in
            var condition = condition
            let old = previous.first { $0.type == condition.type }
            condition.lastTransitionTime = old?.status == condition.status ? old?.lastTransitionTime ?? now : now
            condition.observedGeneration = pod.metadata.generation
            return condition
        }
    }

    /// Which readiness gates keep a pod whose containers are ready from being so; nil when none does.
    private static func closedGates(_ pod: Pod, _ others: [PodCondition]) -> String? {
        let closed = pod.spec.readinessGates.compactMap { gate -> String? in
            guard let condition = others.first(where: { $0.type == gate }) else {
                return "corresponding condition of pod readiness gate \"\(gate)\" does not exist."
            }
            if condition.status == .true { return nil }
            return "the status of pod readiness gate \"\(gate)\" is not \"True\", but \(condition.status.rawValue)"
        }
        return closed.isEmpty ? nil : closed.joined(separator: ", ")
    }

    /// That all containers begin again, while they do; afterwards that they did.
    static func restarting(
        _ pod: Pod, isRestartingAll: Bool, previous: [PodCondition], now: Timestamp
    ) -> [PodCondition] {
        let type = "AllContainersRestarting"
        let old = previous.first { $0.type == type }
        guard isRestartingAll || old != nil else { return [] }
        var condition =
            isRestartingAll
            ? PodCondition(type: type, status: .true, reason: "RestartAllContainersStarted")
            : PodCondition(type: type, status: .false)
        condition.lastTransitionTime = old?.status == condition.status ? old?.lastTransitionTime ?? now : now
        condition.observedGeneration = pod.metadata.generation
        return [condition]
    }

    private static func initialized(_ pod: Pod, _ status: PodStatus) -> PodCondition {
        if status.phase == .succeeded {
            return PodCondition(type: "Initialized", status: .true, reason: "PodCompleted")
        }
        // Once a container has run, the pod had been initialised before.
        let hasRun = status.containerStatuses.contains { $0.state.isRunning || $0.state.terminated != nil }
        let incomplete = status.initContainerStatuses
            .filter { pod.spec.isSidecar($0.name) ? $0.started != true : !$0.ready }.map(\.name)
        if hasRun || incomplete.isEmpty { return PodCondition(type: "Initialized", status: .true) }
        return PodCondition(
            type: "Initialized", status: .false, reason: "ContainersNotInitialized",
            message: "containers with incomplete status: [\(incomplete.joined(separator: " "))]")
    }

    private static func containersReady(_ pod: Pod, _ status: PodStatus) -> PodCondition {
        let type = "ContainersReady"
        switch status.phase {
        case .succeeded: return PodCondition(type: type, status: .false, reason: "PodCompleted")
        case .failed: return PodCondition(type: type, status: .false, reason: "PodFailed")
        default: break
        }
        let sidecars = status.initContainerStatuses.filter { pod.spec.isSidecar($0.name) }
        let unready = (sidecars + status.containerStatuses).filter { !$0.ready }.map(\.name)
        if unready.isEmpty { return PodCondition(type: type, status: .true) }
        return PodCondition(
            type: type, status: .false, reason: "ContainersNotReady",
            message: "containers with unready status: [\(unready.joined(separator: " "))]")
    }
}
