import Base
import CNITypes
import JSON

/// One call of a plugin by a runtime: its environment, its standard input, and what its answer means (specification
/// 1.1.0, sections 2 and 3).
public struct PluginRequest: Sendable, Hashable {
    public var command: PluginEnvironment.Command
    /// The plugin's name.
    public var type: String
    public var network: String
    public var version: CNIVersion
    /// `CNI_…=value`.
    public var environment: [String]
    public var input: [UInt8]

    /// A call about an attachment: ADD, DEL or CHECK.
    ///
    /// - Parameters:
    ///   - index: which plugin of the attachment's network.
    ///   - previous: what the plugins before it made, for ADD; what the whole chain made, otherwise.
    public init(
        _ command: PluginEnvironment.Command, _ attachment: Attachment, plugin index: Int, previous: JSONValue?,
        path: [String]
    ) {
        let list = attachment.network
        let plugin = list.plugins[index]
        var object = Self.base(plugin, list)
        let wanted = attachment.capabilityArguments.members.filter { plugin.capabilities.contains($0.key) }
        if !wanted.isEmpty { object["runtimeConfig"] = .object(JSONObject(wanted)) }
        if let previous { object["prevResult"] = previous }
        self.init(
            command, plugin.type, list,
            environment: [
                "CNI_CONTAINERID=\(attachment.containerID)", "CNI_NETNS=\(attachment.namespacePath)",
                "CNI_IFNAME=\(attachment.interfaceName)",
                "CNI_ARGS=\(attachment.arguments.joined(separator: ";"))",
            ], object, path)
    }

    /// GC of one plugin: only `valid` attachments of the network are still there.
    public init(
        collectGarbageOf list: NetworkList, plugin index: Int, valid: [NetworkConfiguration.Attachment], path: [String]
    ) {
        var object = Self.base(list.plugins[index], list)
        object["cni.dev/valid-attachments"] = .array(
            valid.map { ["containerID": .string($0.containerID), "ifname": .string($0.interfaceName)] })
        self.init(.collectGarbage, list.plugins[index].type, list, environment: [], object, path)
    }

    /// STATUS of one plugin.
    public init(statusOf list: NetworkList, plugin index: Int, path: [String]) {
        self.init(
            .status, list.plugins[index].type, list, environment: [], Self.base(list.plugins[index], list), path)
    }

    private init(
        _ command: PluginEnvironment.Command, _ type: String, _ list: NetworkList, environment: [String],
        _ object: JSONObject, _ path: [String]
    ) {
        self.command = command
        self.type = type
        network = list.name
        version = list.version
        self.environment =
            ["CNI_COMMAND=\(command.rawValue)", "CNI_PATH=\(path.joined(separator: ":"))"] + environment
        input = JSONWriter().bytes(.object(object))
    }

    /// The plugin's configuration with what the runtime adds, and without what is the runtime's alone.
    private static func base(_ plugin: NetworkList.Plugin, _ list: NetworkList) -> JSONObject {
        var object = plugin.configuration
        for key in ["capabilities", "runtimeConfig", "prevResult"] { object[key] = nil }
        object["cniVersion"] = .string(list.version.rawValue)
        object["name"] = .string(list.name)
        return object
    }

    /// What the plugin's end means.
    ///
    /// - Parameters:
    ///   - output: its standard output.
    ///   - complaint: its standard error.
    /// - Returns: ADD's result; nil for other commands.
    /// - Throws: `CNIError`, the plugin's own where it wrote one.
    public func answer(_ exit: ChildProcess.Exit, output: [UInt8], complaint: [UInt8]) throws(CNIError) -> JSONValue? {
        let said = Self.text(complaint)
        guard exit.code == 0 else {
            if let error = Self.error(output) { throw error }
            let how = exit.signal == 0 ? "exit status \(exit.code)" : "signal \(exit.signal)"
            let words = output.isEmpty ? said : Self.text(output)
            throw CNIError(.internalFailure, "it ended with \(how)", details: words)
        }
        guard command == .add else { return nil }
        let value: JSONValue
        do {
            value = try JSONParser.parse(output, limits: NetworkConfiguration.limits)
            _ = try CNIResult(json: value)
        } catch {
            throw CNIError(.undecodable, "its answer is no result", details: "\(error): \(Self.text(output))")
        }
        guard var object = value.objectValue else { return value }
        // A result without version is one of the version that was asked for.
        if object["cniVersion"] == nil { object["cniVersion"] = .string(version.rawValue) }
        return .object(object)
    }

    private static func error(_ output: [UInt8]) -> CNIError? {
        guard let value = try? JSONParser.parse(output, limits: NetworkConfiguration.limits),
            let code = value["code"]?.integerValue, let message = value["msg"]?.stringValue
        else { return nil }
        return CNIError(
            CNIError.Code(rawValue: UInt32(clamping: code)), message, details: value["details"]?.stringValue ?? "")
    }

    /// At most so much that it fits an event.
    private static func text(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(1024), as: UTF8.self)
        return text.split(whereSeparator: \.isNewline).joined(separator: " ")
    }
}
