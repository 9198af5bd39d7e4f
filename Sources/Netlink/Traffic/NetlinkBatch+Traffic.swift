import CNetlink

/// Requests about queues (tc(8)).
extension NetlinkBatch {
    /// Handles of ours: a queue that sorts, its class for what is limited, and the class's own queue.
    enum TrafficHandle {
        static let sorter: UInt32 = 1 << 16
        /// `prio` has classes 1, for what is sent first, and up.
        static let freeClass = sorter | 1
        static let limitedClass = sorter | 2
        static let root: UInt32 = 0xFFFF_FFFF
        static let ingress: UInt32 = 0xFFFF_FFF1
        static let ingressQueue: UInt32 = 0xFFFF_0000
    }

    /// Limits what an interface sends. It must have the kernel's own queue so far.
    public mutating func shape(index: Int32, _ shaper: TrafficShaper) {
        guard let networks = shaper.scope.networks else {
            return addBucket(shaper, to: index, parent: TrafficHandle.root)
        }
        // Two queues, of which one is limited; a map says which one takes what no filter sorts.
        var options = tc_prio_qopt()
        options.bands = 2
        let (others, named): (UInt8, UInt32) =
            if case .only = shaper.scope { (0, TrafficHandle.limitedClass) } else { (1, TrafficHandle.freeClass) }
        withUnsafeMutableBytes(of: &options.priomap) { map in
            for index in map.indices { map[index] = others }
        }
        addQueue("prio", to: index, handle: TrafficHandle.sorter, parent: TrafficHandle.root) {
            $0.put(TCA_OPTIONS, fixed: options)
        }
        addBucket(shaper, to: index, parent: TrafficHandle.limitedClass)
        for network in networks {
            addFilter(
                to: index, parent: TrafficHandle.sorter, family: network.address.count == 16 ? .ipv6 : .ipv4,
                Self.matches(network, shaper.side)
            ) { $0.put(TCA_U32_CLASSID, named) }
        }
    }

    /// Leads what an interface receives to the `ifb` of index `target`, whose queue it passes then.
    public mutating func redirectReceived(by index: Int32, to target: Int32) {
        addQueue("ingress", to: index, handle: TrafficHandle.ingressQueue, parent: TrafficHandle.ingress)
        var options = tc_mirred()
        options.action = TC_ACT_STOLEN
        options.eaction = TCA_EGRESS_REDIR
        options.ifindex = UInt32(bitPattern: target)
        // One comparison that is always true.
        let everything = [UInt8](repeating: 0, count: 16)
        addFilter(to: index, parent: TrafficHandle.ingressQueue, family: .any, everything) {
            $0.nest(TCA_U32_ACT) {
                $0.nest(1) { action in
                    action.put(Int(TCA_ACT_KIND), "mirred")
                    action.nest(Int(TCA_ACT_OPTIONS)) { $0.put(Int(TCA_MIRRED_PARMS), fixed: options) }
                }
            }
        }
    }

    /// Gives an interface the kernel's own queue again; what `redirectReceived` has made goes too. ENOENT where there is
    /// nothing else.
    public mutating func removeShaper(index: Int32, received: Bool) {
        let parent = received ? TrafficHandle.ingress : TrafficHandle.root
        append(
            type: UInt16(RTM_DELQDISC), flags: [], header: Self.traffic(index, parent: parent),
            "remove the queue of link number \(index)")
    }

    // MARK: parts

    /// The packets that a filter looks at, as `ETH_P_*`.
    private enum FilterFamily: UInt16 {
        case any = 0x0003
        case ipv4 = 0x0800
        case ipv6 = 0x86DD

        /// Filters of one priority are of one family.
        var priority: UInt32 { self == .ipv6 ? 2 : 1 }
    }

    private mutating func addBucket(_ shaper: TrafficShaper, to index: Int32, parent: UInt32) {
        var options = tc_tbf_qopt()
        options.rate.rate = UInt32(clamping: shaper.rate)
        options.rate.linklayer = UInt8(TC_LINKLAYER_ETHERNET.rawValue)
        options.limit = shaper.limit
        options.buffer = shaper.ticks
        addQueue("tbf", to: index, handle: 0, parent: parent) {
            $0.nest(TCA_OPTIONS) {
                $0.put(TCA_TBF_PARMS, fixed: options)
                if shaper.rate > UInt64(UInt32.max) { $0.put(TCA_TBF_RATE64, shaper.rate) }
                $0.put(TCA_TBF_BURST, shaper.burst)
            }
        }
    }

    private mutating func addQueue(
        _ kind: String, to index: Int32, handle: UInt32, parent: UInt32,
        _ options: (inout NetlinkWriter) -> Void = { _ in }
    ) {
        append(
            type: UInt16(RTM_NEWQDISC), flags: [.create, .exclusive],
            header: Self.traffic(index, handle: handle, parent: parent),
            "give link number \(index) the queue \(kind)"
        ) {
            $0.put(TCA_KIND, kind)
            options(&$0)
        }
    }

    /// - Parameter keys: `tc_u32_key`, 16 bytes each.
    private mutating func addFilter(
        to index: Int32, parent: UInt32, family: FilterFamily, _ keys: [UInt8],
        _ effect: (inout NetlinkWriter) -> Void
    ) {
        let info = family.priority << 16 | UInt32(family.rawValue.bigEndian)
        // tc_u32_sel: flags, a shift, the number of keys, and offsets of which none is used.
        var selector = [UInt8](repeating: 0, count: 16)
        selector[0] = UInt8(TC_U32_TERMINAL)
        selector[2] = UInt8(keys.count / 16)
        append(
            type: UInt16(RTM_NEWTFILTER), flags: [.create, .exclusive],
            header: Self.traffic(index, parent: parent, info: info), "give link number \(index) a filter"
        ) {
            $0.put(TCA_KIND, "u32")
            $0.nest(TCA_OPTIONS) {
                effect(&$0)
                $0.put(TCA_U32_SEL, selector + keys)
            }
        }
    }

    /// `tc_u32_key`s that take packets with an address of the network.
    private static func matches(_ network: TrafficShaper.Network, _ side: TrafficShaper.Side) -> [UInt8] {
        let size = network.address.count
        // Where the source stands in the header; the destination follows it.
        let start = (size == 16 ? 8 : 12) + (side == .destination ? size : 0)
        var keys: [UInt8] = []
        for word in 0..<max(1, (network.prefixLength + 31) / 32) {
            let bits = min(32, max(0, network.prefixLength - word * 32))
            let mask = bits == 0 ? 0 : UInt32.max << UInt32(32 - bits)
            let bytes = network.address[(word * 4)..<(word * 4 + 4)]
            let value = bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } & mask
            withUnsafeBytes(of: (mask.bigEndian, value.bigEndian, Int32(start + word * 4), Int32(0))) {
                keys.append(contentsOf: $0)
            }
        }
        return keys
    }

    static func traffic(_ index: Int32, handle: UInt32 = 0, parent: UInt32 = 0, info: UInt32 = 0) -> tcmsg {
        tcmsg(
            tcm_family: 0, tcm__pad1: 0, tcm__pad2: 0, tcm_ifindex: index, tcm_handle: handle, tcm_parent: parent,
            tcm_info: info)
    }
}

extension NetlinkWriter {
    /// A fixed structure as an attribute.
    fileprivate mutating func put<Value: BitwiseCopyable>(_ type: Int, fixed value: Value) {
        withUnsafeBytes(of: value) { put(type, $0) }
    }
}
