import Base
import CLinux
import CNetlink

/// Requests about addresses and routes.
extension NetlinkBatch {
    /// Gives the interface of `index` an address.
    ///
    /// - Parameters:
    ///   - detectsDuplicates: whether an IPv6 address is first asked for on the link, a second or so.
    ///   - mayExist: whether it may have it already; else EEXIST.
    ///   - hasRoute: whether the kernel makes a route to its network; needs Linux 3.14.
    public mutating func addAddress(
        _ address: InterfaceAddress, to index: Int32, detectsDuplicates: Bool = false, mayExist: Bool = false,
        hasRoute: Bool = true
    ) {
        appendAddress(
            RTM_NEWADDR, [.create, .exclusive], address, index, "give link number \(index) the address",
            tolerating: mayExist ? .exists : nil
        ) {
            var flags = hasRoute ? 0 : UInt32(IFA_F_NOPREFIXROUTE)
            if address.address.count == 16, !detectsDuplicates { flags |= UInt32(IFA_F_NODAD) }
            if flags != 0 { $0.put(IFA_FLAGS, flags) }
            // As `ip address add` with a broadcast address: the kernel sets none by itself.
            if address.address.count == 4, address.prefixLength < 31 {
                var broadcast = address.address
                for bit in address.prefixLength..<32 { broadcast[bit / 8] |= 0x80 >> (bit % 8) }
                $0.put(IFA_BROADCAST, broadcast)
            }
        }
    }

    /// Takes an address from the interface of `index`; EADDRNOTAVAIL when it lacks it.
    public mutating func removeAddress(_ address: InterfaceAddress, from index: Int32) {
        appendAddress(RTM_DELADDR, [], address, index, "take from link number \(index) the address") { _ in }
    }

    private mutating func appendAddress(
        _ type: Int, _ flags: Flags, _ address: InterfaceAddress, _ index: Int32, _ request: String,
        tolerating tolerated: Errno? = nil, _ body: (inout NetlinkWriter) -> Void
    ) {
        var header = ifaddrmsg()
        header.ifa_family = UInt8(address.address.count == 16 ? AF_INET6 : AF_INET)
        header.ifa_prefixlen = UInt8(clamping: address.prefixLength)
        header.ifa_index = UInt32(bitPattern: index)
        append(
            type: UInt16(type), flags: flags, tolerating: tolerated, header: header,
            "\(request) \(IPText.text(address.address))/\(address.prefixLength)"
        ) {
            $0.put(IFA_LOCAL, address.address)
            $0.put(IFA_ADDRESS, address.address)
            body(&$0)
        }
    }

    /// Adds a route.
    ///
    /// - Parameter mayExist: whether one to the same network with the same metric is left as it is; else EEXIST.
    public mutating func addRoute(_ route: Route, mayExist: Bool = false) {
        appendRoute(RTM_NEWROUTE, [.create, .exclusive], route, "add", tolerating: mayExist ? .exists : nil)
    }

    /// Removes a route; one that is gone already is none to remove.
    public mutating func removeRoute(_ route: Route) {
        appendRoute(RTM_DELROUTE, [], route, "remove", tolerating: .noProcess)
    }

    private mutating func appendRoute(
        _ type: Int, _ flags: Flags, _ route: Route, _ verb: String, tolerating tolerated: Errno?
    ) {
        var header = rtmsg()
        header.rtm_family = UInt8(route.destination.count == 16 ? AF_INET6 : AF_INET)
        header.rtm_dst_len = UInt8(clamping: route.prefixLength)
        // A larger one is in the attribute alone.
        header.rtm_table = UInt8(exactly: route.table) ?? 0
        // What the kernel has made is removed, too.
        header.rtm_protocol = type == RTM_DELROUTE ? 0 : UInt8(RTPROT_BOOT)
        header.rtm_type = UInt8(RTN_UNICAST)
        header.rtm_scope = route.scope ?? (route.gateway == nil ? 253 : 0)
        append(
            type: UInt16(type), flags: flags, tolerating: tolerated, header: header,
            "\(verb) the route to \(IPText.text(route.destination))/\(route.prefixLength)"
        ) {
            if route.prefixLength > 0 { $0.put(Int(RTA_DST.rawValue), route.destination) }
            if let gateway = route.gateway { $0.put(Int(RTA_GATEWAY.rawValue), gateway) }
            if let interface = route.interface { $0.put(Int(RTA_OIF.rawValue), interface) }
            if let source = route.source { $0.put(Int(RTA_PREFSRC.rawValue), source) }
            if route.priority != 0 { $0.put(Int(RTA_PRIORITY.rawValue), route.priority) }
            $0.put(Int(RTA_TABLE.rawValue), route.table)
            guard route.mtu != 0 || route.advertisedMSS != 0 else { return }
            $0.nest(Int(RTA_METRICS.rawValue)) {
                if route.mtu != 0 { $0.put(RTAX_MTU, route.mtu) }
                if route.advertisedMSS != 0 { $0.put(RTAX_ADVMSS, route.advertisedMSS) }
            }
        }
    }
}

/// IP addresses in messages.
enum IPText {
    static func text(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 16 ? AF_INET6 : AF_INET
        guard [4, 16].contains(bytes.count), inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            return "\(bytes)"
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
