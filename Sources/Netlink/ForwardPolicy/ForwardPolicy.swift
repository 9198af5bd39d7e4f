import Base

/// Whether other programs' rules let packets pass that are forwarded from and to an interface of ours, and, where one
/// asks for it, rules that make them.
///
/// A packet must be accepted in every table: accepting it in ours helps against none of theirs.
public enum ForwardPolicy {
    private static let families: [NftablesFamily] = [.ipv4, .ipv6, .inet]

    /// The chains that may drop such packets. Only what is certain counts as accepting: a rule that takes every packet
    /// from, and one that takes every packet to the interface, by its name.
    ///
    /// - Parameters:
    ///   - interface: `cni0`.
    ///   - own: tables not to look at.
    ///   - includesIPv6: whether IPv6 is forwarded.
    ///   - legacy: the tables of iptables-legacy, as `legacyTables` reads them.
    public static func obstacles(
        _ socket: inout NftablesSocket, interface: String, own: [NftablesTable], includesIPv6: Bool = true,
        legacy: [NftablesTable] = []
    ) throws(NetlinkError) -> [ForwardObstacle] {
        let chains = try socket.chains()
        var found: [ForwardObstacle] = []
        var walks: [NftablesTable: ForwardWalk] = [:]
        for chain in chains {
            guard let base = forwardBase(chain), !own.contains(chain.table),
                includesIPv6 || chain.table.family != .ipv6
            else { continue }
            let walk =
                if let known = walks[chain.table] { known } else {
                    ForwardWalk(try socket.rules(of: chain.table), interface: interface)
                }
            walks[chain.table] = walk
            guard let reason = reason(chain.name, base, walk) else { continue }
            found.append(
                ForwardObstacle(
                    table: chain.table, chain: chain.name, program: program(chain.table, chains), reason: reason,
                    interface: interface))
        }
        for table in legacy where includesIPv6 || table.family != .ipv6 {
            // The same table by iptables-nft has been read above.
            guard !chains.contains(where: { $0.table == table }) else { continue }
            found.append(
                ForwardObstacle(
                    table: table, chain: "FORWARD", program: .unknown, reason: .unreadable, interface: interface))
        }
        return found
    }

    /// The tables `filter` of iptables-legacy that this thread's network namespace has.
    ///
    /// - Throws: `SystemError` when that cannot be read, which needs root.
    public static func legacyTables() throws(SystemError) -> [NftablesTable] {
        var tables: [NftablesTable] = []
        for (family, file) in [(NftablesFamily.ipv4, "ip_tables_names"), (.ipv6, "ip6_tables_names")] {
            let path = "/proc/thread-self/net/\(file)"
            let text: String
            do {
                text = try Files.readText(path)
            } catch {
                // The kernel is without them.
                if error.errno == .noEntry { continue }
                throw error
            }
            if text.split(separator: "\n").contains("filter") { tables.append(NftablesTable(family, "filter")) }
        }
        return tables
    }

    // MARK: chains

    /// Nil unless forwarded packets of IP pass it.
    static func forwardBase(_ chain: NftablesChain) -> NftablesChain.Base? {
        guard families.contains(chain.table.family), let base = chain.base, base.hook == .forward,
            base.kind == .filter
        else { return nil }
        return base
    }

    private static func reason(
        _ chain: String, _ base: NftablesChain.Base, _ walk: ForwardWalk
    ) -> ForwardObstacle.Reason? {
        var reason: ForwardObstacle.Reason?
        for direction in ForwardWalk.Direction.allCases {
            switch walk.outcome(of: chain, direction) {
            case .accept: break
            case .drop(let place): return .rule(chain: place)
            case .end: if base.policy == .drop { reason = .policy }
            }
        }
        return reason
    }

    private static func program(_ table: NftablesTable, _ chains: [NftablesChain]) -> ForwardObstacle.Program {
        let names = Set(chains.filter { $0.table == table }.map(\.name))
        if names.contains("DOCKER-USER") { return .docker }
        if names.contains("ufw-before-forward") || names.contains("ufw6-before-forward") { return .ufw }
        return table.name == "firewalld" ? .firewalld : .unknown
    }
}
