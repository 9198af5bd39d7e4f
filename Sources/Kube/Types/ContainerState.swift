import Base
import JSON

/// core/v1.ContainerState: exactly one of the three.
public enum ContainerState: Sendable, Hashable {
    case waiting(ContainerStateWaiting)
    /// Since when; nil when that is not known.
    case running(startedAt: Timestamp?)
    case terminated(ContainerStateTerminated)

    /// Nil for an empty object, as `lastState` has it.
    public init?(_ value: JSONValue) {
        if let waiting: ContainerStateWaiting = value.value("waiting") {
            self = .waiting(waiting)
        } else if let running = value["running"], running.objectValue != nil {
            self = .running(startedAt: running.time("startedAt"))
        } else if let terminated: ContainerStateTerminated = value.value("terminated") {
            self = .terminated(terminated)
        } else {
            return nil
        }
    }

    public var json: JSONValue {
        switch self {
        case .waiting(let waiting): return ["waiting": waiting.json]
        case .running(let startedAt):
            var object = JSONObject()
            object.put(orNull: "startedAt", startedAt)
            return ["running": .object(object)]
        case .terminated(let terminated): return ["terminated": terminated.json]
        }
    }

    public var isRunning: Bool { if case .running = self { true } else { false } }
    public var waiting: ContainerStateWaiting? { if case .waiting(let state) = self { state } else { nil } }
    public var terminated: ContainerStateTerminated? { if case .terminated(let state) = self { state } else { nil } }
}

/// core/v1.ContainerStateWaiting: why the container does not run yet, or not again.
public struct ContainerStateWaiting: KubeValue {
    public var reason: String?
    public var message: String?

    public init(reason: String? = nil, message: String? = nil) {
        self.reason = reason
        self.message = message
    }

    public init(_ value: JSONValue) { self.init(reason: value.text("reason"), message: value.text("message")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("message", message)
        object.put("reason", reason)
        return .object(object)
    }
}

/// core/v1.ContainerStateTerminated: how the container ended.
public struct ContainerStateTerminated: KubeValue {
    public var exitCode: Int32
    public var signal: Int32?
    public var reason: String?
    public var message: String?
    public var startedAt: Timestamp?
    public var finishedAt: Timestamp?
    public var containerID: String?

    public init(
        exitCode: Int32, reason: String? = nil, message: String? = nil, startedAt: Timestamp? = nil,
        finishedAt: Timestamp? = nil, containerID: String? = nil
    ) {
        self.exitCode = exitCode
        self.reason = reason
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.containerID = containerID
    }

    public init(_ value: JSONValue) {
        self.init(
            exitCode: Int32(clamping: value.integer("exitCode") ?? 0), reason: value.text("reason"),
            message: value.text("message"), startedAt: value.time("startedAt"), finishedAt: value.time("finishedAt"),
            containerID: value.text("containerID"))
        signal = value.integer("signal").map { Int32(clamping: $0) }
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("containerID", containerID)
        object.append("exitCode", .integer(exitCode))
        object.put(orNull: "finishedAt", finishedAt)
        object.put("message", message)
        object.put("reason", reason)
        object.put("signal", signal)
        object.put(orNull: "startedAt", startedAt)
        return .object(object)
    }
}
