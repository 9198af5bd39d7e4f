import JSON

/// The answer to one request.
public struct Reply: Hashable, Sendable {
    public var id: Int64
    public var result: Result<Value, RequestFailure>

    public init(id: Int64, _ result: Result<Value, RequestFailure>) {
        self.id = id
        self.result = result
    }

    public enum Value: Hashable, Sendable {
        /// Done; nothing to say.
        case done
        /// To `start`.
        case container(ContainerState)
        /// To `list` and `subscribe`.
        case containers([ContainerState])
        /// To `signal` and `kill`: whether there was a process to receive it.
        case delivered(Bool)
        /// To `exec` and `attach`: the process's number in the host's pid namespace.
        case process(Int64)
    }

    init(json: JSONValue) throws(JSONError) {
        id = try json.requiredInteger("id")
        if let error = try json.optional("error", "an object", { $0.objectValue == nil ? nil : $0 }) {
            result = .failure(try RequestFailure(json: error))
        } else if let state = json["container"] {
            result = .success(.container(try ContainerState(json: state)))
        } else if let states = try json.optional("containers", "a list", { $0.arrayValue }) {
            result = .success(
                .containers(try states.map { json throws(JSONError) in try ContainerState(json: json) }))
        } else if let delivered = try json.optionalBool("delivered") {
            result = .success(.delivered(delivered))
        } else if let pid = try json.optionalInteger("pid") {
            result = .success(.process(pid))
        } else {
            result = .success(.done)
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("type", "reply")
        object.append("id", .integer(id))
        switch result {
        case .success(.done): break
        case .success(.container(let state)): object.append("container", state.json)
        case .success(.containers(let states)): object.append("containers", .array(states.map(\.json)))
        case .success(.delivered(let delivered)): object.append("delivered", .bool(delivered))
        case .success(.process(let pid)): object.append("pid", .integer(pid))
        case .failure(let failure): object.append("error", failure.json)
        }
        return .object(object)
    }
}
