import Base
import CNITypes
import Netlink

/// The bridge of the host.
enum BridgeDevice {
    /// The bridge, made where it is missing, and up.
    static func ensure(_ configuration: BridgeConfiguration, _ socket: inout RouteSocket) throws(CNIError) -> Link {
        let name = configuration.bridge
        var found = try find(name, &socket)
        if found == nil {
            try asking("create the bridge \(name)") { () throws(NetlinkError) in
                let mac = try MACAddress.random()
                do throws(NetlinkError) {
                    try socket.perform { $0.createBridge(name, mac: mac, mtu: configuration.mtu) }
                } catch {
                    // Another call was faster.
                    if error.errno != .exists { throw error }
                }
            }
            found = try find(name, &socket)
        }
        guard let link = found else {
            throw CNIError(.tryAgainLater, "the bridge \(name) was removed while a container was attached")
        }
        if !link.isUp || configuration.promiscuous && !link.isPromiscuous {
            try asking("set up the bridge \(name)") { () throws(NetlinkError) in
                try socket.perform {
                    $0.setUp(.index(link.index))
                    if configuration.promiscuous { $0.setPromiscuous(.index(link.index)) }
                }
            }
        }
        // Containers do not tell the host its routes.
        try NetworkSetting.set("ipv6/conf/\(name)/accept_ra", "0")
        return link
    }

    /// Nil when there is no such interface.
    ///
    /// - Throws: `CNIError` also when it is no bridge.
    static func find(_ name: String, _ socket: inout RouteSocket) throws(CNIError) -> Link? {
        let link = try asking("find the bridge \(name)") { () throws(NetlinkError) in try socket.link(named: name) }
        guard let link else { return nil }
        guard link.kind == "bridge" else {
            throw CNIError(
                .invalidConfiguration,
                "interface \(name) is no bridge but \(link.kind.map { "a \($0)" } ?? "a device")",
                details: "give the network another bridge, or remove that interface")
        }
        return link
    }

    /// Gives the bridge the addresses that it lacks.
    ///
    /// - Throws: `CNIError`; nothing was changed when another address is in the way or a route overlaps.
    static func ensureGateways(
        _ gateways: [IPPrefix], on bridge: Link, _ configuration: BridgeConfiguration, network: String,
        _ socket: inout RouteSocket
    ) throws(CNIError) {
        let present = try addresses(of: bridge, &socket)
        let missing = gateways.filter { !present.contains($0) }
        guard !missing.isEmpty else { return }
        let obstacles = present.filter { address in
            !gateways.contains(address) && missing.contains { isInTheWay(address, of: $0) }
        }
        if let obstacle = obstacles.first, !configuration.forcesAddress {
            let wanted = missing.first { isInTheWay(obstacle, of: $0) } ?? missing[0]
            throw CNIError(
                .invalidConfiguration,
                "bridge \(bridge.name) has the address \(obstacle), network \(network) needs \(wanted)",
                details: "give the network a bridge of its own, remove the address, or set forceAddress to have it "
                    + "replaced")
        }
        for gateway in missing { try requireNoOverlap(gateway.network, bridge, network, &socket) }
        try asking("give the bridge \(bridge.name) its addresses") { () throws(NetlinkError) in
            try socket.perform { batch in
                for address in obstacles {
                    batch.removeAddress(InterfaceAddress(address), from: bridge.index)
                }
                for gateway in missing {
                    batch.addAddress(InterfaceAddress(gateway), to: bridge.index, mayExist: true)
                }
                // A bridge that an administrator made follows its ports unless its MAC address was set.
                if let mac = bridge.mac { batch.setMAC(.index(bridge.index), mac) }
            }
        }
        try ContainerInterface.requireUsable(missing, bridge, &socket)
    }

    static func addresses(of link: Link, _ socket: inout RouteSocket) throws(CNIError) -> [IPPrefix] {
        let list = try asking("read the addresses of \(link.name)") { () throws(NetlinkError) in
            try socket.addresses(of: link.index)
        }
        return list.compactMap { IPPrefix(address: $0.address, length: $0.prefixLength) }
    }

    /// A bridge has one IPv4 network; of IPv6, any that do not overlap.
    private static func isInTheWay(_ address: IPPrefix, of wanted: IPPrefix) -> Bool {
        address.isIPv6 == wanted.isIPv6 && (!wanted.isIPv6 || address.overlaps(wanted))
    }

    /// Refuses a network that another interface has: packets would go astray. A wider route through a router is none:
    /// the more specific one counts.
    private static func requireNoOverlap(
        _ subnet: IPPrefix, _ bridge: Link, _ network: String, _ socket: inout RouteSocket
    ) throws(CNIError) {
        let what = "look for other routes to \(subnet)"
        let routes = try asking(what) { () throws(NetlinkError) in try socket.routes(ipv6: subnet.isIPv6) }
        let conflict = routes.first { route in
            guard route.interface != bridge.index, route.prefixLength > 0,
                let destination = IPPrefix(address: route.destination, length: route.prefixLength)
            else { return false }
            return destination.overlaps(subnet) && (route.isConnected || destination.length >= subnet.length)
        }
        guard let conflict, let destination = IPPrefix(address: conflict.destination, length: conflict.prefixLength)
        else { return }
        let interface = try asking(what) { () throws(NetlinkError) -> String? in
            guard let index = conflict.interface else { return nil }
            return try socket.link(.index(index))?.name
        }
        throw CNIError(
            .invalidConfiguration,
            "the subnet \(subnet) of network \(network) overlaps with the route to \(destination) by interface "
                + (interface ?? "(several)"), details: "give the network another subnet, or remove that route")
    }
}

extension InterfaceAddress {
    init(_ prefix: IPPrefix) { self.init(prefix.address, prefixLength: prefix.length) }
}
