import Base
import CNITypes
import JSON

/// One call of a plugin: from the environment and standard input to what it prints.
public struct PluginCall {
    /// What the process leaves behind.
    public struct Outcome: Sendable, Hashable {
        public var exitCode: Int32 = 0
        /// The result or the error as JSON; empty where the specification wants nothing.
        public var output: [UInt8] = []
        /// Words for a person.
        public var notice = ""
    }

    /// Runs `plugin` as `variables` (the environment's `PluginEnvironment.variables`) say.
    ///
    /// - Parameter input: reads standard input to its end; not called when the environment is not valid.
    public static func run(
        _ plugin: any CNIPlugin, variables: [String: String], input: () throws(SystemError) -> [UInt8]
    ) -> Outcome {
        let name = type(of: plugin).name
        // A person who tries the program is told what it is.
        guard variables["CNI_COMMAND"]?.isEmpty == false else {
            let versions = CNIVersion.allCases.map(\.rawValue).joined(separator: ", ")
            return Outcome(
                notice: "CNI plugin \(name) (Swiftlet \(Release.version)), speaks CNI \(versions). "
                    + "A container runtime calls it, with CNI_COMMAND in the environment.")
        }
        var version = CNIVersion.current
        do {
            let output = try answer(plugin, try PluginEnvironment(variables), try read(input), &version)
            return Outcome(output: output.map(text) ?? [])
        } catch {
            return Outcome(exitCode: 1, output: text(error.json(version)))
        }
    }

    private static func read(_ input: () throws(SystemError) -> [UInt8]) throws(CNIError) -> [UInt8] {
        do {
            return try input()
        } catch {
            throw CNIError(.inputOutput, "cannot read the network configuration", details: "\(error)")
        }
    }

    /// The answer, nil for none. `version` becomes that of the configuration as soon as it is known.
    private static func answer(
        _ plugin: any CNIPlugin, _ environment: PluginEnvironment, _ input: [UInt8], _ version: inout CNIVersion
    ) throws(CNIError) -> JSONValue? {
        if environment.command == .version {
            let asked = try NetworkConfiguration.requestedVersion(input) ?? CNIVersion.current.rawValue
            return [
                "cniVersion": .string(asked),
                "supportedVersions": .strings(CNIVersion.allCases.map(\.rawValue)),
            ]
        }
        let configuration = try NetworkConfiguration(input)
        version = configuration.version
        try requireVersion(of: environment.command, configuration)
        let request = AttachmentRequest(environment: environment, configuration: configuration)
        switch environment.command {
        case .add: return try plugin.add(request).json(version)
        case .delete: try plugin.delete(request)
        case .check: try plugin.check(request)
        case .status: try plugin.status(configuration, environment)
        case .collectGarbage:
            try plugin.collectGarbage(
                configuration, environment, valid: Set(try configuration.validAttachments()))
        case .version: break
        }
        return nil
    }

    private static func requireVersion(
        of command: PluginEnvironment.Command, _ configuration: NetworkConfiguration
    ) throws(CNIError) {
        let needed: CNIVersion
        switch command {
        case .check: needed = .v040
        case .status, .collectGarbage: needed = .v110
        case .add, .delete, .version: return
        }
        guard configuration.version >= needed else {
            throw CNIError(
                .incompatibleVersion, "the configuration's version does not allow \(command.rawValue)",
                details:
                    "it is \(configuration.version.rawValue); \(command.rawValue) is there since \(needed.rawValue)")
        }
    }

    private static func text(_ value: JSONValue) -> [UInt8] { JSONWriter().bytes(value) + [0x0A] }
}
