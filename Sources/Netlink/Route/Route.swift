import CLinux
import CNetlink

/// A route of one path.
public struct Route: Sendable, Hashable {
    /// The network's 4 or 16 bytes in network order.
    public var destination: [UInt8]
    /// In bits; 0 for the default route.
    public var prefixLength: Int
    public var gateway: [UInt8]?
    /// The index of the interface it leaves by; nil where there is none, or more than one.
    public var interface: Int32?
    /// 254 is the main one.
    public var table = Route.mainTable
    /// The metric; lower is preferred. 0: the kernel's default.
    public var priority: UInt32 = 0
    /// The address of this machine that packets by it have when their sender chose none.
    public var source: [UInt8]?
    /// RT_SCOPE_*: 0 universe, 253 link, 254 host. Nil: link without gateway, else universe.
    public var scope: UInt8?
    /// Bytes; 0: that of the interface.
    public var mtu: UInt32 = 0
    /// The largest TCP segment told to the other side, bytes; 0: by the MTU.
    public var advertisedMSS: UInt32 = 0
    /// Whether the kernel has made it for an address of the interface.
    public var isConnected = false

    public static let mainTable: UInt32 = 254

    public init(_ destination: [UInt8], prefixLength: Int, gateway: [UInt8]? = nil, interface: Int32? = nil) {
        self.destination = destination
        self.prefixLength = prefixLength
        self.gateway = gateway
        self.interface = interface
    }

    /// Reads an RTM_NEWROUTE message; nil unless it is one to a network of IPv4 or IPv6 (unicast).
    init?(_ reply: NetlinkReply) {
        guard reply.type == UInt16(RTM_NEWROUTE), let header = reply.header(rtmsg.self),
            Int(header.rtm_type) == RTN_UNICAST
        else { return nil }
        let size: Int
        switch Int32(header.rtm_family) {
        case AF_INET: size = 4
        case AF_INET6: size = 16
        default: return nil
        }
        destination = [UInt8](repeating: 0, count: size)
        prefixLength = Int(header.rtm_dst_len)
        table = UInt32(header.rtm_table)
        scope = header.rtm_scope
        isConnected = Int32(header.rtm_protocol) == RTPROT_KERNEL
        for attribute in reply.attributes(after: MemoryLayout<rtmsg>.size) {
            switch UInt32(attribute.type) {
            case RTA_DST.rawValue where attribute.payload.count == size: destination = attribute.bytes
            case RTA_GATEWAY.rawValue where attribute.payload.count == size: gateway = attribute.bytes
            case RTA_PREFSRC.rawValue where attribute.payload.count == size: source = attribute.bytes
            case RTA_OIF.rawValue: interface = attribute.number(Int32.self)
            case RTA_TABLE.rawValue: table = attribute.number(UInt32.self) ?? table
            case RTA_PRIORITY.rawValue: priority = attribute.number(UInt32.self) ?? 0
            case RTA_METRICS.rawValue:
                mtu = attribute.nested[RTAX_MTU]?.number(UInt32.self) ?? 0
                advertisedMSS = attribute.nested[RTAX_ADVMSS]?.number(UInt32.self) ?? 0
            default: break
            }
        }
    }
}
