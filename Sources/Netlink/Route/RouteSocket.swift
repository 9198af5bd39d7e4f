import Base
import CLinux
import CNetlink

/// The interfaces, addresses and routes of the network namespace that its thread had when it was made. What changes
/// them is put into a `NetlinkBatch` and performed.
public struct RouteSocket: ~Copyable {
    private var socket: NetlinkSocket

    /// - Throws: `NetlinkError`.
    public init() throws(NetlinkError) { socket = try NetlinkSocket(.route) }

    /// See `NetlinkSocket.perform`. Messages are independent of each other: those behind a failed one are tried too.
    public mutating func perform(_ batch: borrowing NetlinkBatch) throws(NetlinkError) { try socket.perform(batch) }

    /// Builds a batch and performs it.
    public mutating func perform(_ build: (inout NetlinkBatch) -> Void) throws(NetlinkError) {
        var batch = NetlinkBatch()
        build(&batch)
        try socket.perform(batch)
    }

    /// Nil when there is no such interface.
    public mutating func link(_ reference: Link.Reference) throws(NetlinkError) -> Link? {
        try links([reference]).first
    }

    /// Nil when there is no interface of this name.
    public mutating func link(named name: String) throws(NetlinkError) -> Link? { try link(.name(name)) }

    /// Those of `references` that are there, in one call.
    public mutating func links(_ references: [Link.Reference]) throws(NetlinkError) -> [Link] {
        var found: [Link] = []
        var batch = NetlinkBatch()
        for reference in references { batch.getLink(reference, tolerating: Errno(rawValue: ENODEV)) }
        try socket.perform(batch) { reply in
            if let link = Link(reply) { found.append(link) }
        }
        return found
    }

    /// All interfaces.
    public mutating func links() throws(NetlinkError) -> [Link] {
        try list("list the links", RTM_GETLINK, ifinfomsg()) { Link($0) }
    }

    /// The addresses of the interface of `index`.
    public mutating func addresses(of index: Int32) throws(NetlinkError) -> [InterfaceAddress] {
        var header = ifaddrmsg()
        // The kernel lists only this one's.
        header.ifa_index = UInt32(bitPattern: index)
        return try list("list the addresses of link number \(index)", RTM_GETADDR, header) { reply in
            guard reply.header(ifaddrmsg.self)?.ifa_index == UInt32(bitPattern: index) else { return nil }
            return InterfaceAddress(reply)
        }
    }

    /// The rules that choose a routing table.
    public mutating func rules(ipv6: Bool) throws(NetlinkError) -> [RoutingRule] {
        var header = fib_rule_hdr()
        header.family = UInt8(ipv6 ? AF_INET6 : AF_INET)
        return try list("list the routing rules", RTM_GETRULE, header) { RoutingRule($0) }
    }

    /// The routes of a table, nil for all, to networks, those to single addresses of this machine left out.
    public mutating func routes(ipv6: Bool, table: UInt32? = Route.mainTable) throws(NetlinkError) -> [Route] {
        var header = rtmsg()
        header.rtm_family = UInt8(ipv6 ? AF_INET6 : AF_INET)
        return try list("list the routes", RTM_GETROUTE, header) { reply in
            guard let route = Route(reply), table == nil || route.table == table else { return nil }
            return route
        }
    }

    /// The IPv6 addresses to which there is a local route.
    mutating func localAddresses() throws(NetlinkError) -> Set<[UInt8]> {
        var header = rtmsg()
        header.rtm_family = UInt8(AF_INET6)
        return Set(
            try list("list the local routes", RTM_GETROUTE, header) { reply in
                guard let header = reply.header(rtmsg.self), Int(header.rtm_type) == RTN_LOCAL else { return nil }
                return reply.attributes(after: MemoryLayout<rtmsg>.size)[Int(RTA_DST.rawValue)]?.bytes
            })
    }

    /// A dump, asked for again while what it lists changes.
    mutating func list<Header: BitwiseCopyable, Element>(
        _ request: String, _ type: Int, _ header: Header, _ body: (inout NetlinkWriter) -> Void = { _ in },
        _ read: (NetlinkReply) -> Element?
    ) throws(NetlinkError) -> [Element] {
        for _ in 0..<100 {
            var elements: [Element] = []
            let isComplete = try socket.dump(type: UInt16(type), header: header, request, body) { reply in
                if let element = read(reply) { elements.append(element) }
            }
            if isComplete { return elements }
        }
        throw NetlinkError(request, .again, explanation: "the list changed during each of 100 attempts")
    }
}
