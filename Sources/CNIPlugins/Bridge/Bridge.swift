import Base
import CNITypes
import Netlink

/// Attaches a container to a bridge of the host by a veth pair, with addresses that another plugin gives out.
public struct Bridge: VethPlugin {
    public static let name = "bridge"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let configuration = try BridgeConfiguration(request.configuration, request.environment)
        let masquerade = try NetworkMasquerade(request.configuration)
        let spoofCheck = try MACSpoofCheck(request.configuration)
        let ipam = try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)
        let container = try request.openRequiredNamespace()
        var socket = try openRouteSocket()
        let port = configuration.vlans.map { BridgeVLANPort(vlans: $0) }
        var bridge = try BridgeDevice.ensure(configuration, &socket)
        if let port { bridge = try port.prepare(bridge, &socket) }
        let pair = try HostVeth(request).create(configuration.veth(bridge), in: container, &socket)
        var hasAddresses = false
        do {
            try NetworkSetting.set("ipv6/conf/\(pair.name)/accept_ra", "0")
            try port?.attach(pair.name, of: bridge, &socket)
            try spoofCheck?.add(request, port: pair.name, pair.peerMAC)
            var result = CNIResult()
            var gateway: Link?
            if let ipam {
                result = try ipam.add()
                hasAddresses = true
                if configuration.isGateway { gateway = try port?.gateway(on: bridge, &socket) }
                try attach(&result, configuration, gateway ?? bridge, request, container, &socket)
                try masquerade?.add(request, result.ips)
            } else if !configuration.isContainerInterfaceDown {
                try container.run { () throws(CNIError) in
                    try ContainerInterface.configure(
                        request.environment.interfaceName, CNIResult(),
                        detectsDuplicates: configuration.detectsDuplicates)
                }
            }
            if !configuration.isContainerInterfaceDown {
                // Setting the bridge down takes its IPv6 addresses, and what stands on it.
                let mayRestart = port == nil && !result.ips.contains(where: \.address.isIPv6)
                try requirePort(pair.name, of: bridge, mayRestart: mayRestart, &socket)
            }
            result.interfaces = interfaces(bridge, pair, request)
            if let gateway { result.interfaces.append(.init(name: gateway.name, mac: gateway.mac?.description)) }
            if configuration.dns != CNIResult.DNS() { result.dns = configuration.dns }
            return result
        } catch {
            // The failure that led here is the one to tell.
            if hasAddresses { try? ipam?.delete() }
            try? masquerade?.delete(request)
            try? spoofCheck?.delete(request)
            try? removeLink(pair.name, &socket)
            throw error
        }
    }

    /// Returns when packets pass the port.
    private func requirePort(
        _ name: String, of bridge: Link, mayRestart: Bool, _ socket: inout RouteSocket
    ) throws(CNIError) {
        let isEnabled = try asking("wait for the bridge port \(name)") { () throws(NetlinkError) in
            try socket.waitForBridgePort(name, of: bridge.name, mayRestart: mayRestart, milliseconds: 5000)
        }
        guard isEnabled else {
            throw CNIError(
                .tryAgainLater, "the bridge \(bridge.name) does not take packets of its port \(name)",
                details: "both ends are up, and after 5 s it has not noticed")
        }
    }

    /// Completes what the addresses' plugin gave, and applies it.
    ///
    /// - Parameter host: the interface that has the gateways' addresses.
    private func attach(
        _ result: inout CNIResult, _ configuration: BridgeConfiguration, _ host: Link, _ request: AttachmentRequest,
        _ container: borrowing ContainerNamespace, _ socket: inout RouteSocket
    ) throws(CNIError) {
        guard !result.ips.isEmpty else {
            throw CNIError(.internalFailure, "the ipam plugin of network \(request.configuration.name) gave no address")
        }
        for index in result.ips.indices { result.ips[index].interface = 2 }
        let gateways = Self.completeGateways(&result, configuration)
        if configuration.isGateway {
            try BridgeDevice.ensureGateways(
                gateways, on: host, configuration, network: request.configuration.name, &socket)
            if gateways.contains(where: { !$0.isIPv6 }) { try NetworkSetting.set("ipv4/ip_forward", "1") }
            if gateways.contains(where: { $0.isIPv6 }) { try NetworkSetting.set("ipv6/conf/all/forwarding", "1") }
        }
        let complete = result
        try container.run { () throws(CNIError) in
            try ContainerInterface.configure(
                request.environment.interfaceName, complete,
                detectsDuplicates: configuration.detectsDuplicates)
        }
    }

    /// Fills in the gateways and default routes that are asked for.
    ///
    /// - Returns: the addresses that the bridge has as a gateway, each once.
    static func completeGateways(_ result: inout CNIResult, _ configuration: BridgeConfiguration) -> [IPPrefix] {
        var gateways: [IPPrefix] = []
        for index in result.ips.indices {
            let address = result.ips[index].address
            if result.ips[index].gateway == nil, configuration.isGateway,
                let first = IPPrefix.successor(address.network.address)
            {
                result.ips[index].gateway = IPPrefix.text(first)
            }
            guard let text = result.ips[index].gateway, let bytes = IPPrefix.parse(text),
                let gateway = IPPrefix(address: bytes, length: address.length)
            else { continue }
            if !gateways.contains(gateway) { gateways.append(gateway) }
            let hasDefault = result.routes.contains {
                $0.destination.length == 0 && $0.destination.isIPv6 == address.isIPv6 && $0.gateway != nil
            }
            if configuration.isDefaultGateway, !hasDefault,
                let everything = IPPrefix(address: [UInt8](repeating: 0, count: address.address.count), length: 0)
            {
                result.routes.append(.init(destination: everything, gateway: text))
            }
        }
        return gateways
    }

    private func interfaces(_ bridge: Link, _ pair: VethPair, _ request: AttachmentRequest) -> [CNIResult.Interface] {
        [
            .init(name: bridge.name, mac: bridge.mac?.description),
            .init(name: pair.name, mac: pair.mac.description),
            .init(
                name: pair.peerName, mac: pair.peerMAC.description, sandbox: request.environment.namespacePath),
        ]
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let wanted = try BridgeConfiguration(configuration, environment)
        _ = try NetworkMasquerade(configuration)
        _ = try MACSpoofCheck(configuration)
        var socket = try openRouteSocket()
        do {
            _ = try BridgeDevice.find(wanted.bridge, &socket)
        } catch {
            throw CNIError(.unavailable, error.message, details: error.details)
        }
        try IPAMDelegate(of: configuration, environment, caller: Self.name)?.status()
    }
}
