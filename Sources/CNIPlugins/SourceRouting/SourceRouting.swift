import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink

/// Has answers leave by the interface whose address they bear: each address of the interface gets a routing table of its
/// own. For containers with several interfaces; chained behind the plugin that makes the interface.
public struct SourceRouting: CNIPlugin {
    public static let name = "sbr"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try SourceRoutingConfiguration(request.configuration)
        let previous = try request.chainedResult(Self.name)
        let (_, ips) = try request.interface(in: previous)
        let container = try request.openRequiredNamespace()
        // Two attachments of a container choose tables one after the other. Released with the descriptor.
        let raw = container.namespace.descriptor.raw
        while flock(raw, LOCK_EX) != 0 {
            guard Errno.current == .interrupted else {
                throw CNIError(
                    .inputOutput, "cannot lock \(request.environment.namespacePath)", details: "\(Errno.current)")
            }
        }
        try container.run { () throws(CNIError) in
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(request.environment.interfaceName, &socket)
            do throws(NetlinkError) {
                try Self.apply(wanted, ips, link, &socket)
            } catch {
                try? Self.removeRules(ips.map(\.address.address), &socket)
                throw CNIError(
                    .inputOutput, "cannot route by the addresses of interface \(link.name)", details: "\(error)")
            }
        }
        return previous
    }

    private static func apply(
        _ wanted: SourceRoutingConfiguration, _ ips: [CNIResult.IP], _ link: Link, _ socket: inout RouteSocket
    ) throws(NetlinkError) {
        // Neighbours are found by what is of the link alone.
        let own = try (socket.routes(ipv6: false) + socket.routes(ipv6: true)).filter {
            $0.interface == link.index && $0.destination.first != 0xFE
        }
        var taken = try tables(&socket)
        var moved: Set<Route> = []
        var batch = NetlinkBatch()
        for ip in ips {
            let bits = 8 * ip.address.address.count
            let table = wanted.table ?? (100...UInt32.max).first { !taken.contains($0) } ?? 100
            taken.insert(table)
            for route in own where route.destination.count == ip.address.address.count {
                let isOf = [route.source, route.gateway].contains { $0.map { ip.address.contains($0) } ?? false }
                guard isOf || route.source == nil && route.gateway == nil else { continue }
                moved.insert(route)
                var copy = route
                copy.table = table
                batch.addRoute(copy, mayExist: true)
            }
            let gateway = wanted.gateways.first { $0.count == ip.address.address.count }
            if let gateway = gateway ?? ip.gateway.flatMap({ IPPrefix.parse($0) }) {
                let everywhere = [UInt8](repeating: 0, count: gateway.count)
                var route = Route(everywhere, prefixLength: 0, gateway: gateway, interface: link.index)
                route.table = table
                if wanted.hintsSource { route.source = ip.address.address }
                batch.addRoute(route, mayExist: true)
            }
            batch.addRule(RoutingRule(from: ip.address.address, prefixLength: bits, table: table))
        }
        for route in moved { batch.removeRoute(route) }
        if !batch.isEmpty { try socket.perform(batch) }
    }

    /// The numbers of tables that somebody uses.
    private static func tables(_ socket: inout RouteSocket) throws(NetlinkError) -> Set<UInt32> {
        // Those of the kernel.
        var found: Set<UInt32> = [253, 254, 255]
        for ipv6 in [false, true] {
            found.formUnion(try socket.rules(ipv6: ipv6).map(\.table))
            found.formUnion(try socket.routes(ipv6: ipv6, table: nil).map(\.table))
        }
        return found
    }

    /// Removes the rules of single senders.
    private static func removeRules(_ addresses: [[UInt8]], _ socket: inout RouteSocket) throws(NetlinkError) {
        let rules = try socket.rules(ipv6: false) + socket.rules(ipv6: true)
        let own = rules.filter { $0.prefixLength == 8 * $0.source.count && addresses.contains($0.source) }
        if own.isEmpty { return }
        try socket.perform { for rule in own { $0.removeRule(rule) } }
    }

    /// The tables' routes go with the interface.
    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        guard !request.environment.namespacePath.isEmpty else { return }
        let previous = try? request.configuration.readPreviousResult()
        _ = try request.inNamespace { () throws(CNIError) in
            var socket = try openRouteSocket()
            try asking("remove the rules of \(request.environment.interfaceName)") { () throws(NetlinkError) in
                var addresses = previous?.ips.map(\.address.address) ?? []
                if let link = try socket.link(named: request.environment.interfaceName) {
                    addresses += try socket.addresses(of: link.index).map(\.address)
                }
                try Self.removeRules(addresses, &socket)
            }
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try SourceRoutingConfiguration(request.configuration)
        let (_, ips) = try request.interface(in: try request.requiredResult())
        try request.inRequiredNamespace { () throws(CNIError) in
            var socket = try openRouteSocket()
            let rules = try asking("read the routing rules") { () throws(NetlinkError) in
                try socket.rules(ipv6: false) + socket.rules(ipv6: true)
            }
            for ip in ips {
                let isThere = rules.contains {
                    $0.source == ip.address.address && $0.prefixLength == 8 * $0.source.count
                        && (wanted.table == nil || wanted.table == $0.table)
                }
                guard !isThere else { continue }
                throw CNIError(.internalFailure, "the container lacks the routing rule of \(ip.address.addressText)")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try SourceRoutingConfiguration(configuration)
    }

    /// What it makes is in the container's namespace, and goes with that.
    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {}
}
