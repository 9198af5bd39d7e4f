import Netlink

/// The rules of `Masquerade` in our table: fixed ones, and a chain for each length of a subnet's prefix that occurs.
enum MasqueradeRules {
    private static let chain = "masquerade"

    /// `{pod address : goto the chain of its subnet's length}`
    static func pods(_ family: AddressFamily) -> String { "masquerade" + family.suffix }
    /// `{pod address . subnet}`
    static func subnets(_ family: AddressFamily) -> String { "own_subnet" + family.suffix }

    static func sets() -> [String] { AddressFamily.allCases.flatMap { [pods($0), subnets($0)] } }

    static func chain(_ family: AddressFamily, length: Int) -> String { "\(pods(family))_\(length)" }

    /// Makes what pods with subnets of these lengths need, or makes it anew as it should be; the sets keep their
    /// elements.
    static func install(
        _ table: NftablesTable, _ lengths: Set<Subnet>, _ transaction: inout NftablesTransaction
    ) {
        let base = NftablesChain(
            chain, of: table, base: .init(.nat, .postrouting, priority: NftablesChain.Priority.sourceNAT))
        transaction.add(table)
        transaction.add(base)
        transaction.flush(base)
        for family in AddressFamily.allCases {
            transaction.add(NftablesSet(pods(family), key: [family.field], value: .verdict), to: table)
            transaction.add(NftablesSet(subnets(family), key: [family.field, family.field]), to: table)
            add(
                family.only() + [family.source(into: .first), .verdictMap(pods(family), key: .first)], to: base,
                &transaction)
        }
        for subnet in lengths.sorted(by: { $0.length < $1.length }) {
            let own = NftablesChain(chain(subnet.family, length: subnet.length), of: table)
            transaction.add(own)
            transaction.flush(own)
            for rule in rules(subnet) { add(rule, to: own, &transaction) }
        }
    }

    /// A family and a prefix length.
    struct Subnet: Hashable {
        var family: AddressFamily
        var length: Int
    }

    private static func rules(_ subnet: Subnet) -> [[NftablesExpression]] {
        let family = subnet.family
        let behind = NftablesRegister.first.advanced(by: family.size)
        // 224.0.0.0/4 and ff00::/8
        let multicast: [NftablesExpression] = [
            .payload(.network, offset: family == .ipv6 ? 24 : 16, length: 1, into: .first),
            .mask(.first, mask: [family == .ipv6 ? 0xFF : 0xF0]),
            .compare(.first, .equal, value: [family == .ipv6 ? 0xFF : 0xE0]), .verdict(.return),
        ]
        let own: [NftablesExpression] = [
            family.source(into: .first), family.destination(into: behind),
            .mask(behind, mask: family.mask(subnet.length)), .lookup(set: subnets(family), key: .first),
            .verdict(.return),
        ]
        return [multicast, own, [.masquerade]]
    }

    private static func add(
        _ expressions: [NftablesExpression], to chain: NftablesChain, _ transaction: inout NftablesTransaction
    ) {
        transaction.add(NftablesRule(table: chain.table, chain: chain.name, expressions: expressions))
    }
}
