import CNITypes
import JSON
import Netlink

/// The frames with one VLAN tag (IEEE 802.1Q) of one of the host's interfaces, as an interface of the container.
public struct VLAN: InterfacePlugin {
    public static let name = "vlan"

    public init() {}

    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration {
        let id = try root.optionalInteger("vlanId") ?? 0
        guard (0...4094).contains(id) else {
            throw JSONError("vlanId: \(id) is not in 0 to 4094", at: root["vlanId"]?.position ?? root.position)
        }
        var configuration = InterfaceConfiguration(.vlan(UInt16(id)))
        try configuration.readShared(root, needsMaster: true)
        return configuration
    }
}
