import Netlink

/// A chain that leads connections away when conditions are met. One for all mappings with the same conditions.
struct ConditionChain: Sendable, Hashable {
    private let family: AddressFamily
    private let conditions: [PortmapCondition]
    /// Whether it is for mappings of one of the host's addresses.
    private let hasAddress: Bool

    /// How the names of such chains begin.
    static let prefix = "if_"

    init(_ family: AddressFamily, _ conditions: [PortmapCondition], hasAddress: Bool) {
        self.family = family
        self.conditions = conditions
        self.hasAddress = hasAddress
    }

    /// The map in which the mappings' targets are.
    var map: String {
        hasAddress
            ? HostportRules.hostIPHostports(family, .conditional) : HostportRules.hostports(family, .conditional)
    }

    /// It follows from what the chain does: nobody has to keep it.
    var name: String {
        let hash = StableHash.of(conditions.map(\.description).joined(separator: " ").utf8)
        return Self.prefix + String(hash, radix: 16) + (hasAddress ? "_hostip" : "") + family.suffix
    }

    var expressions: [NftablesExpression] {
        conditions.flatMap { $0.expressions(family) } + HostportRules.redirection(family, map, hasAddress: hasAddress)
    }
}
