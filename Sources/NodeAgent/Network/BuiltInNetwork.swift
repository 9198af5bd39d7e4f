import Base
import CNIRuntime
import CNITypes
import JSON
import Netlink

/// The network of pods where no other is configured: a bridge with addresses of one range, masqueraded to the outside.
/// All of it bears this agent's own names. What it changes on the host is written down before, and put back when the
/// last pod is gone. Blocking.
public struct BuiltInNetwork: Sendable {
    /// The range when none is given, 10.85.0.0/16.
    public static let defaultRange = IPPrefix(network: [10, 85], length: 16)

    /// All its plugins.
    let list: NetworkList
    public let bridge: String
    public let table: String
    let forwarding: ForwardingReview
    /// `built-in, 10.85.0.0/16 on swiftlet0`.
    let summary: String
    private let settings: HostSettings

    /// - Parameters:
    ///   - range: the pods' addresses, as `10.85.0.0/16`.
    ///   - opensFirewall: put rules into the chains of other programs that would drop the pods' packets.
    ///   - paths: of the agent, whose instance gives the names on the host.
    public init(range: IPPrefix, opensFirewall: Bool, paths: NodePaths) {
        let instance = paths.instanceSuffix
        bridge = instance.isEmpty ? "swiftlet0" : "swl" + instance
        table = instance.isEmpty ? "swiftlet" : "swiftlet_" + instance.dropFirst()
        let ranges: JSONValue = [[["subnet": .string(range.description)]]]
        let everywhere = range.isIPv6 ? "::/0" : "0.0.0.0/0"
        let bridgePlugin: JSONObject? =
            ([
                "type": "bridge", "bridge": .string(bridge), "isGateway": true, "ipMasq": true, "hairpinMode": true,
                "nftTable": .string(table),
                "ipam": [
                    "type": "host-local", "ranges": ranges, "routes": [["dst": .string(everywhere)]],
                    "dataDir": .string(paths.leases),
                ],
            ] as JSONValue).objectValue
        let portMapper: JSONObject? =
            ([
                "type": "portmap", "capabilities": ["portMappings": true], "nftTable": .string(table),
            ] as JSONValue).objectValue
        let shaper: JSONObject? = (["type": "bandwidth", "capabilities": ["bandwidth": true]] as JSONValue).objectValue
        let plugins: [NetworkList.Plugin] = [
            .init(type: "bridge", configuration: bridgePlugin ?? JSONObject()),
            .init(type: "portmap", configuration: portMapper ?? JSONObject()),
            .init(type: "bandwidth", configuration: shaper ?? JSONObject()),
        ]
        list = NetworkList(name: "swiftlet" + instance, version: .v110, plugins: plugins)
        forwarding = ForwardingReview(
            bridge: bridge, table: table, includesIPv6: range.isIPv6, opensFirewall: opensFirewall)
        summary = "built-in, \(range) on \(bridge)"
        settings = HostSettings(record: paths.hostSettings)
    }

    /// The MTU of the interface by which this machine reaches the outside; nil without a default route.
    func uplinkMTU() throws -> UInt32? {
        var socket = try RouteSocket()
        for isIPv6 in [forwarding.includesIPv6, !forwarding.includesIPv6] {
            let routes = try socket.routes(ipv6: isIPv6).filter { $0.prefixLength == 0 && $0.interface != nil }
            guard let index = routes.min(by: { $0.priority < $1.priority })?.interface,
                let link = try socket.link(.index(index)), link.name != bridge
            else { continue }
            return link.mtu
        }
        return nil
    }

    /// The network for a pod, without the plugins that have nothing to do for it: each is a process.
    ///
    /// - Parameter mtu: of its interface; nil for the kernel's.
    func list(for request: PodRequest, mtu: UInt32?) -> NetworkList {
        let wanted = request.capabilityArguments(list)
        var plugins = list.plugins.filter { plugin in
            plugin.capabilities.isEmpty || wanted.members.contains { plugin.capabilities.contains($0.key) }
        }
        // What the plugin takes; a loopback device may have more.
        if let mtu, mtu != 1500, (1280...65535).contains(mtu) {
            plugins[0].configuration["mtu"] = .integer(Int64(mtu))
        }
        return NetworkList(name: list.name, version: list.version, plugins: plugins)
    }

    /// Before a pod is attached: what the plugins are about to change on the host is written down.
    func prepare(for network: NetworkList) throws {
        guard network.name == list.name else { return }
        try settings.remember()
    }

    /// Removes the bridge and the rules, and puts the host's settings back. Nothing happens when it was not in use.
    func takeDown() throws {
        guard settings.isRemembered else { return }
        var routes = try RouteSocket()
        if try routes.link(named: bridge) != nil { try routes.perform { $0.deleteLink(.name(bridge)) } }
        try forwarding.close()
        var nftables = try NftablesSocket()
        for table in try nftables.tables() where table.name == self.table { try nftables.deleteTable(table) }
        try settings.putBack()
    }
}
