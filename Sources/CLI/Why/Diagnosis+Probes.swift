import Base
import Kube

/// What the probes of containers have to do with it.
extension Diagnosis {
    /// A container that runs and whose probes have not found it ready.
    func notReady(_ pod: Pod, _ status: ContainerStatus) -> Cause? {
        guard !status.ready, let container = pod.spec.containers.first(where: { $0.name == status.name }),
            container.readinessProbe != nil || container.startupProbe != nil
        else { return nil }
        let event = probeEvent(status.name) {
            $0.reason == "Unhealthy" && ($0.message.hasPrefix("Readiness") || $0.message.hasPrefix("Startup"))
        }
        return cause(
            "not-ready", status.name, ["container \(status.name) runs and is not ready"],
            said: event.map { [$0.message] } ?? [])
    }

    /// A pod whose containers are ready, and whose readiness gates are not all open.
    func closedGate(_ pod: Pod) -> Cause? {
        let ready = pod.status.conditions.first { $0.type == "Ready" }
        guard let ready, ready.reason == "ReadinessGatesNotReady" else { return nil }
        return cause(
            "readiness-gate", nil, ["the pod's containers are ready, the pod is not"],
            said: ready.message.map { [$0] } ?? [])
    }

    /// A run that the node ended because of a probe.
    func endedByProbe(_ name: String, _ state: ContainerStateTerminated, _ chain: [String]) -> Cause? {
        guard let start = state.startedAt, let finish = state.finishedAt else { return nil }
        let order = probeEvent(name) { event in
            guard event.reason == "Killing", event.message.hasPrefix("Container \(name) failed "),
                let time = event.lastTimestamp
            else { return false }
            // Times of events are whole seconds.
            return time.nanoseconds > start.nanoseconds - 1_000_000_000 && time <= finish
        }
        guard let order else { return nil }
        let kind = order.message.contains(" startup probe") ? "Startup" : "Liveness"
        let words = probeEvent(name) { $0.reason == "Unhealthy" && $0.message.hasPrefix(kind) }
        return cause(
            "probe-failed", name, chain + ["its \(kind.lowercased()) probe failed"],
            said: words.map { [$0.message] } ?? [])
    }

    private func probeEvent(_ container: String, _ fits: (Event) -> Bool) -> Event? {
        evidence.events.last { event in
            (event.involvedObject.fieldPath?.hasSuffix("{\(container)}") ?? true) && fits(event)
        }
    }
}
