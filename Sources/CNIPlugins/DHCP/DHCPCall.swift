import Base
import CNITypes
import JSON

/// What the plugin asks the daemon: a call as the plugin itself was called. The answer is a result, an error, or nothing.
struct DHCPCall: Sendable {
    var command: PluginEnvironment.Command
    var request: AttachmentRequest

    init(command: PluginEnvironment.Command, _ request: AttachmentRequest) {
        self.command = command
        self.request = request
    }

    private static let variables: [(name: String, value: @Sendable (PluginEnvironment) -> String)] = [
        ("CNI_CONTAINERID", { $0.containerID }), ("CNI_NETNS", { $0.namespacePath }),
        ("CNI_IFNAME", { $0.interfaceName }),
        ("CNI_ARGS", { $0.arguments.map { "\($0.key)=\($0.value)" }.joined(separator: ";") }),
        ("CNI_NETNS_OVERRIDE", { $0.allowsOwnNamespace ? "1" : "" }),
    ]

    var json: JSONValue {
        var environment = JSONObject()
        environment.append("CNI_COMMAND", .string(command.rawValue))
        for (name, value) in Self.variables { environment.append(name, .string(value(request.environment))) }
        return ["environment": .object(environment), "configuration": .object(request.configuration.raw)]
    }

    /// - Throws: `CNIError` 6 for what is no call.
    init(_ json: JSONValue) throws(CNIError) {
        var variables: [String: String] = [:]
        for member in json["environment"]?.objectValue?.members ?? [] {
            if let value = member.value.stringValue { variables[member.key] = value }
        }
        let environment = try PluginEnvironment(variables)
        let configuration = try NetworkConfiguration(JSONWriter().bytes(json["configuration"] ?? .null))
        command = environment.command
        request = AttachmentRequest(environment: environment, configuration: configuration)
    }
}
