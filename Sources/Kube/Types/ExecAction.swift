import JSON

/// core/v1.ExecAction: a command that is run in a container, without a shell.
public struct ExecAction: KubeValue {
    public var command: [String]

    public init(command: [String]) { self.command = command }

    public init(_ value: JSONValue) { self.init(command: value.strings("command")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("command", command)
        return .object(object)
    }
}
