import Base
import CLinux
import CNITypes
import JSON

/// The program that is every plugin: the name that it is called by says which.
public enum MultiCall {
    static var plugins: [any CNIPlugin.Type] {
        [
            Bandwidth.self, Bridge.self, DHCP.self, Dummy.self, Firewall.self, HostDevice.self, HostLocal.self,
            IPvlan.self,
            Loopback.self,
            Macvlan.self,
            PointToPoint.self,
            Portmap.self, SourceRouting.self, StaticAddresses.self, Tuning.self, VLAN.self, VRF.self,
        ]
    }

    /// Runs the plugin that the program's name (argv[0]) says on this process's environment and standard streams, which it
    /// takes over; or, called as `dhcp daemon`, the daemon that leases need.
    ///
    /// - Returns: the exit status.
    public static func run(_ arguments: [String]) -> Int32 {
        let program = arguments.first ?? ""
        if Path.name(program) == DHCP.name, arguments.dropFirst().first == "daemon" {
            return DHCPDaemonOptions.run(Array(arguments.dropFirst(2)))
        }
        let outcome = outcome(program, variable: { name in CLinux.getenv(name).map { String(cString: $0) } }) {
            () throws(SystemError) in
            try FileDescriptor(adopting: 0).readAll(limit: NetworkConfiguration.limits.bytes, name: "standard input")
        }
        do {
            if !outcome.output.isEmpty {
                try FileDescriptor(adopting: 1).writeAll(outcome.output, name: "standard output")
            }
            if !outcome.notice.isEmpty {
                try FileDescriptor(adopting: 2).writeAll((outcome.notice + "\n").utf8, name: "standard error")
            }
        } catch {
            // Where standard error is closed too the status alone says it.
            try? FileDescriptor(adopting: 2).writeAll("\(Path.name(program)): \(error)\n".utf8)
            return 1
        }
        return outcome.exitCode
    }

    /// What `run` does to the streams and returns.
    ///
    /// - Parameter variable: a variable of the environment, nil when it is not set.
    static func outcome(
        _ program: String, variable: (String) -> String?,
        input: () throws(SystemError) -> [UInt8]
    ) -> PluginCall.Outcome {
        let name = Path.name(program)
        guard let plugin = plugins.first(where: { $0.name == name }) else {
            let known = plugins.map { $0.name }.joined(separator: ", ")
            return PluginCall.Outcome(
                exitCode: 1,
                notice:
                    "\(name): there is no such plugin. This program is several CNI plugins and is called by the name "
                    + "of one, through a link: \(known)")
        }
        var variables: [String: String] = [:]
        for name in PluginEnvironment.variables {
            variables[name] = variable(name)
        }
        return PluginCall.run(plugin.init(), variables: variables, input: input)
    }
}
