import Base
import CLinux
import CNetlink

/// Rules of ours in other programs' chains, which stand before theirs and are known by their comments.
extension ForwardPolicy {
    /// What an interface of ours may, beside what its obstacles let pass.
    public enum Access: Sendable, Hashable {
        /// All that comes from it and goes to it.
        case everything
        /// All that comes from it, the answers, and what was led to it from a port of the host.
        case outgoing
    }

    /// How often others may change the ruleset between our reading and writing before we give up.
    private static let attempts = 50

    /// Puts rules before the others of the obstacle's chain that accept what is forwarded from and to its interface;
    /// once.
    ///
    /// - Parameter tag: whose the rules are, in their comments: `removeRules` finds them by it.
    /// - Throws: `NetlinkError`; EINVAL for an obstacle that cannot be read.
    public static func allow(
        _ obstacle: ForwardObstacle, _ socket: inout NftablesSocket, tag: String, _ access: Access = .everything
    ) throws(NetlinkError) {
        let request = "accept packets of \(obstacle.interface) in table \(obstacle.table)"
        guard obstacle.reason != .unreadable else {
            throw NetlinkError(request, .invalid, explanation: "the table is one of iptables-legacy")
        }
        for _ in 0..<attempts {
            let generation = try socket.generation()
            let missing = try missing(obstacle, &socket, tag, access)
            if missing.isEmpty { return }
            var transaction = NftablesTransaction(generation: generation)
            for rule in missing { transaction.add(rule, first: true) }
            do {
                return try socket.commit(transaction)
            } catch {
                if error.errno.rawValue != ERESTART { throw error }
            }
        }
        throw NetlinkError(request, .again, explanation: "other programs change the ruleset all the time")
    }

    /// Whether `allow` has nothing to do.
    public static func isAllowed(
        _ obstacle: ForwardObstacle, _ socket: inout NftablesSocket, tag: String, _ access: Access
    ) throws(NetlinkError) -> Bool { try missing(obstacle, &socket, tag, access).isEmpty }

    private static func missing(
        _ obstacle: ForwardObstacle, _ socket: inout NftablesSocket, _ tag: String, _ access: Access
    ) throws(NetlinkError) -> [NftablesRule] {
        let present = try socket.rules(of: obstacle.table)
        return rules(obstacle, tag, access).filter { rule in
            !present.contains { $0.chain == rule.chain && $0.comment == rule.comment }
        }
    }

    /// Removes the rules that `allow` has put anywhere with this tag.
    ///
    /// - Parameters:
    ///   - interface: only those for it; nil: for any.
    ///   - generation: of the ruleset in which they are known to be of no use any more; nil: in any.
    /// - Throws: `NetlinkError`; ERESTART when the generation is another.
    public static func removeRules(
        _ socket: inout NftablesSocket, tag: String, interface: String? = nil, generation: UInt32? = nil
    ) throws(NetlinkError) {
        var tables: [NftablesTable] = []
        for chain in try socket.chains() where forwardBase(chain) != nil && !tables.contains(chain.table) {
            tables.append(chain.table)
        }
        let ending = interface.map { " \($0)" } ?? ""
        for table in tables {
            let own = try socket.rules(of: table).filter {
                $0.comment.hasPrefix("\(tag): forward") && $0.comment.hasSuffix(ending)
            }
            // Each by itself: its owner may have flushed some meanwhile. A transaction with a generation cannot be split.
            for part in generation == nil ? own.map({ [$0] }) : [own] {
                var transaction = NftablesTransaction(generation: generation)
                for rule in part { transaction.delete(rule) }
                do {
                    try socket.commit(transaction)
                } catch {
                    if generation != nil || error.errno != .noEntry { throw error }
                }
            }
        }
    }

    // MARK: the rules

    private static func rules(_ obstacle: ForwardObstacle, _ tag: String, _ access: Access) -> [NftablesRule] {
        func rule(_ purpose: String, _ key: NftablesExpression.Meta, _ more: [NftablesExpression] = []) -> NftablesRule
        {
            // As iptables writes it, so that it can read its chain: the name with its terminating zero, and a counter.
            let name = Array(obstacle.interface.utf8) + [0]
            return NftablesRule(
                table: obstacle.table, chain: obstacle.allowingChain,
                expressions: [.meta(key, into: .first), .compare(.first, .equal, value: name)] + more
                    + [.counter, .verdict(.accept)],
                comment: "\(tag): forward \(purpose) \(obstacle.interface)")
        }
        let from = rule("from", .inputInterfaceName)
        switch access {
        case .everything: return [rule("to", .outputInterfaceName), from]
        case .outgoing where isXtables(obstacle.table):
            return [rule("answers to", .outputInterfaceName, [answers]), from]
        case .outgoing:
            return [
                rule("answers to", .outputInterfaceName, anyBit(.connectionState(into: .first), 0x6)),
                // IPS_DST_NAT
                rule("hostports to", .outputInterfaceName, anyBit(.connectionStatus(into: .first), 0x20)), from,
            ]
        }
    }

    /// One that iptables reads, which refuses a whole table for an expression that it does not know.
    private static func isXtables(_ table: NftablesTable) -> Bool { table.family != .inet && table.name == "filter" }

    private static func anyBit(_ load: NftablesExpression, _ bits: UInt32) -> [NftablesExpression] {
        [
            load, .mask(.first, mask: withUnsafeBytes(of: bits) { Array($0) }),
            .compare(.first, .notEqual, value: [0, 0, 0, 0]),
        ]
    }

    /// `-m conntrack --ctstate ESTABLISHED,RELATED,DNAT`
    private static let answers: NftablesExpression = {
        var match = xt_conntrack_mtinfo3()
        match.match_flags = UInt16(XT_CONNTRACK_STATE)
        match.state_mask = 1 << 1 | 1 << 2 | 1 << 7
        let bytes = withUnsafeBytes(of: match) { Array($0) }
        // XT_ALIGN
        return .match("conntrack", revision: 3, bytes: bytes + [UInt8](repeating: 0, count: -bytes.count & 7))
    }()
}
