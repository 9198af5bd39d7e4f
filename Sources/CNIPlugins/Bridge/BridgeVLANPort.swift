import Base
import CNITypes
import Netlink

/// The container's port of a bridge that filters VLANs, and the host's own interface in the VLAN.
struct BridgeVLANPort {
    let vlans: BridgeConfiguration.VLANs

    /// Has the bridge filter VLANs. Other ports than ours could have passed tags through until now.
    func prepare(_ bridge: Link, _ socket: inout RouteSocket) throws(CNIError) -> Link {
        if bridge.filteredVLAN != nil { return bridge }
        let links = try asking("list the interfaces") { () throws(NetlinkError) in try socket.links() }
        if let other = links.first(where: { $0.master == bridge.index && OwnedLink(.veth, $0) == nil }) {
            throw CNIError(
                .invalidConfiguration,
                "the bridge \(bridge.name) does not filter VLANs, and has the port \(other.name)",
                details: "if that port is to be of the bridge's default VLAN: ip link set \(bridge.name) type bridge "
                    + "vlan_filtering 1")
        }
        do {
            try socket.perform { $0.setVLANFiltering(bridge) }
        } catch {
            guard error.errno == .notSupported else {
                throw CNIError(.inputOutput, "cannot have \(bridge.name) filter VLANs", details: "\(error)")
            }
            throw CNIError(
                .unsupportedField, "bridges of this kernel do not filter VLANs",
                details: "use a kernel that has BRIDGE_VLAN_FILTERING (\(error))")
        }
        return try asking("find the bridge \(bridge.name)") { () throws(NetlinkError) in
            try socket.link(.index(bridge.index))
        } ?? bridge
    }

    /// Makes the port one of the VLANs.
    func attach(_ name: String, of bridge: Link, _ socket: inout RouteSocket) throws(CNIError) {
        let port = try ContainerInterface.find(name, &socket)
        try asking("make \(name) a port of the network's VLANs") { () throws(NetlinkError) in
            try socket.perform { batch in
                if let usual = bridge.filteredVLAN, usual != 0, !vlans.keepsDefault {
                    batch.removeVLANs([usual], from: port)
                }
                batch.addVLANs(vlans.wanted, to: port)
            }
        }
    }

    /// Throws unless the port has the VLANs, and no others.
    func check(_ port: Link, of bridge: Link, _ socket: inout RouteSocket) throws(CNIError) {
        let all = try asking("read the VLANs of \(port.name)") { () throws(NetlinkError) in try socket.vlans() }
        let present = all[port.index] ?? BridgeVLANs()
        guard bridge.filteredVLAN != nil, present == expected(on: bridge) else {
            throw CNIError(
                .internalFailure, "bridge port \(port.name) is not of the network's VLANs",
                details: "it is of \(present), and should be of \(expected(on: bridge))")
        }
    }

    /// What is wanted, with what new ports have anyway.
    private func expected(on bridge: Link) -> BridgeVLANs {
        var vlans = vlans.wanted
        guard self.vlans.keepsDefault, let usual = bridge.filteredVLAN, usual != 0, usual != vlans.untagged,
            !vlans.tagged.contains(usual)
        else { return vlans }
        if vlans.untagged == nil { vlans.untagged = usual } else { vlans.tagged = (vlans.tagged + [usual]).sorted() }
        return vlans
    }

    /// The name of the host's interface in the VLAN, `cni0.100`. Nil for a trunk: the host takes no part in it but by the
    /// bridge.
    func gatewayName(on bridge: Link) -> String? { vlans.wanted.untagged.map { "\(bridge.name).\($0)" } }

    /// That interface, made where it is missing, and up.
    func gateway(on bridge: Link, _ socket: inout RouteSocket) throws(CNIError) -> Link? {
        guard let number = vlans.wanted.untagged, let name = gatewayName(on: bridge) else { return nil }
        guard PluginEnvironment.isInterfaceName(name) else {
            throw CNIError(
                .invalidConfiguration, "the bridge's name \(bridge.name) is too long for a gateway in VLAN \(number)",
                details: "the host's interface there would be \(name): names have 15 characters at most")
        }
        do {
            try socket.perform { $0.create(VirtualLink(.vlan(number), name: name, parent: bridge.index)) }
        } catch {
            guard error.errno == .exists else {
                throw CNIError(
                    error.errno == .notSupported ? .unsupportedField : .inputOutput,
                    "cannot make the host's interface \(name)", details: "the module 8021q makes it (\(error))")
            }
        }
        let link = try ContainerInterface.find(name, &socket)
        // The reference plugin makes a veth pair of this name, of which the other end is a port.
        guard link.kind == "veth" || link.virtual == .vlan(number) && link.peer == bridge.index else {
            throw CNIError(
                .invalidConfiguration, "interface \(name) is not the bridge's in VLAN \(number)",
                details: "remove it, or give the network another bridge")
        }
        try NetworkSetting.set("ipv6/conf/\(name)/accept_ra", "0")
        try asking("set up the host's interface \(name)") { () throws(NetlinkError) in
            try socket.perform { batch in
                batch.setUp(.index(link.index))
                if link.kind != "veth" { batch.addVLAN(number, toBridge: bridge) }
            }
        }
        return link
    }
}
