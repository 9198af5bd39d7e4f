import CNITypes
import JSON
import Netlink

/// A further IP address of one of the host's interfaces, with its MAC address, which becomes the container's. In a chain
/// it takes what another plugin has made for its master, and without `ipam` the addresses of that.
public struct IPvlan: InterfacePlugin {
    public static let name = "ipvlan"
    private static let modes: [(String, VirtualLink.IPvlanMode)] = [("l2", .l2), ("l3", .l3), ("l3s", .l3s)]

    public init() {}

    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration {
        var configuration = InterfaceConfiguration(.ipvlan(try root.mode(modes)))
        try configuration.readShared(root, needsMaster: false)
        // Of CHECK it is what this plugin itself has made.
        if environment.command == .add, let previous, configuration.master == .ofDefaultRoute {
            guard previous.interfaces.count == 1, let name = previous.interfaces.first?.name, !name.isEmpty else {
                throw JSONError(
                    "master: missing, and prevResult has not the one interface that could be it", at: root.position)
            }
            configuration.master = .named(name)
        }
        configuration.takesPreviousAddresses = true
        return configuration
    }
}
