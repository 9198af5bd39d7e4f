import Base
import CLinux
import CNetlink

/// The tracked connections of the network namespace that the thread had when it was made (ctnetlink).
public struct ConntrackSocket: ~Copyable {
    private var socket: NetlinkSocket

    /// - Throws: `NetlinkError`.
    public init() throws(NetlinkError) {
        socket = try NetlinkSocket(.netfilter)
    }

    /// The connections whose first packet went to `port`, whatever its address. What comes and goes meanwhile may be
    /// in the list or not.
    ///
    /// - Parameter transportProtocol: 17 for UDP.
    /// - Throws: `NetlinkError`; EINVAL or EOPNOTSUPP when the kernel cannot list connections (nf_conntrack_netlink).
    public mutating func entries(
        isIPv6: Bool, transportProtocol: UInt8, to port: UInt16
    ) throws(NetlinkError) -> [ConntrackEntry] {
        var entries: [ConntrackEntry] = []
        // An interrupted list is as good as a list of a moment earlier or later.
        _ = try socket.dump(
            type: Self.type(IPCTNL_MSG_CT_GET), header: Self.header(isIPv6), "list the tracked connections"
        ) {
            // The kernel leaves out the others, of which there may be very many.
            $0.nest(CTA_TUPLE_ORIG) {
                $0.nest(CTA_TUPLE_PROTO) {
                    $0.put(CTA_PROTO_NUM, bytes: [transportProtocol])
                    $0.put(Int(CTA_PROTO_DST_PORT.rawValue), port.bigEndian)
                }
            }
            $0.nest(CTA_FILTER) { $0.put(Int(CTA_FILTER_ORIG_FLAGS.rawValue), Self.protocolAndDestinationPort) }
        } each: {
            guard let entry = Self.entry($0.attributes(after: Self.headerSize), isIPv6),
                entry.transportProtocol == transportProtocol, entry.original.destinationPort == port
            else { return }
            entries.append(entry)
        }
        return entries
    }

    /// Forgets a connection; its next packet is a first one again. Succeeds when it is forgotten already.
    public mutating func delete(_ entry: ConntrackEntry) throws(NetlinkError) {
        var batch = NetlinkBatch(capacity: 1024)
        let port = entry.original.destinationPort
        batch.append(
            type: Self.type(IPCTNL_MSG_CT_DELETE), flags: [], header: Self.header(entry.isIPv6),
            "forget the tracked connection to port \(port)"
        ) {
            $0.nest(CTA_TUPLE_ORIG) { tuple in
                tuple.nest(CTA_TUPLE_IP) {
                    $0.put(entry.isIPv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, bytes: entry.original.source)
                    $0.put(entry.isIPv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, bytes: entry.original.destination)
                }
                tuple.nest(CTA_TUPLE_PROTO) {
                    $0.put(CTA_PROTO_NUM, bytes: [entry.transportProtocol])
                    $0.put(Int(CTA_PROTO_SRC_PORT.rawValue), entry.original.sourcePort.bigEndian)
                    $0.put(Int(CTA_PROTO_DST_PORT.rawValue), entry.original.destinationPort.bigEndian)
                }
            }
            if let identifier = entry.identifier { $0.put(CTA_ID, number: identifier) }
        }
        do {
            try socket.perform(batch)
        } catch {
            if error.errno != .noEntry { throw error }
        }
    }

    /// The bits of CTA_FILTER_ORIG_FLAGS for CTA_PROTO_NUM and CTA_PROTO_DST_PORT (no header has them).
    private static let protocolAndDestinationPort: UInt32 = 1 << 3 | 1 << 5
    private static let headerSize = MemoryLayout<nfgenmsg>.size

    private static func type(_ type: cntl_msg_types) -> UInt16 {
        UInt16(NFNL_SUBSYS_CTNETLINK) << 8 | UInt16(type.rawValue)
    }

    private static func header(_ isIPv6: Bool) -> nfgenmsg {
        nfgenmsg(nfgen_family: UInt8(isIPv6 ? AF_INET6 : AF_INET), version: UInt8(NFNETLINK_V0), res_id: 0)
    }

    private static func entry(_ attributes: NetlinkAttributes, _ isIPv6: Bool) -> ConntrackEntry? {
        guard let original = attributes[CTA_TUPLE_ORIG]?.nested, let reply = attributes[CTA_TUPLE_REPLY]?.nested,
            let number = original[CTA_TUPLE_PROTO]?.nested[CTA_PROTO_NUM]?.number(UInt8.self)
        else { return nil }
        return ConntrackEntry(
            isIPv6: isIPv6, transportProtocol: number, original: tuple(original, isIPv6),
            reply: tuple(reply, isIPv6), identifier: attributes[CTA_ID]?.bigEndian)
    }

    private static func tuple(_ attributes: NetlinkAttributes, _ isIPv6: Bool) -> ConntrackEntry.Tuple {
        var tuple = ConntrackEntry.Tuple()
        if let addresses = attributes[CTA_TUPLE_IP]?.nested {
            tuple.source = addresses[isIPv6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC]?.bytes ?? []
            tuple.destination = addresses[isIPv6 ? CTA_IP_V6_DST : CTA_IP_V4_DST]?.bytes ?? []
        }
        if let ports = attributes[CTA_TUPLE_PROTO]?.nested {
            tuple.sourcePort = ports[CTA_PROTO_SRC_PORT]?.number(UInt16.self).map { UInt16(bigEndian: $0) } ?? 0
            tuple.destinationPort = ports[CTA_PROTO_DST_PORT]?.number(UInt16.self).map { UInt16(bigEndian: $0) } ?? 0
        }
        return tuple
    }
}
