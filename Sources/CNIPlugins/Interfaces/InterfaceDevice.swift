import Base
import CNITypes
import Linux
import Netlink

/// The interface that a plugin makes in the container.
struct InterfaceDevice {
    private let wanted: InterfaceConfiguration
    private let kind: VirtualLink.Kind
    private let network: String
    private let containerID: String
    let name: String

    init(_ wanted: InterfaceConfiguration, _ request: AttachmentRequest) {
        self.wanted = wanted
        kind = wanted.kind ?? .dummy
        network = request.configuration.name
        containerID = request.environment.containerID
        name = request.environment.interfaceName
    }

    /// Makes it, down.
    func create(in container: borrowing ContainerNamespace) throws(CNIError) {
        if wanted.master == .none || wanted.isMasterInContainer {
            try container.run { () throws(CNIError) in
                var socket = try openRouteSocket()
                let link = try virtualLink(&socket)
                try make { () throws(NetlinkError) in try socket.perform { $0.create(link) } }
            }
            return
        }
        var socket = try openRouteSocket()
        let link = try virtualLink(&socket)
        try make { () throws(NetlinkError) in
            var batch = NetlinkBatch(capacity: 1024)
            batch.create(link, in: container.namespace.descriptor)
            try socket.perform(batch)
        }
    }

    /// What to make, with the master of the network namespace of this thread.
    private func virtualLink(_ socket: inout RouteSocket) throws(CNIError) -> VirtualLink {
        let master = try Self.master(wanted.master, network: network, &socket)
        if let master, let mtu = wanted.mtu, mtu > master.mtu {
            throw CNIError(
                .invalidConfiguration, "the mtu \(mtu) of network \(network) is more than that of \(master.name)",
                details: "it may be \(master.mtu) at most")
        }
        return VirtualLink(kind, name: name, parent: master?.index, mac: wanted.mac, mtu: wanted.mtu)
    }

    /// The interface that others stand on; nil for those that stand on none.
    static func master(
        _ master: InterfaceConfiguration.Master, network: String, _ socket: inout RouteSocket
    ) throws(CNIError) -> Link? {
        switch master {
        case .none: return nil
        case .named(let name):
            let link = try asking("find interface \(name)") { () throws(NetlinkError) in try socket.link(named: name) }
            if let link { return link }
            throw CNIError(
                .invalidConfiguration, "there is no interface \(name), the master of network \(network)",
                details: "correct the key master, or make the interface")
        case .ofDefaultRoute:
            let link = try asking("find the interface of the default route") { () throws(NetlinkError) -> Link? in
                for ipv6 in [false, true] {
                    let routes = try socket.routes(ipv6: ipv6).filter { $0.prefixLength == 0 && $0.interface != nil }
                    guard let index = routes.min(by: { $0.priority < $1.priority })?.interface else { continue }
                    return try socket.link(.index(index))
                }
                return nil
            }
            if let link { return link }
            throw CNIError(
                .invalidConfiguration,
                "network \(network) names no master, and there is no default route to take it from",
                details: "give the key master")
        }
    }

    private func make(_ body: () throws(NetlinkError) -> Void) throws(CNIError) {
        do {
            try body()
        } catch {
            let kind = kind.name
            switch error.errno {
            case .notSupported:
                throw CNIError(
                    .unsupportedField, "this kernel has no \(kind) interfaces",
                    details: "load the module \(kind), or use a kernel that has it (\(error))")
            case .exists:
                throw CNIError(
                    .invalidConfiguration, "container \(containerID) has an interface \(name) already",
                    details: "DEL removes it, or give CNI_IFNAME another name")
            default:
                throw CNIError(
                    .inputOutput, "cannot make the \(kind) interface \(name) of container \(containerID)",
                    details: "\(error)")
            }
        }
    }

    /// Removes it, in the network namespace of this thread.
    static func remove(_ name: String) throws(CNIError) {
        var socket = try openRouteSocket()
        try removeLink(name, &socket)
    }
}
