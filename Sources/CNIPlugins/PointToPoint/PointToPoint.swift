import Base
import CNITypes
import JSON
import Netlink

/// Attaches a container to the host by a veth pair of its own: the host routes between all of them. The addresses come from
/// another plugin, and the host's end has those of the gateways.
public struct PointToPoint: VethPlugin {
    public static let name = "ptp"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let configuration = try PointToPointConfiguration(request.configuration)
        let masquerade = try NetworkMasquerade(request.configuration)
        let ipam = try Self.ipam(request.configuration, request.environment)
        let container = try request.openRequiredNamespace()
        var socket = try openRouteSocket()
        var result = try ipam.add()
        var made: VethPair?
        do throws(CNIError) {
            try Self.requireGateways(result, network: request.configuration.name)
            let pair = try HostVeth(request).create(.init(mtu: configuration.mtu), in: container, &socket)
            made = pair
            try NetworkSetting.set("ipv6/conf/\(pair.name)/accept_ra", "0")
            if result.ips.contains(where: { !$0.address.isIPv6 }) { try NetworkSetting.set("ipv4/ip_forward", "1") }
            if result.ips.contains(where: \.address.isIPv6) {
                try NetworkSetting.set("ipv6/conf/all/forwarding", "1")
            }
            for index in result.ips.indices { result.ips[index].interface = 1 }
            let complete = result
            try route(complete.ips, to: pair.name, &socket)
            // Nobody else is on the link who could have the address.
            try container.run { () throws(CNIError) in
                try ContainerInterface.configure(
                    request.environment.interfaceName, complete, detectsDuplicates: false, isPointToPoint: true)
            }
            try requireSending(pair.name, &socket)
            try masquerade?.add(request, complete.ips)
            result.interfaces = [
                .init(name: pair.name, mac: pair.mac.description),
                .init(
                    name: pair.peerName, mac: pair.peerMAC.description, sandbox: request.environment.namespacePath),
            ]
            if configuration.dns != CNIResult.DNS() { result.dns = configuration.dns }
            return result
        } catch {
            // The failure that led here is the one to tell.
            try? masquerade?.delete(request)
            if let made { try? removeLink(made.name, &socket) }
            try? ipam.delete()
            throw error
        }
    }

    /// Returns when packets pass the host's end.
    private func requireSending(_ name: String, _ socket: inout RouteSocket) throws(CNIError) {
        let isSending = try asking("wait for interface \(name)") { () throws(NetlinkError) in
            try socket.waitUntilSending(name, milliseconds: 5000)
        }
        guard isSending else {
            throw CNIError(
                .tryAgainLater, "interface \(name) does not take packets",
                details: "both ends are up, and after 5 s the kernel has not noticed")
        }
    }

    /// Without addresses there is nothing to route.
    private static func ipam(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment
    ) throws(CNIError) -> IPAMDelegate {
        if let ipam = try IPAMDelegate(of: configuration, environment, caller: name) { return ipam }
        throw CNIError(
            .invalidConfiguration, "network \(configuration.name) has no ipam section",
            details: "\(name) routes to the addresses of a container: name a plugin that gives them out")
    }

    private static func requireGateways(_ result: CNIResult, network: String) throws(CNIError) {
        guard !result.ips.isEmpty else {
            throw CNIError(.internalFailure, "the ipam plugin of network \(network) gave no address")
        }
        if let ip = result.ips.first(where: { $0.gateway == nil }) {
            throw CNIError(
                .invalidConfiguration, "the address \(ip.address) of network \(network) has no gateway",
                details: "the host's end of the pair gets it: let the ipam plugin give one")
        }
    }

    /// Gives the host's end the gateways' addresses, and leads packets to the container's there.
    private func route(
        _ ips: [CNIResult.IP], to name: String, _ socket: inout RouteSocket
    ) throws(CNIError) {
        let link = try ContainerInterface.find(name, &socket)
        try asking("route to the container by \(name)") { () throws(NetlinkError) in
            try socket.perform { batch in
                var gateways: Set<[UInt8]> = []
                for ip in ips {
                    let bits = 8 * ip.address.address.count
                    if let gateway = ip.gateway.flatMap({ IPPrefix.parse($0) }), gateways.insert(gateway).inserted {
                        batch.addAddress(InterfaceAddress(gateway, prefixLength: bits), to: link.index)
                    }
                    batch.addRoute(
                        Route(ip.address.address, prefixLength: bits, interface: link.index), mayExist: false)
                }
            }
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        _ = try PointToPointConfiguration(request.configuration)
        let result = try request.requiredResult()
        try Self.ipam(request.configuration, request.environment).check()
        let (interface, ips) = try request.interface(in: result)
        let host = try checkHost(ips, request)
        try request.inRequiredNamespace { () throws(CNIError) in
            let link = try ContainerInterface.check(result, interface, ips)
            guard link.kind == "veth", link.peer == host.index else {
                throw CNIError(.internalFailure, "interface \(interface.name) is not the other end of \(host.name)")
            }
        }
        try NetworkMasquerade(request.configuration)?.check(request, ips)
    }

    /// The host's end, and the way there.
    private func checkHost(_ ips: [CNIResult.IP], _ request: AttachmentRequest) throws(CNIError) -> Link {
        func broken(_ what: String) -> CNIError { CNIError(.internalFailure, what) }
        var socket = try openRouteSocket()
        guard let host = try HostVeth(request).find(&socket).first else {
            throw broken("the host's end of interface \(request.environment.interfaceName) is gone")
        }
        guard host.isUp else { throw broken("interface \(host.name) is down") }
        let addresses = try BridgeDevice.addresses(of: host, &socket)
        for ip in ips {
            if let gateway = ip.gateway, !addresses.contains(where: { $0.addressText == gateway }) {
                throw broken("interface \(host.name) lacks the gateway's address \(gateway)")
            }
            let routes = try asking("read the host's routes") { () throws(NetlinkError) in
                try socket.routes(ipv6: ip.address.isIPv6)
            }
            let isThere = routes.contains {
                $0.interface == host.index && $0.destination == ip.address.address
                    && $0.prefixLength == 8 * ip.address.address.count
            }
            guard isThere else { throw broken("the host lacks the route to \(ip.address.addressText) by \(host.name)") }
        }
        return host
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try PointToPointConfiguration(configuration)
        _ = try NetworkMasquerade(configuration)
        try Self.ipam(configuration, environment).status()
    }
}
