import Base
import CNITypes
import Netlink

extension Bridge {
    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let configuration = try BridgeConfiguration(request.configuration, request.environment)
        let result = try request.requiredResult()
        try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)?.check()

        let (interface, ips) = try request.interface(in: result)
        let host = try checkHost(configuration, result, request)
        try request.inRequiredNamespace { () throws(CNIError) in
            try checkContainer(configuration, result, interface, ips, host: host)
        }
        try NetworkMasquerade(request.configuration)?.check(request, ips)
        if let mac = interface.mac.flatMap({ MACAddress($0) }) {
            try MACSpoofCheck(request.configuration)?.check(request, port: host.name, mac)
        }
    }

    /// The bridge and its port.
    ///
    /// - Returns: the host's end.
    private func checkHost(
        _ configuration: BridgeConfiguration, _ result: CNIResult, _ request: AttachmentRequest
    ) throws(CNIError) -> Link {
        var socket = try openRouteSocket()
        guard let bridge = try BridgeDevice.find(configuration.bridge, &socket) else {
            throw Self.broken("the bridge \(configuration.bridge) is gone")
        }
        guard bridge.isUp else { throw Self.broken("the bridge \(bridge.name) is down") }
        guard let host = try HostVeth(request).find(&socket).first else {
            throw Self.broken("the host's end of interface \(request.environment.interfaceName) is gone")
        }
        guard result.interfaces.contains(where: { $0.name == host.name && $0.sandbox == nil }) else {
            throw Self.broken("prevResult lacks the host's interface \(host.name)")
        }
        guard host.master == bridge.index else {
            throw Self.broken("interface \(host.name) is no port of the bridge \(bridge.name)")
        }
        guard host.isUp else { throw Self.broken("interface \(host.name) is down") }
        guard host.port?.hairpin == configuration.hairpin, host.port?.isolated == configuration.isolated else {
            throw Self.broken(
                "interface \(host.name) has other port flags than the network \(request.configuration.name)")
        }
        let port = configuration.vlans.map { BridgeVLANPort(vlans: $0) }
        try port?.check(host, of: bridge, &socket)
        if configuration.isGateway {
            let interface = try ContainerInterface.find(port?.gatewayName(on: bridge) ?? bridge.name, &socket)
            let addresses = try BridgeDevice.addresses(of: interface, &socket)
            for ip in result.ips {
                guard let gateway = ip.gateway.flatMap({ IPPrefix.parse($0) }) else { continue }
                guard addresses.contains(where: { $0.address == gateway && $0.length == ip.address.length }) else {
                    throw Self.broken(
                        "interface \(interface.name) lacks the gateway's address \(IPPrefix.text(gateway))")
                }
            }
        }
        return host
    }

    /// The interface in the container, whose network namespace this thread is in.
    private func checkContainer(
        _ configuration: BridgeConfiguration, _ result: CNIResult, _ interface: CNIResult.Interface,
        _ ips: [CNIResult.IP], host: Link
    ) throws(CNIError) {
        let link = try ContainerInterface.check(
            result, interface, ips, isUp: !configuration.isContainerInterfaceDown)
        guard link.kind == "veth", link.peer == host.index else {
            throw Self.broken("interface \(interface.name) is not the other end of \(host.name)")
        }
    }

    private static func broken(_ what: String) -> CNIError { CNIError(.internalFailure, what) }
}
