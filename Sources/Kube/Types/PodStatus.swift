import Base
import JSON

/// core/v1.PodStatus: what the agent found.
public struct PodStatus: KubeValue {
    public var phase: PodPhase?
    public var conditions: [PodCondition]
    public var message: String?
    public var reason: String?
    public var hostIP: String?
    public var hostIPs: [String]
    public var podIP: String?
    public var podIPs: [String]
    public var startTime: Timestamp?
    public var qosClass: QOSClass?
    public var initContainerStatuses: [ContainerStatus]
    public var containerStatuses: [ContainerStatus]
    public var ephemeralContainerStatuses: [ContainerStatus]
    public var observedGeneration: Int64?

    public init() {
        conditions = []
        hostIPs = []
        podIPs = []
        initContainerStatuses = []
        containerStatuses = []
        ephemeralContainerStatuses = []
    }

    public init(_ value: JSONValue) {
        phase = value.choice("phase")
        conditions = value.values("conditions")
        message = value.text("message")
        reason = value.text("reason")
        hostIP = value.text("hostIP")
        hostIPs = value["hostIPs"]?.arrayValue?.compactMap { $0.text("ip") } ?? []
        podIP = value.text("podIP")
        podIPs = value["podIPs"]?.arrayValue?.compactMap { $0.text("ip") } ?? []
        startTime = value.time("startTime")
        qosClass = value.choice("qosClass")
        initContainerStatuses = value.values("initContainerStatuses")
        containerStatuses = value.values("containerStatuses")
        ephemeralContainerStatuses = value.values("ephemeralContainerStatuses")
        observedGeneration = value.integer("observedGeneration")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("conditions", conditions)
        object.put("containerStatuses", containerStatuses)
        object.put("ephemeralContainerStatuses", ephemeralContainerStatuses)
        object.put("hostIP", hostIP)
        if !hostIPs.isEmpty { object.append("hostIPs", .array(hostIPs.map { ["ip": .string($0)] })) }
        object.put("initContainerStatuses", initContainerStatuses)
        object.put("message", message)
        object.put("observedGeneration", observedGeneration)
        object.put("phase", phase)
        object.put("podIP", podIP)
        if !podIPs.isEmpty { object.append("podIPs", .array(podIPs.map { ["ip": .string($0)] })) }
        object.put("qosClass", qosClass)
        object.put("reason", reason)
        object.put("startTime", startTime)
        return .object(object)
    }
}

/// Where a pod stands in its life.
public enum PodPhase: String, Sendable, Hashable, CaseIterable {
    case pending = "Pending"
    case running = "Running"
    case succeeded = "Succeeded"
    case failed = "Failed"
    case unknown = "Unknown"
}

/// The class of service a pod gets from its requests and limits.
public enum QOSClass: String, Sendable, Hashable, CaseIterable {
    case guaranteed = "Guaranteed"
    case burstable = "Burstable"
    case bestEffort = "BestEffort"
}

/// The value of a condition.
public enum ConditionStatus: String, Sendable, Hashable, CaseIterable {
    case `true` = "True"
    case `false` = "False"
    case unknown = "Unknown"
}
