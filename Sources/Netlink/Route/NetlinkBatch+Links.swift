import Base
import CLinux
import CNetlink

/// Requests about interfaces.
extension NetlinkBatch {
    /// Makes a bridge and sets it up.
    ///
    /// - Parameters:
    ///   - mac: its own, so that it does not follow its ports.
    ///   - mtu: bytes; nil: the kernel's.
    ///   - filtersVLANs: whether it heeds VLANs.
    public mutating func createBridge(
        _ name: String, mac: MACAddress, mtu: UInt32? = nil, filtersVLANs: Bool = false
    ) {
        var header = ifinfomsg()
        header.ifi_flags = LinkFlag.up
        header.ifi_change = LinkFlag.up
        append(
            type: UInt16(RTM_NEWLINK), flags: [.create, .exclusive], header: header, "create the bridge \(name)"
        ) {
            $0.put(IFLA_IFNAME, name)
            $0.put(IFLA_ADDRESS, mac.bytes)
            if let mtu { $0.put(IFLA_MTU, mtu) }
            $0.nest(IFLA_LINKINFO) {
                $0.put(IFLA_INFO_KIND, "bridge")
                if filtersVLANs { $0.nest(IFLA_INFO_DATA) { $0.put(IFLA_BR_VLAN_FILTERING, UInt8(1)) } }
            }
        }
    }

    /// Makes both ends in one step; the alias follows in a message of its own, which the kernel handles in the same
    /// call.
    ///
    /// - Parameter namespace: the other end's network namespace; valid until the batch is performed.
    public mutating func createVeth(_ pair: VethPair, peerNamespace namespace: borrowing FileDescriptor) {
        let descriptor = namespace.raw
        var header = ifinfomsg()
        header.ifi_flags = LinkFlag.up
        header.ifi_change = LinkFlag.up
        append(
            type: UInt16(RTM_NEWLINK), flags: [.create, .exclusive], header: header,
            "create the veth pair \(pair.name) and \(pair.peerName)"
        ) {
            $0.put(IFLA_IFNAME, pair.name)
            $0.put(IFLA_ADDRESS, pair.mac.bytes)
            if let mtu = pair.mtu { $0.put(IFLA_MTU, mtu) }
            if let master = pair.master { $0.put(IFLA_MASTER, master) }
            $0.nest(IFLA_LINKINFO) {
                $0.put(IFLA_INFO_KIND, "veth")
                $0.nest(IFLA_INFO_DATA) {
                    $0.nest(VETH_INFO_PEER) {
                        $0.putHeader(ifinfomsg())
                        $0.put(IFLA_IFNAME, pair.peerName)
                        $0.put(IFLA_ADDRESS, pair.peerMAC.bytes)
                        if let mtu = pair.mtu { $0.put(IFLA_MTU, mtu) }
                        $0.put(IFLA_NET_NS_FD, descriptor)
                    }
                }
            }
        }
        if let alias = pair.alias { setAlias(.name(pair.name), alias) }
    }

    /// Gives an interface a text of at most 255 bytes.
    public mutating func setAlias(_ link: Link.Reference, _ alias: String) {
        change(link, "give link \(link) an alias") {
            // Without its terminating zero, as the kernel keeps it.
            $0.put(IFLA_IFALIAS, Array(alias.utf8))
        }
    }

    public mutating func setUp(_ link: Link.Reference, _ isUp: Bool = true) {
        change(link, "set link \(link) \(isUp ? "up" : "down")", flags: isUp ? LinkFlag.up : 0, mask: LinkFlag.up)
    }

    /// Moves an interface, which must be down, into another network namespace, where it gets `name` (a pattern as `dev%d`
    /// takes the first that is free) and loses its addresses.
    ///
    /// - Parameter namespace: valid until the batch is performed.
    public mutating func move(
        _ link: Link.Reference, to namespace: borrowing FileDescriptor, as name: String
    ) {
        let descriptor = namespace.raw
        var header = ifinfomsg()
        if case .index(let index) = link { header.ifi_index = index }
        append(
            type: UInt16(RTM_NEWLINK), flags: [], header: header, "move link \(link) into another namespace as \(name)"
        ) {
            $0.put(IFLA_NET_NS_FD, descriptor)
            $0.put(IFLA_IFNAME, name)
        }
    }

    /// Gives an interface, which must be down, another name.
    public mutating func rename(index: Int32, to name: String) {
        change(.index(index), "rename link number \(index) to \(name)") { $0.put(IFLA_IFNAME, name) }
    }

    public mutating func setMAC(_ link: Link.Reference, _ mac: MACAddress) {
        change(link, "give link \(link) the MAC address \(mac)") { $0.put(IFLA_ADDRESS, mac.bytes) }
    }

    public mutating func setPromiscuous(_ link: Link.Reference, _ isOn: Bool = true) {
        change(
            link, "make link \(link) \(isOn ? "" : "not ")promiscuous", flags: isOn ? LinkFlag.promiscuous : 0,
            mask: LinkFlag.promiscuous)
    }

    /// Whether it takes all multicast packets.
    public mutating func setAllMulticast(_ link: Link.Reference, _ isOn: Bool = true) {
        change(
            link, "have link \(link) take \(isOn ? "all" : "its") multicast packets",
            flags: isOn ? LinkFlag.allMulticast : 0, mask: LinkFlag.allMulticast)
    }

    /// - Parameter bytes: the largest packet.
    public mutating func setMTU(_ link: Link.Reference, _ bytes: UInt32) {
        change(link, "give link \(link) the MTU \(bytes)") { $0.put(IFLA_MTU, bytes) }
    }

    /// How many packets may wait to be sent.
    public mutating func setQueueLength(_ link: Link.Reference, _ packets: UInt32) {
        change(link, "give link \(link) a queue of \(packets)") { $0.put(IFLA_TXQLEN, packets) }
    }

    /// Makes an interface a port of the one of index `master`; 0: of none.
    public mutating func setMaster(_ link: Link.Reference, _ master: Int32) {
        change(link, "make link \(link) a port of link number \(master)") { $0.put(IFLA_MASTER, master) }
    }

    /// How the bridge treats its port `link`.
    public mutating func setBridgePort(_ link: Link.Reference, hairpin: Bool, isolated: Bool) {
        change(link, "set the bridge port flags of link \(link)") {
            $0.nest(IFLA_LINKINFO) {
                $0.put(IFLA_INFO_SLAVE_KIND, "bridge")
                $0.nest(IFLA_INFO_SLAVE_DATA) {
                    $0.put(IFLA_BRPORT_MODE, UInt8(hairpin ? 1 : 0))
                    $0.put(IFLA_BRPORT_ISOLATED, UInt8(isolated ? 1 : 0))
                }
            }
        }
    }

    /// Removes an interface, with the other end of a veth. The kernel answers after a grace period of many
    /// milliseconds; see `RouteSocket.removeLink` for the quick way.
    public mutating func deleteLink(_ link: Link.Reference) {
        append(type: UInt16(RTM_DELLINK), flags: [], header: Self.header(link), "delete link \(link)") {
            if case .name(let name) = link { $0.put(IFLA_IFNAME, name) }
        }
    }

    /// Asks for an interface.
    mutating func getLink(_ link: Link.Reference, tolerating tolerated: Errno? = nil) {
        append(
            type: UInt16(RTM_GETLINK), flags: [], tolerating: tolerated, header: Self.header(link), "find link \(link)"
        ) {
            if case .name(let name) = link { $0.put(IFLA_IFNAME, name) }
        }
    }

    private mutating func change(
        _ link: Link.Reference, _ request: String, flags: UInt32 = 0, mask: UInt32 = 0,
        _ body: (inout NetlinkWriter) -> Void = { _ in }
    ) {
        var header = Self.header(link)
        header.ifi_flags = flags
        header.ifi_change = mask
        append(type: UInt16(RTM_NEWLINK), flags: [], header: header, request) {
            if case .name(let name) = link { $0.put(IFLA_IFNAME, name) }
            body(&$0)
        }
    }

    private static func header(_ link: Link.Reference) -> ifinfomsg {
        var header = ifinfomsg()
        if case .index(let index) = link { header.ifi_index = index }
        return header
    }
}
