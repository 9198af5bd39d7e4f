import CNITypes
import Netlink

/// The interfaces by which the host reaches the pod.
enum HostInterfaces {
    /// Those that a result names as the host's. The name can stand in a path.
    static func named(in result: CNIResult) -> [String] {
        result.interfaces.filter { ($0.sandbox ?? "").isEmpty && PluginEnvironment.isInterfaceName($0.name) }.map(
            \.name)
    }

    /// Those of them that are there and route: a bridge's ports do not, the bridge does.
    ///
    /// - Throws: `CNIError` 5.
    static func routing(_ result: CNIResult) throws(CNIError) -> [String] {
        let names = named(in: result)
        guard !names.isEmpty else { return [] }
        do {
            var socket = try RouteSocket()
            return try socket.links(names.map { .name($0) }).filter { $0.master == nil }.map(\.name)
        } catch {
            throw CNIError(.inputOutput, "cannot look at the host's interfaces", details: error.description)
        }
    }
}
