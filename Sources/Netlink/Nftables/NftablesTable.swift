/// A table of nftables, which holds chains, rules and sets.
public struct NftablesTable: Sendable, Hashable, CustomStringConvertible {
    public var family: NftablesFamily
    public var name: String

    public init(_ family: NftablesFamily, _ name: String) {
        self.family = family
        self.name = name
    }

    /// `inet filter`.
    public var description: String { "\(family.name) \(name)" }
}
