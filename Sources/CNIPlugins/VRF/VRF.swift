import Base
import CNITypes
import JSON
import Netlink

/// Has an interface of the container route by a table of its own, together with others of the same VRF. Chained behind the
/// plugin that makes the interface.
public struct VRF: CNIPlugin {
    public static let name = "vrf"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try VRFConfiguration(request.configuration)
        let previous = try request.chainedResult(Self.name)
        try request.inRequiredNamespace { () throws(CNIError) in
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(request.environment.interfaceName, &socket)
            let device = try Self.ensure(wanted, &socket)
            if link.master == device.index { return }
            if let master = link.master {
                throw CNIError(
                    .invalidConfiguration, "interface \(link.name) cannot be of the VRF \(wanted.device)",
                    details: "it is a port of link number \(master)")
            }
            // The kernel takes away what is of IPv6, and all routes by it.
            let addresses = try asking("read what \(link.name) has") { () throws(NetlinkError) in
                try socket.addresses(of: link.index).filter { $0.address.count == 16 && $0.address[0] != 0xFE }
            }
            var routes = try asking("read what \(link.name) has") { () throws(NetlinkError) in
                try socket.routes(ipv6: false) + socket.routes(ipv6: true)
            }
            routes = routes.filter { $0.interface == link.index && !$0.isConnected && $0.destination.first != 0xFE }
            for index in routes.indices { routes[index].table = device.table }
            try asking("make \(link.name) a port of the VRF \(wanted.device)") { () throws(NetlinkError) in
                try socket.perform { batch in
                    batch.setMaster(.index(link.index), device.index)
                    for address in addresses { batch.addAddress(address, to: link.index, mayExist: true) }
                    // A route by a gateway needs what another leads to.
                    for route in routes.sorted(by: { $0.gateway == nil && $1.gateway != nil }) {
                        batch.addRoute(route, mayExist: true)
                    }
                }
            }
        }
        return previous
    }

    /// The VRF, made where it is missing, and up.
    private static func ensure(
        _ wanted: VRFConfiguration, _ socket: inout RouteSocket
    ) throws(CNIError) -> (index: Int32, table: UInt32) {
        for _ in 0..<3 {
            let links = try asking("list the interfaces") { () throws(NetlinkError) in try socket.links() }
            if let link = links.first(where: { $0.name == wanted.device }) {
                guard case .vrf(let table) = link.virtual else {
                    throw CNIError(
                        .invalidConfiguration, "interface \(link.name) is no VRF but \(link.kind ?? "a device")",
                        details: "give the key vrfname another name")
                }
                guard wanted.table == nil || wanted.table == table else {
                    throw CNIError(
                        .invalidConfiguration,
                        "the VRF \(link.name) has the table \(table), and not \(wanted.table ?? 0)")
                }
                if !link.isUp {
                    try asking("set up \(link.name)") { () throws(NetlinkError) in
                        try socket.perform { $0.setUp(.index(link.index)) }
                    }
                }
                return (link.index, table)
            }
            let taken = Set(links.compactMap { if case .vrf(let table) = $0.virtual { table } else { nil } })
            guard let table = wanted.table ?? (1...UInt32(200)).first(where: { !taken.contains($0) }) else {
                throw CNIError(.tryAgainLater, "no routing table is free for the VRF \(wanted.device)")
            }
            do throws(NetlinkError) {
                try socket.perform { $0.create(VirtualLink(.vrf(table), name: wanted.device)) }
            } catch {
                switch error.errno {
                // Another attachment of the container was faster.
                case .exists: continue
                case .notSupported:
                    throw CNIError(
                        .unsupportedField, "this kernel has no vrf interfaces",
                        details: "load the module vrf, or use a kernel that has it (\(error))")
                default:
                    throw CNIError(.inputOutput, "cannot make the VRF \(wanted.device)", details: "\(error)")
                }
            }
        }
        throw CNIError(.tryAgainLater, "the VRF \(wanted.device) comes and goes")
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try VRFConfiguration(request.configuration)
        guard !request.environment.namespacePath.isEmpty else { return }
        _ = try request.inNamespace { () throws(CNIError) in
            var socket = try openRouteSocket()
            try asking("take \(request.environment.interfaceName) from the VRF \(wanted.device)") {
                () throws(NetlinkError) in
                let links = try socket.links()
                guard let device = links.first(where: { $0.name == wanted.device }), device.kind == Self.name else {
                    return
                }
                let own = links.first { $0.name == request.environment.interfaceName && $0.master == device.index }
                if let own { try socket.perform { $0.setMaster(.index(own.index), 0) } }
                if links.contains(where: { $0.master == device.index && $0.index != own?.index }) { return }
                try socket.removeLink(index: device.index)
            }
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try VRFConfiguration(request.configuration)
        _ = try request.requiredResult()
        try request.inRequiredNamespace { () throws(CNIError) in
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(request.environment.interfaceName, &socket)
            let device = try ContainerInterface.find(wanted.device, &socket)
            guard device.kind == Self.name, device.isUp, link.master == device.index else {
                throw CNIError(
                    .internalFailure, "interface \(link.name) is not of the VRF \(wanted.device), or that is down")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try VRFConfiguration(configuration)
    }

    /// What it makes is in the container's namespace, and goes with that.
    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {}
}
