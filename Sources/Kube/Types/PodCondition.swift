import Base
import JSON

/// core/v1.PodCondition.
public struct PodCondition: KubeValue {
    public var type: String
    public var status: ConditionStatus
    public var reason: String?
    public var message: String?
    public var lastProbeTime: Timestamp?
    public var lastTransitionTime: Timestamp?
    public var observedGeneration: Int64?

    public init(
        type: String, status: ConditionStatus, reason: String? = nil, message: String? = nil,
        lastTransitionTime: Timestamp? = nil
    ) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.lastTransitionTime = lastTransitionTime
    }

    public init(_ value: JSONValue) {
        self.init(
            type: value.text("type") ?? "", status: value.choice("status") ?? .unknown, reason: value.text("reason"),
            message: value.text("message"), lastTransitionTime: value.time("lastTransitionTime"))
        lastProbeTime = value.time("lastProbeTime")
        observedGeneration = value.integer("observedGeneration")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put(orNull: "lastProbeTime", lastProbeTime)
        object.put(orNull: "lastTransitionTime", lastTransitionTime)
        object.put("message", message)
        object.put("observedGeneration", observedGeneration)
        object.put("reason", reason)
        object.put("status", status)
        object.append("type", .string(type))
        return .object(object)
    }
}

extension PodCondition {
    /// The types that a node says itself, as a kubelet does; all others are somebody else's.
    public static let ofNode: Set<String> = [
        "AllContainersRestarting", "ContainersReady", "Initialized", "PodReadyToStartContainers", "PodResizeInProgress",
        "PodResizePending", "PodScheduled", "Ready",
    ]
}
