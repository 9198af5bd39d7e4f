import JSON

/// What a supervisor tells the connections that subscribed.
public enum PodEvent: Hashable, Sendable {
    /// The container's program runs.
    case started(ContainerState)
    /// It never ran; the state's phase says why.
    case startFailed(ContainerState)
    /// It ended. Its exit record is written.
    case exited(ContainerState)
    /// Lines could not be written to the log: how many since the last such event, and why.
    case logLinesDropped(container: String, attempt: Int64, lines: Int64, reason: String)
    /// On the connection of one that is attached: so much of the output it did not get, as it did not read.
    case outputSkipped(bytes: Int64)
    /// On a session's connection, last: how its process ended.
    case sessionEnded(code: Int32, signal: Int32)

    init?(name: String, json: JSONValue) throws(JSONError) {
        switch name {
        case "started": self = .started(try Self.state(json))
        case "startFailed": self = .startFailed(try Self.state(json))
        case "exited": self = .exited(try Self.state(json))
        case "logLinesDropped":
            self = .logLinesDropped(
                container: try json.requiredString("container"), attempt: try json.requiredInteger("attempt"),
                lines: try json.requiredInteger("lines"), reason: try json.optionalString("reason") ?? "")
        case "outputSkipped": self = .outputSkipped(bytes: try json.requiredInteger("bytes"))
        case "sessionEnded":
            self = .sessionEnded(
                code: Int32(clamping: try json.requiredInteger("code")),
                signal: Int32(clamping: try json.optionalInteger("signal") ?? 0))
        default: return nil
        }
    }

    private static func state(_ json: JSONValue) throws(JSONError) -> ContainerState {
        try ContainerState(json: try json.required("container", "an object") { $0.objectValue == nil ? nil : $0 })
    }

    var json: JSONValue {
        func event(_ name: String, _ state: ContainerState) -> JSONValue {
            ["type": "event", "event": .string(name), "container": state.json]
        }
        switch self {
        case .started(let state): return event("started", state)
        case .startFailed(let state): return event("startFailed", state)
        case .exited(let state): return event("exited", state)
        case .logLinesDropped(let container, let attempt, let lines, let reason):
            return [
                "type": "event", "event": "logLinesDropped", "container": .string(container),
                "attempt": .integer(attempt), "lines": .integer(lines), "reason": .string(reason),
            ]
        case .outputSkipped(let bytes):
            return ["type": "event", "event": "outputSkipped", "bytes": .integer(bytes)]
        case .sessionEnded(let code, let signal):
            return ["type": "event", "event": "sessionEnded", "code": .integer(code), "signal": .integer(signal)]
        }
    }
}
