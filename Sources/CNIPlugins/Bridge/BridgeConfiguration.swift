import CNITypes
import JSON
import Netlink

/// What the plugin `bridge` is configured to do.
struct BridgeConfiguration: Sendable {
    var bridge = "cni0"
    /// The bridge gets the gateway's addresses, and the machine forwards.
    var isGateway = false
    /// The container's default route goes there.
    var isDefaultGateway = false
    /// An address of the bridge that is in the way is replaced.
    var forcesAddress = false
    /// Bytes; nil: the kernel's.
    var mtu: UInt32?
    var hairpin = false
    var promiscuous = false
    var isolated = false
    /// Whether IPv6 addresses are first asked for on the link.
    var detectsDuplicates = false
    /// The container's interface stays down.
    var isContainerInterfaceDown = false
    /// Nil where the network has none.
    var vlans: VLANs?
    /// Of the container's interface.
    var mac: MACAddress?
    var dns = CNIResult.DNS()

    /// The pair that is a port of `bridge`.
    func veth(_ bridge: Link) -> HostVeth.Options {
        HostVeth.Options(bridge: bridge, hairpin: hairpin, isolated: isolated, mac: mac, mtu: mtu)
    }

    /// Reads what ADD, CHECK and STATUS need.
    ///
    /// - Throws: `CNIError` 7 for what is not well formed, 2 for what is not supported.
    init(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let network = configuration.name
        let root = JSONValue.object(configuration.raw)
        let read = try reading("the bridge configuration of network \(network)") {
            () throws(JSONError) -> BridgeConfiguration in
            try BridgeConfiguration(root, environment)
        }
        self = read
        let unsupported = try reading("the bridge configuration of network \(network)") {
            () throws(JSONError) -> String? in
            try Self.unsupported(root)
        }
        if let unsupported {
            throw CNIError(
                .unsupportedField,
                "network \(network) asks for \(unsupported), which this plugin bridge does not support",
                details: "leave it out, or use another plugin")
        }
    }

    private init(_ root: JSONValue, _ environment: PluginEnvironment) throws(JSONError) {
        func fail(_ key: String, _ message: String) -> JSONError {
            JSONError("\(key): \(message)", at: root[key]?.position ?? root.position)
        }
        func isOn(_ key: String) throws(JSONError) -> Bool { try root.optionalBool(key) ?? false }
        if let name = try root.optionalString("bridge"), !name.isEmpty { bridge = name }
        guard PluginEnvironment.isInterfaceName(bridge) else { throw fail("bridge", "no interface can have this name") }
        isDefaultGateway = try isOn("isDefaultGateway")
        isGateway = try isOn("isGateway") || isDefaultGateway
        forcesAddress = try isOn("forceAddress")
        // `NetworkMasquerade` reads it.
        _ = try isOn("ipMasq")
        mtu = try root.mtu()
        hairpin = try isOn("hairpinMode")
        promiscuous = try isOn("promiscMode")
        guard !hairpin || !promiscuous else { throw fail("promiscMode", "it cannot be on together with hairpinMode") }
        isolated = try isOn("portIsolation")
        detectsDuplicates = try isOn("enabledad")
        isContainerInterfaceDown = try isOn("disableContainerInterface")
        if isContainerInterfaceDown, let type = root["ipam"]?["type"]?.stringValue, !type.isEmpty {
            throw fail("disableContainerInterface", "an interface that stays down gets no addresses: leave ipam out")
        }
        vlans = try VLANs(root)
        // `MACSpoofCheck` reads it.
        _ = try isOn("macspoofchk")
        mac = try MACAddress.requested(root, environment)
        dns = try root.dns()
    }

    /// The first thing that is asked for and that there is not.
    private static func unsupported(_ root: JSONValue) throws(JSONError) -> String? {
        if try root.optionalBool("ipMasq") == true, let backend = try root.optionalString("ipMasqBackend"),
            !backend.isEmpty, backend != "nftables"
        {
            return "ipMasqBackend \(backend)"
        }
        return nil
    }
}
