import CNetlink

/// An interface that the kernel makes out of nothing or on top of another.
public struct VirtualLink: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// Takes all packets and sends none on.
        case dummy
        /// A further MAC address of the parent.
        ///
        /// - Parameter queue: how many broadcasts may wait; nil: the kernel's.
        case macvlan(MacvlanMode, queue: UInt32?)
        /// A further IP address of the parent, with its MAC address.
        case ipvlan(IPvlanMode)
        /// The parent's frames with this VLAN tag (IEEE 802.1Q).
        case vlan(UInt16)
        /// Its ports route by the table of this number (virtual routing and forwarding).
        case vrf(UInt32)
        /// Packets that are led to it pass its queue, and go on as they would have (intermediate functional block).
        case ifb

        /// As the kernel names it.
        public var name: String {
            switch self {
            case .dummy: "dummy"
            case .macvlan: "macvlan"
            case .ipvlan: "ipvlan"
            case .vlan: "vlan"
            case .vrf: "vrf"
            case .ifb: "ifb"
            }
        }
    }

    /// What interfaces on one parent hear of each other.
    public enum MacvlanMode: UInt32, Sendable {
        /// Nothing.
        case `private` = 1
        /// What a switch behind the parent sends back.
        case vepa = 2
        /// Everything, directly.
        case bridge = 4
        /// It is alone, and has the parent's MAC address.
        case passthru = 8
    }

    /// Where packets of an interface are looked at.
    public enum IPvlanMode: UInt16, Sendable {
        /// As frames of the parent's link.
        case l2 = 0
        /// As packets that the host routes.
        case l3 = 1
        /// The same, and the host's netfilter sees them.
        case l3s = 2
    }

    public var kind: Kind
    public var name: String
    /// The index of the parent, in the socket's network namespace.
    public var parent: Int32?
    public var mac: MACAddress?
    /// Bytes; nil: the kernel's.
    public var mtu: UInt32?

    public init(_ kind: Kind, name: String, parent: Int32? = nil, mac: MACAddress? = nil, mtu: UInt32? = nil) {
        self.kind = kind
        self.name = name
        self.parent = parent
        self.mac = mac
        self.mtu = mtu
    }
}

extension VirtualLink.Kind {
    /// Reads what the kernel says of an interface of the kind `name`; nil for others.
    init?(_ name: String, _ data: NetlinkAttributes?) {
        switch name {
        case "dummy": self = .dummy
        case "macvlan":
            let mode = data?[IFLA_MACVLAN_MODE]?.number(UInt32.self).flatMap { VirtualLink.MacvlanMode(rawValue: $0) }
            guard let mode else { return nil }
            self = .macvlan(mode, queue: data?[IFLA_MACVLAN_BC_QUEUE_LEN]?.number(UInt32.self))
        case "ipvlan":
            let mode = data?[IFLA_IPVLAN_MODE]?.number(UInt16.self).flatMap { VirtualLink.IPvlanMode(rawValue: $0) }
            guard let mode else { return nil }
            self = .ipvlan(mode)
        case "vlan":
            guard let id = data?[IFLA_VLAN_ID]?.number(UInt16.self) else { return nil }
            self = .vlan(id)
        case "vrf":
            guard let table = data?[IFLA_VRF_TABLE]?.number(UInt32.self) else { return nil }
            self = .vrf(table)
        case "ifb": self = .ifb
        default: return nil
        }
    }
}
