import Base
import CLinux
import CNITypes
import JSON

@testable import CNIPlugins

/// Calls plugins: ours within this process, the distribution's reference plugins as programs.
struct Caller {
    static let referenceFolder = "/usr/lib/cni"

    var containerID = "c1"
    var netns = "/nowhere/netns"
    var interface = "eth0"
    var arguments = ""
    /// Where plugins find others.
    var path = referenceFolder

    static func hasReference(_ name: String) -> Bool { access("\(referenceFolder)/\(name)", X_OK) == 0 }

    private func variables(_ command: String) -> [String: String] {
        [
            "CNI_COMMAND": command, "CNI_CONTAINERID": containerID, "CNI_NETNS": netns, "CNI_IFNAME": interface,
            "CNI_ARGS": arguments, "CNI_PATH": path,
        ]
    }

    func ours(_ name: String, _ command: String, _ configuration: String) -> PluginCall.Outcome {
        let variables = variables(command)
        return MultiCall.outcome(name, variable: { variables[$0] }) { () throws(SystemError) in
            Array(configuration.utf8)
        }
    }

    func reference(_ name: String, _ command: String, _ configuration: String) throws -> PluginCall.Outcome {
        try program("\(Self.referenceFolder)/\(name)", command, configuration)
    }

    /// Any plugin at `path`.
    func program(_ path: String, _ command: String, _ configuration: String) throws -> PluginCall.Outcome {
        let (exit, output) = try PluginProcess.run(
            path, variables: variables(command), input: Array(configuration.utf8))
        return PluginCall.Outcome(exitCode: exit.code, output: output)
    }
}

extension PluginCall.Outcome {
    var text: String { String(decoding: output, as: UTF8.self) }
    /// Null when there is none.
    var json: JSONValue { (try? JSONParser.parse(output)) ?? .null }
    var code: Int64? { json["code"]?.integerValue }
}
