import Base

/// What a table holds, without the elements of its sets.
public struct NftablesInventory: Sendable, Hashable {
    /// How many rules each chain has.
    public var rules: [String: Int] = [:]
    /// Sets and maps.
    public var sets: Set<String> = []

    public init() {}

    /// Whether all of `other` is here, with at least as many rules.
    public func covers(_ other: NftablesInventory) -> Bool {
        sets.isSuperset(of: other.sets) && other.rules.allSatisfy { chain, count in (rules[chain] ?? -1) >= count }
    }
}

extension NftablesSocket {
    /// What the table holds; nil when there is no such table.
    ///
    /// - Throws: `NetlinkError`.
    public mutating func inventory(of table: NftablesTable) throws(NetlinkError) -> NftablesInventory? {
        guard try tables(table.family).contains(table) else { return nil }
        var inventory = NftablesInventory()
        for chain in try chains(table.family) where chain.table == table { inventory.rules[chain.name] = 0 }
        do {
            inventory.sets = Set(try sets(of: table))
            for rule in try rules(of: table) { inventory.rules[rule.chain, default: 0] += 1 }
        } catch {
            // It has just gone.
            if error.errno == .noEntry { return nil }
            throw error
        }
        return inventory
    }
}
