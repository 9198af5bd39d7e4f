import CNetlink

/// A queue of an interface as the kernel describes it.
public struct TrafficQueue: Sendable, Hashable {
    /// `tbf`, `prio`, `ingress`, `noqueue` and so on.
    public var kind: String
    /// The link that it is of.
    public var index: Int32
    /// Of a `tbf`: bytes a second, and the time of a burst in ticks.
    var bucket: Bucket?

    struct Bucket: Sendable, Hashable {
        var rate: UInt64
        var ticks: UInt32
    }

    /// Nil for what is no RTM_NEWQDISC message.
    init?(_ reply: NetlinkReply) {
        guard reply.type == UInt16(RTM_NEWQDISC), let header = reply.header(tcmsg.self) else { return nil }
        let attributes = reply.attributes(after: MemoryLayout<tcmsg>.size)
        kind = attributes[TCA_KIND]?.text ?? ""
        index = header.tcm_ifindex
        guard kind == "tbf", let options = attributes[TCA_OPTIONS]?.nested,
            let parameters = options[TCA_TBF_PARMS]?.payload, parameters.count >= MemoryLayout<tc_tbf_qopt>.size
        else { return }
        let known = parameters.loadUnaligned(as: tc_tbf_qopt.self)
        let rate = options[TCA_TBF_RATE64]?.number(UInt64.self) ?? UInt64(known.rate.rate)
        bucket = Bucket(rate: rate, ticks: known.buffer)
    }

    /// Whether it limits as `shaper` says.
    public func limits(as shaper: TrafficShaper) -> Bool {
        bucket.map { shaper.isLike(rate: $0.rate, ticks: $0.ticks) } ?? false
    }
}

extension RouteSocket {
    /// The queues of the interface of `index`.
    public mutating func queues(of index: Int32) throws(NetlinkError) -> [TrafficQueue] {
        try list("list the queues of link number \(index)", RTM_GETQDISC, NetlinkBatch.traffic(index)) {
            TrafficQueue($0)
        }.filter { $0.index == index }
    }
}
