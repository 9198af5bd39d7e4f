import CNITypes
import JSON

/// What the plugin `vrf` is configured to do.
struct VRFConfiguration: Sendable {
    /// The interface that stands for the VRF.
    var device = ""
    /// The routing table; nil: one that no other VRF of the container has.
    var table: UInt32?

    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        let root = JSONValue.object(configuration.raw)
        let read = try reading("the vrf configuration of network \(configuration.name)") {
            () throws(JSONError) -> (String, UInt32?) in
            let name = try root.requiredString("vrfname")
            guard PluginEnvironment.isInterfaceName(name) else {
                throw JSONError(
                    "vrfname: no interface can have this name", at: root["vrfname"]?.position ?? root.position)
            }
            guard let number = try root.optionalInteger("table"), number != 0 else { return (name, nil) }
            guard let table = UInt32(exactly: number), !(253...255).contains(table) else {
                throw JSONError(
                    "table: \(number) is no routing table that can be used",
                    at: root["table"]?.position ?? root.position)
            }
            return (name, table)
        }
        (device, table) = read
    }
}
