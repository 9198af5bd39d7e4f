/// A rule as the kernel has it.
public struct NftablesRule: Sendable, Hashable {
    public var table: NftablesTable
    public var chain: String
    /// The kernel's number of it, by which it is deleted; unique in its table.
    public var handle: UInt64
    public var expressions: [NftablesExpression]
    /// For people, and to know one's own again. Empty for none.
    public var comment: String

    public init(
        table: NftablesTable, chain: String, handle: UInt64 = 0, expressions: [NftablesExpression],
        comment: String = ""
    ) {
        self.table = table
        self.chain = chain
        self.handle = handle
        self.expressions = expressions
        self.comment = comment
    }
}
