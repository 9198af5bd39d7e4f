import Netlink

/// The fixed rules of `firewall` in our tables, which keep containers apart. Each attachment is only elements.
enum FirewallRules {
    /// `{interface . pod address}`: which attachments there are by an interface of the host.
    static func attachments(_ family: AddressFamily) -> String { "firewall" + family.suffix }
    /// `{interface}`: those that are kept apart from each other.
    static let bridges = "apart"
    /// `{interface . the same}`
    static let pairs = "apart_itself"
    /// In the table of bridges: ports that hear no other of them.
    static let ports = "apart_ports"

    static func sets() -> [String] { AddressFamily.allCases.map { attachments($0) } }

    /// Where frames between ports of a bridge are seen.
    static func portTable(_ table: NftablesTable) -> NftablesTable { NftablesTable(.bridge, table.name) }

    static func chain(_ table: NftablesTable) -> NftablesChain {
        // As late as others filter.
        NftablesChain("apart", of: table, base: .init(.filter, .forward, priority: NftablesChain.Priority.filter))
    }

    private static func portChain(_ table: NftablesTable) -> NftablesChain {
        NftablesChain("apart", of: portTable(table), base: .init(.filter, .forward, priority: bridgePriority))
    }

    /// NF_BR_PRI_FILTER_BRIDGED
    private static let bridgePriority: Int32 = -200

    /// Makes them, or makes them anew as they should be; the sets keep their elements.
    static func install(_ table: NftablesTable, _ transaction: inout NftablesTransaction) {
        let chain = chain(table)
        transaction.add(table)
        transaction.add(chain)
        transaction.flush(chain)
        for family in AddressFamily.allCases {
            transaction.add(NftablesSet(attachments(family), key: [.interfaceName, family.field]), to: table)
        }
        transaction.add(NftablesSet(bridges, key: [.interfaceName]), to: table)
        transaction.add(NftablesSet(pairs, key: [.interfaceName, .interfaceName]), to: table)
        let second = NftablesRegister.first.advanced(by: 16)
        let names: [NftablesExpression] = [
            .meta(.inputInterfaceName, into: .first), .meta(.outputInterfaceName, into: second),
        ]
        for expressions in [
            names + [.lookup(set: pairs, key: .first), .verdict(.accept)],
            names + [.lookup(set: bridges, key: .first), .lookup(set: bridges, key: second), .verdict(.drop)],
        ] { transaction.add(NftablesRule(table: table, chain: chain.name, expressions: expressions)) }
    }

    static func installPorts(_ table: NftablesTable, _ transaction: inout NftablesTransaction) {
        let chain = portChain(table)
        transaction.add(chain.table)
        transaction.add(chain)
        transaction.flush(chain)
        transaction.add(NftablesSet(ports, key: [.interfaceName]), to: chain.table)
        transaction.add(
            NftablesRule(
                table: chain.table, chain: chain.name,
                expressions: [
                    .meta(.inputInterfaceName, into: .first), .lookup(set: ports, key: .first),
                    .meta(.outputInterfaceName, into: .first), .lookup(set: ports, key: .first), .verdict(.drop),
                ]))
    }

    /// A name as it stands in a register.
    static func key(_ interface: String) -> [UInt8] {
        let name = Array(interface.utf8.prefix(15))
        return name + [UInt8](repeating: 0, count: 16 - name.count)
    }

    /// The name in a key of `attachments`.
    static func interface(_ key: [UInt8]) -> String {
        String(decoding: key.prefix(16).prefix { $0 != 0 }, as: UTF8.self)
    }
}
