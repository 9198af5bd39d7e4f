import Base
import Kube

/// The probes of one container.
public struct ContainerProbes: Hashable, Sendable {
    public var startup: Probe?
    public var liveness: Probe?
    public var readiness: Probe?

    public init(startup: Probe? = nil, liveness: Probe? = nil, readiness: Probe? = nil) {
        self.startup = startup
        self.liveness = liveness
        self.readiness = readiness
    }

    init(_ container: Container) {
        self.init(
            startup: container.startupProbe, liveness: container.livenessProbe, readiness: container.readinessProbe)
    }

    subscript(kind: ProbeKind) -> Probe? {
        switch kind {
        case .startup: startup
        case .liveness: liveness
        case .readiness: readiness
        }
    }

    /// The time that a container has to end which an earlier agent found unhealthy; nil for the pod's.
    var unhealthyGrace: Nanoseconds? {
        let seconds = liveness?.terminationGracePeriodSeconds ?? startup?.terminationGracePeriodSeconds
        return seconds.map { .seconds(max(2, min($0, 1 << 31))) }
    }
}
