import CNITypes
import JSON
import Netlink

/// A further MAC address of one of the host's interfaces, which becomes the container's.
public struct Macvlan: InterfacePlugin {
    public static let name = "macvlan"
    private static let modes: [(String, VirtualLink.MacvlanMode)] = [
        ("bridge", .bridge), ("private", .private), ("vepa", .vepa), ("passthru", .passthru),
    ]

    public init() {}

    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration {
        let mode = try root.mode(modes)
        let queue = try root.optionalInteger("bcqueuelen")
        if let queue, UInt32(exactly: queue) == nil {
            throw JSONError(
                "bcqueuelen: expected a number of packets", at: root["bcqueuelen"]?.position ?? root.position)
        }
        // 0 is the kernel's default.
        let length = queue.flatMap { $0 == 0 ? nil : UInt32($0) }
        var configuration = InterfaceConfiguration(.macvlan(mode, queue: length))
        try configuration.readShared(root, needsMaster: false)
        configuration.mac = try MACAddress.requested(root, environment, own: try root.optionalString("mac"))
        return configuration
    }
}
