import CLinux
import CNetlink

/// A network interface as the kernel describes it.
public struct Link: Sendable, Hashable {
    /// What a request names an interface by.
    public enum Reference: Sendable, Hashable, CustomStringConvertible {
        case index(Int32)
        case name(String)

        public var description: String {
            switch self {
            case .index(let index): "number \(index)"
            case .name(let name): name
            }
        }
    }

    /// Unique in its network namespace, as is the name.
    public var index: Int32
    public var name: String
    /// Free text that an administrator or a program has given it (`ip link set … alias`).
    public var alias: String?
    /// `bridge`, `veth` and so on; nil for hardware.
    public var kind: String?
    public var mac: MACAddress?
    /// Bytes.
    public var mtu: UInt32 = 0
    /// Set up by an administrator (IFF_UP).
    public var isUp = false
    /// Packets given to it are sent: the kernel has put the queue that drops all away, as it does some time after the
    /// carrier came.
    public var isSending = false
    public var isPromiscuous = false
    /// Takes all multicast packets.
    public var isAllMulticast = false
    /// How many packets may wait to be sent.
    public var queueLength: UInt32 = 0
    /// The index of the bridge, bond or VRF that it is a port of.
    public var master: Int32?
    /// The index, in its own namespace, of the other end of a veth pair.
    public var peer: Int32?
    /// As a port of a bridge.
    public var port: BridgePort?
    /// As a bridge that filters VLANs: the one that new ports are of, 0 for none. Nil for one that does not.
    public var filteredVLAN: UInt16?
    /// What it was made as, for those of `VirtualLink`.
    public var virtual: VirtualLink.Kind?

    /// How a bridge treats a port.
    public struct BridgePort: Sendable, Hashable {
        /// Frames go back out of the port that they came in by.
        public var hairpin: Bool
        /// No frames to other isolated ports.
        public var isolated: Bool
        /// What the bridge does with its frames.
        public var state: State

        /// Of the spanning tree; without one a port is disabled or forwarding.
        public enum State: UInt8, Sendable {
            /// Also before the bridge has noticed the port's carrier.
            case disabled = 0
            case listening, learning, forwarding, blocking
        }
    }

    /// Reads an RTM_NEWLINK message; nil when it is none.
    init?(_ reply: NetlinkReply) {
        guard reply.type == UInt16(RTM_NEWLINK), let header = reply.header(ifinfomsg.self) else { return nil }
        index = header.ifi_index
        name = ""
        isUp = header.ifi_flags & LinkFlag.up != 0
        isPromiscuous = header.ifi_flags & LinkFlag.promiscuous != 0
        isAllMulticast = header.ifi_flags & LinkFlag.allMulticast != 0
        for attribute in reply.attributes(after: MemoryLayout<ifinfomsg>.size) {
            switch attribute.type {
            case IFLA_IFNAME: name = attribute.text
            case IFLA_IFALIAS: alias = attribute.text
            case IFLA_ADDRESS: mac = MACAddress(attribute.bytes)
            case IFLA_MTU: mtu = attribute.number(UInt32.self) ?? 0
            case IFLA_TXQLEN: queueLength = attribute.number(UInt32.self) ?? 0
            case IFLA_QDISC: isSending = attribute.text != "noop"
            case IFLA_MASTER: master = attribute.number(Int32.self)
            case IFLA_LINK: peer = attribute.number(Int32.self)
            case IFLA_LINKINFO: readInfo(attribute.nested)
            default: break
            }
        }
    }

    private mutating func readInfo(_ attributes: NetlinkAttributes) {
        kind = attributes[IFLA_INFO_KIND]?.text
        if kind == "bridge", let data = attributes[IFLA_INFO_DATA]?.nested,
            data[IFLA_BR_VLAN_FILTERING]?.number(UInt8.self) == 1
        {
            filteredVLAN = data[IFLA_BR_VLAN_DEFAULT_PVID]?.number(UInt16.self) ?? 0
        }
        virtual = kind.flatMap { VirtualLink.Kind($0, attributes[IFLA_INFO_DATA]?.nested) }
        guard attributes[IFLA_INFO_SLAVE_KIND]?.text == "bridge", let data = attributes[IFLA_INFO_SLAVE_DATA] else {
            return
        }
        func isOn(_ type: Int) -> Bool { data.nested[type]?.number(UInt8.self) == 1 }
        port = BridgePort(
            hairpin: isOn(IFLA_BRPORT_MODE), isolated: isOn(IFLA_BRPORT_ISOLATED),
            state: data.nested[IFLA_BRPORT_STATE]?.number(UInt8.self).flatMap { .init(rawValue: $0) } ?? .disabled)
    }
}

/// Bits of `ifi_flags` (netdevice(7)).
enum LinkFlag {
    static let up: UInt32 = 0x1
    static let promiscuous: UInt32 = 0x100
    static let allMulticast: UInt32 = 0x200
}
