import Base
import CLinux
import CNetlink

extension NetlinkBatch {
    /// Makes an interface, down, in another network namespace: its parent stays in the socket's.
    ///
    /// - Parameter namespace: valid until the batch is performed.
    public mutating func create(_ link: VirtualLink, in namespace: borrowing FileDescriptor) {
        create(link, namespace: namespace.raw)
    }

    /// Makes an interface, down, in the socket's network namespace.
    public mutating func create(_ link: VirtualLink) { create(link, namespace: nil) }

    private mutating func create(_ link: VirtualLink, namespace: Int32?) {
        append(
            type: UInt16(RTM_NEWLINK), flags: [.create, .exclusive], header: ifinfomsg(),
            "create the \(link.kind.name) interface \(link.name)"
        ) {
            $0.put(IFLA_IFNAME, link.name)
            if let parent = link.parent { $0.put(IFLA_LINK, parent) }
            if let mac = link.mac { $0.put(IFLA_ADDRESS, mac.bytes) }
            if let mtu = link.mtu { $0.put(IFLA_MTU, mtu) }
            if let namespace { $0.put(IFLA_NET_NS_FD, namespace) }
            $0.nest(IFLA_LINKINFO) {
                $0.put(IFLA_INFO_KIND, link.kind.name)
                Self.put(link.kind, to: &$0)
            }
        }
    }

    private static func put(_ kind: VirtualLink.Kind, to writer: inout NetlinkWriter) {
        switch kind {
        case .dummy, .ifb: return
        case .macvlan(let mode, let queue):
            writer.nest(IFLA_INFO_DATA) {
                $0.put(IFLA_MACVLAN_MODE, mode.rawValue)
                if let queue { $0.put(IFLA_MACVLAN_BC_QUEUE_LEN, queue) }
            }
        case .ipvlan(let mode): writer.nest(IFLA_INFO_DATA) { $0.put(IFLA_IPVLAN_MODE, mode.rawValue) }
        case .vlan(let id): writer.nest(IFLA_INFO_DATA) { $0.put(IFLA_VLAN_ID, id) }
        case .vrf(let table): writer.nest(IFLA_INFO_DATA) { $0.put(IFLA_VRF_TABLE, table) }
        }
    }
}
