import Base
import CNITypes
import Netlink

/// The container's end of the interface. All of this runs in the container's network namespace.
enum ContainerInterface {
    /// Gives it addresses and routes and sets it up.
    ///
    /// - Parameters:
    ///   - detects: whether IPv6 addresses are first asked for on the link.
    ///   - isPointToPoint: whether all of the network is reached by the gateways.
    static func configure(
        _ name: String, _ result: CNIResult, detectsDuplicates detects: Bool, isPointToPoint: Bool = false
    ) throws(CNIError) {
        var socket = try openRouteSocket()
        let link = try find(name, &socket)
        let routes = try (isPointToPoint ? gatewayRoutes(result, link) : []) + routes(result, link)
        // All before the interface is up.
        if result.ips.contains(where: { $0.address.isIPv6 }) {
            try NetworkSetting.set("ipv6/conf/\(name)/disable_ipv6", "0")
        }
        if !detects { try NetworkSetting.set("ipv6/conf/\(name)/accept_dad", "0") }
        // Neighbours that knew its address with another MAC hear of the new one.
        try NetworkSetting.set("ipv4/conf/\(name)/arp_notify", "1")

        try asking("give interface \(name) its addresses and routes") { () throws(NetlinkError) in
            try socket.perform { batch in
                batch.setUp(.index(link.index))
                for ip in result.ips {
                    batch.addAddress(
                        InterfaceAddress(ip.address), to: link.index, detectsDuplicates: detects,
                        hasRoute: !isPointToPoint)
                }
                for route in routes { batch.addRoute(route, mayExist: true) }
            }
        }
        try requireUsable(result.ips.map(\.address), link, &socket)
    }

    /// Waits until addresses can be used.
    static func requireUsable(_ addresses: [IPPrefix], _ link: Link, _ socket: inout RouteSocket) throws(CNIError) {
        let unusable = try asking("wait for the addresses of \(link.name)") { () throws(NetlinkError) in
            try socket.waitForAddresses(addresses.map(\.address), of: link.index, milliseconds: 10_000)
        }
        guard let address = unusable.first else { return }
        throw CNIError(
            .tryAgainLater, "interface \(link.name) cannot use the address \(IPPrefix.text(address.address))",
            details: address.isDuplicate
                ? "somebody else on the network has it" : "the kernel has not made it usable in 10 s")
    }

    static func find(_ name: String, _ socket: inout RouteSocket) throws(CNIError) -> Link {
        let link = try asking("find interface \(name)") { () throws(NetlinkError) in try socket.link(named: name) }
        guard let link else { throw CNIError(.internalFailure, "there is no interface \(name)") }
        return link
    }

    /// To each gateway directly, and by it to the network of its address.
    static func gatewayRoutes(_ result: CNIResult, _ link: Link) -> [Route] {
        result.ips.flatMap { ip -> [Route] in
            guard let gateway = ip.gateway.flatMap({ IPPrefix.parse($0) }) else { return [] }
            let network = ip.address.network
            return [
                Route(gateway, prefixLength: 8 * gateway.count, interface: link.index),
                Route(network.address, prefixLength: network.length, gateway: gateway, interface: link.index),
            ]
        }
    }

    /// The routes of a result as the kernel is told them. One without gateway goes by that of its family's first
    /// address.
    static func routes(_ result: CNIResult, _ link: Link) throws(CNIError) -> [Route] {
        var routes: [Route] = []
        for given in result.routes {
            let destination = given.destination
            let fallback = result.ips.first { $0.address.isIPv6 == destination.isIPv6 && $0.gateway != nil }?.gateway
            var route = Route(
                destination.address, prefixLength: destination.length,
                gateway: (given.gateway ?? fallback).flatMap { IPPrefix.parse($0) }, interface: link.index)
            func attribute(_ key: String) throws(CNIError) -> UInt32? {
                guard let value = given.attributes[key] else { return nil }
                guard let number = UInt32(exactly: value) else {
                    throw CNIError(.invalidConfiguration, "the route to \(destination) cannot have the \(key) \(value)")
                }
                return number
            }
            route.mtu = try attribute("mtu") ?? 0
            route.advertisedMSS = try attribute("advmss") ?? 0
            route.priority = try attribute("priority") ?? 0
            if let table = try attribute("table"), table != 0 { route.table = table }
            if let scope = try attribute("scope") {
                guard let value = UInt8(exactly: scope) else {
                    throw CNIError(.invalidConfiguration, "the route to \(destination) cannot have the scope \(scope)")
                }
                route.scope = value
                // One to the link itself has no gateway.
                if value == 253, given.gateway == nil { route.gateway = nil }
            }
            routes.append(route)
        }
        return routes
    }
}
