import CNetlink

/// The VLANs (IEEE 802.1Q) of a port of a bridge that filters them.
public struct BridgeVLANs: Sendable, Hashable, CustomStringConvertible {
    /// Whose frames the port sends without a tag, and which its frames without a tag belong to.
    public var untagged: UInt16?
    /// Others, 1 to 4094, in order.
    public var tagged: [UInt16]

    public init(untagged: UInt16? = nil, tagged: [UInt16] = []) {
        self.untagged = untagged
        self.tagged = tagged
    }

    /// `100 untagged, 200, 300`
    public var description: String {
        let names = (untagged.map { ["\($0) untagged"] } ?? []) + tagged.map { "\($0)" }
        return names.isEmpty ? "none" : names.joined(separator: ", ")
    }

    /// Reads what a bridge says of a port (`IFLA_AF_SPEC`).
    init(_ attributes: NetlinkAttributes) {
        self.init()
        for attribute in attributes where attribute.type == IFLA_BRIDGE_VLAN_INFO {
            // bridge_vlan_info
            guard let flags = attribute.number(UInt16.self), attribute.payload.count >= 4 else { continue }
            let number = attribute.payload.loadUnaligned(fromByteOffset: 2, as: UInt16.self)
            if flags & UInt16(BRIDGE_VLAN_INFO_PVID) != 0 { untagged = number } else { tagged.append(number) }
        }
        tagged.sort()
    }
}

extension NetlinkBatch {
    /// Adds VLANs to a port; those that it has stay.
    public mutating func addVLANs(_ vlans: BridgeVLANs, to link: Link) {
        let flags = UInt16(BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED)
        change(RTM_SETLINK, vlans.untagged.map { [($0, flags)] } ?? [], of: link, "add")
        change(RTM_SETLINK, vlans.tagged.map { ($0, 0) }, of: link, "add")
    }

    /// Takes VLANs away from a port.
    public mutating func removeVLANs(_ vlans: [UInt16], from link: Link) {
        change(RTM_DELLINK, vlans.map { ($0, 0) }, of: link, "remove")
    }

    /// Has a bridge itself take part in a VLAN, with a tag.
    public mutating func addVLAN(_ vlan: UInt16, toBridge link: Link) {
        change(RTM_SETLINK, [(vlan, 0)], of: link, "add", place: UInt16(BRIDGE_FLAGS_SELF))
    }

    /// Has a bridge heed VLANs.
    public mutating func setVLANFiltering(_ bridge: Link) {
        var header = ifinfomsg()
        header.ifi_index = bridge.index
        append(type: UInt16(RTM_NEWLINK), flags: [], header: header, "have bridge \(bridge.name) filter VLANs") {
            $0.nest(IFLA_LINKINFO) {
                $0.put(IFLA_INFO_KIND, "bridge")
                $0.nest(IFLA_INFO_DATA) { $0.put(IFLA_BR_VLAN_FILTERING, UInt8(1)) }
            }
        }
    }

    private mutating func change(
        _ type: Int, _ vlans: [(number: UInt16, flags: UInt16)], of link: Link, _ verb: String,
        place: UInt16 = UInt16(BRIDGE_FLAGS_MASTER)
    ) {
        // So many that a message is not too long.
        for start in stride(from: 0, to: vlans.count, by: 500) {
            let part = vlans[start..<min(vlans.count, start + 500)]
            var header = ifinfomsg()
            header.ifi_family = UInt8(PF_BRIDGE)
            header.ifi_index = link.index
            append(type: UInt16(type), flags: [], header: header, "\(verb) VLANs of bridge port \(link.name)") {
                $0.nest(IFLA_AF_SPEC) { list in
                    list.put(IFLA_BRIDGE_FLAGS, place)
                    for vlan in part {
                        // bridge_vlan_info
                        withUnsafeBytes(of: (vlan.flags, vlan.number)) { list.put(IFLA_BRIDGE_VLAN_INFO, $0) }
                    }
                }
            }
        }
    }
}

extension RouteSocket {
    /// The VLANs of each port, by its index, of the bridges that filter them.
    public mutating func vlans() throws(NetlinkError) -> [Int32: BridgeVLANs] {
        var header = ifinfomsg()
        header.ifi_family = UInt8(PF_BRIDGE)
        let list = try list(
            "list the VLANs of bridge ports", RTM_GETLINK, header,
            { $0.put(IFLA_EXT_MASK, UInt32(RTEXT_FILTER_BRVLAN)) }
        ) { reply -> (Int32, BridgeVLANs)? in
            guard let header = reply.header(ifinfomsg.self) else { return nil }
            let attributes = reply.attributes(after: MemoryLayout<ifinfomsg>.size)
            return attributes[IFLA_AF_SPEC].map { (header.ifi_index, BridgeVLANs($0.nested)) }
        }
        return Dictionary(list) { first, _ in first }
    }
}
