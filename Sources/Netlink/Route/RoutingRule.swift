import CLinux
import CNetlink

/// Which routing table packets of a sender are routed by.
public struct RoutingRule: Sendable, Hashable {
    /// The sender's network, 4 or 16 bytes in network order; all zero with a length of 0: everybody.
    public var source: [UInt8]
    /// In bits.
    public var prefixLength: Int
    public var table: UInt32

    public init(from source: [UInt8], prefixLength: Int, table: UInt32) {
        self.source = source
        self.prefixLength = prefixLength
        self.table = table
    }

    /// Reads an RTM_NEWRULE message; nil for those that look nothing up in a table.
    init?(_ reply: NetlinkReply) {
        // As fib_rule_hdr, which is rtmsg with other names.
        guard reply.type == UInt16(RTM_NEWRULE), let header = reply.header(fib_rule_hdr.self),
            Int(header.action) == FR_ACT_TO_TBL
        else { return nil }
        let size = Int32(header.family) == AF_INET6 ? 16 : 4
        source = [UInt8](repeating: 0, count: size)
        prefixLength = Int(header.src_len)
        table = UInt32(header.table)
        for attribute in reply.attributes(after: MemoryLayout<fib_rule_hdr>.size) {
            switch attribute.type {
            case FRA_SRC where attribute.payload.count == size: source = attribute.bytes
            case FRA_TABLE: table = attribute.number(UInt32.self) ?? table
            default: break
            }
        }
    }
}

extension NetlinkBatch {
    /// Adds a rule, before those that are there.
    public mutating func addRule(_ rule: RoutingRule) { append(rule, RTM_NEWRULE, [.create, .exclusive], "add") }

    /// Removes a rule; ENOENT when it is gone.
    public mutating func removeRule(_ rule: RoutingRule) { append(rule, RTM_DELRULE, [], "remove") }

    private mutating func append(_ rule: RoutingRule, _ type: Int, _ flags: Flags, _ verb: String) {
        var header = fib_rule_hdr()
        header.family = UInt8(rule.source.count == 16 ? AF_INET6 : AF_INET)
        header.src_len = UInt8(clamping: rule.prefixLength)
        header.table = UInt8(exactly: rule.table) ?? 0
        header.action = UInt8(FR_ACT_TO_TBL)
        append(
            type: UInt16(type), flags: flags, header: header,
            "\(verb) the rule from \(IPText.text(rule.source))/\(rule.prefixLength) to table \(rule.table)"
        ) {
            if rule.prefixLength > 0 { $0.put(FRA_SRC, rule.source) }
            $0.put(FRA_TABLE, rule.table)
        }
    }
}
