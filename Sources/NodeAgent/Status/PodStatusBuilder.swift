import Base
import Kube
import PodRuntime

/// Computes a pod's status from what is known of its containers, by the kubelet's rules and with its words. Pure.
public struct PodStatusBuilder: Sendable {
    /// The pod with its UID. Its own status is not looked at.
    public var pod: Pod
    /// What is known of its containers; one that is missing counts as not begun.
    public var records: [ContainerRecord]
    /// What is known of those that it was given while it ran.
    public var ephemeral: [ContainerRecord] = []
    /// Its namespaces and volumes are there.
    public var isSandboxReady: Bool
    /// When the agent first saw the pod.
    public var startTime: Timestamp
    public var nodeAddresses: [String]
    /// A container that has run is about to run again: the pod has not ended, however its runs so far did.
    public var isGoingOn = false
    /// All of its containers are being ended to begin again.
    public var isRestartingAll = false
    /// The pod failed as a whole, and nothing of it runs any more.
    public var failure: PodFailure?
    /// This node does not run it.
    public var rejection: PodRejection?
    /// The conditions that others than the node have set.
    public var others: [PodCondition] = []
    /// The pod's own addresses; with hostNetwork the node's are taken.
    public var podAddresses: [String]

    public init(
        pod: Pod, records: [ContainerRecord], isSandboxReady: Bool, startTime: Timestamp, nodeAddresses: [String],
        podAddresses: [String] = []
    ) {
        self.pod = pod
        self.records = records
        self.isSandboxReady = isSandboxReady
        self.startTime = startTime
        self.nodeAddresses = nodeAddresses
        self.podAddresses = podAddresses
    }

    /// - Parameters:
    ///   - previous: the status last computed: the times of conditions that have not changed are taken from it, and a
    ///     pod that has succeeded or failed stays so.
    ///   - now: the time of conditions that change.
    public func status(previous: PodStatus?, now: Timestamp) -> PodStatus {
        var status = PodStatus()
        if let rejection {
            // As the kubelet says it: nothing of the pod was begun.
            status.phase = .failed
            (status.reason, status.message) = (rejection.reason, "Pod was rejected: " + rejection.message)
            status.startTime = startTime
            status.qosClass = PodResources(pod.spec).qosClass
            status.observedGeneration = pod.metadata.generation
            return status
        }
        status.initContainerStatuses = pod.spec.initContainers.map { containerStatus($0, isInit: true) }
        status.containerStatuses = pod.spec.containers.map { containerStatus($0, isInit: false) }
        status.ephemeralContainerStatuses = pod.spec.ephemeralContainers.map(ephemeralStatus)
        switch previous?.phase {
        case .succeeded, .failed: status.phase = previous?.phase
        default: status.phase = failure == nil ? phase(status) : .failed
        }
        status.reason = failure?.reason
        status.message = failure?.message
        shareMessages(&status)
        status.conditions = PodConditions.conditions(
            pod, status, isSandboxReady: isSandboxReady, others: others, previous: previous?.conditions ?? [], now: now)
        status.conditions += PodConditions.restarting(
            pod, isRestartingAll: isRestartingAll, previous: previous?.conditions ?? [], now: now)
        status.conditions += others
        status.hostIP = nodeAddresses.first
        status.hostIPs = nodeAddresses
        let addresses = pod.spec.hostNetwork ? nodeAddresses : podAddresses
        status.podIP = addresses.first
        status.podIPs = addresses
        status.startTime = startTime
        status.qosClass = PodResources(pod.spec).qosClass
        status.observedGeneration = pod.metadata.generation
        return status
    }

    private func phase(_ status: PodStatus) -> PodPhase {
        let phase = PodPhaseRule.phase(pod.spec, status.initContainerStatuses, status.containerStatuses)
        // Sidecars end after the others, and the pod when they have.
        if (records + ephemeral).contains(where: \.isLive), phase == .succeeded || phase == .failed {
            return status.containerStatuses.contains { $0.state.terminated != nil } ? .running : .pending
        }
        // What a reboot interrupted ended in some way, and is not over.
        guard isGoingOn, phase == .succeeded || phase == .failed else { return phase }
        return .pending
    }

    // MARK: Containers

    /// The status of one that nobody asks whether it is ready.
    private func ephemeralStatus(_ container: EphemeralContainer) -> ContainerStatus {
        var status = containerStatus(container.container, of: ephemeral, isInit: false)
        (status.ready, status.started) = (false, nil)
        return status
    }

    private func containerStatus(_ container: Container, isInit: Bool) -> ContainerStatus {
        containerStatus(container, of: records, isInit: isInit)
    }

    private func containerStatus(
        _ container: Container, of records: [ContainerRecord], isInit: Bool
    ) -> ContainerStatus {
        var status = ContainerStatus(
            name: container.name, image: container.image,
            state: .waiting(
                ContainerStateWaiting(
                    reason: pod.spec.initContainers.isEmpty ? "ContainerCreating" : "PodInitializing")))
        status.started = false
        guard let record = records.first(where: { $0.name == container.name && $0.isInit == isInit }) else {
            return status
        }
        status.restartCount = Int32(clamping: record.restartCount)
        status.imageID = record.imageID ?? ""
        status.containerID = Self.prefixed(record.containerID)
        status.lastState = record.lastTermination.map { .terminated(Self.terminated($0)) }
        switch record.state {
        case .waiting(let reason?, let message):
            status.state = .waiting(ContainerStateWaiting(reason: reason, message: message))
        case .waiting(nil, _), .starting:
            // Between two runs the last end tells more than that a start is near.
            if let end = record.lastTermination, record.hasBegun {
                status.state = .terminated(Self.terminated(end))
                status.lastState = nil
            }
        case .running(let since):
            status.state = .running(startedAt: since)
            status.started = record.isStarted
            status.ready = record.isReady
        case .terminated(let end):
            status.state = .terminated(Self.terminated(end))
            // While it is the current state it is not also the one before.
            if record.lastTermination == end { status.lastState = nil }
            status.ready = isInit && !pod.spec.isSidecar(container.name) && end.exitCode == 0
        }
        if record.isRunning {
            status.allocatedResources = container.resources.requests
            status.resources = container.resources
        }
        if record.containerID != nil {
            status.stopSignal = container.lifecycle?.stopSignal
            status.user = record.user.map {
                LinuxContainerUser(
                    uid: Int64($0.uid), gid: Int64($0.gid), supplementalGroups: $0.groups.map { Int64($0) })
            }
            status.volumeMounts = container.volumeMounts.map { VolumeMountStatus($0) }
        }
        return status
    }

    private static func terminated(_ end: ContainerRecord.Termination) -> ContainerStateTerminated {
        var state = ContainerStateTerminated(
            exitCode: end.exitCode, reason: end.reason, message: end.message, startedAt: end.startedAt,
            finishedAt: end.finishedAt, containerID: prefixed(end.containerID))
        // The kubelet's runtimes do not tell it; ours does.
        if end.signal != 0 { state.signal = end.signal }
        return state
    }

    /// Container ids name their runtime.
    private static func prefixed(_ id: String?) -> String? {
        id.map { $0.contains("://") ? $0 : "swiftlet://" + $0 }
    }
}
