/// A chain: a list of rules. A base chain also has a place where the kernel starts it.
public struct NftablesChain: Sendable, Hashable {
    /// Where in a packet's way a base chain is called, with the numbers of the families `ip`, `ip6` and `inet`.
    public enum Hook: UInt32, Sendable, Hashable {
        case prerouting = 0
        case input = 1
        case forward = 2
        case output = 3
        case postrouting = 4
    }

    public enum Kind: String, Sendable, Hashable {
        case filter
        /// Sees only the first packet of a connection.
        case nat
        /// Routes a packet of the host again when it was changed.
        case route
    }

    /// What happens to a packet that reaches the end of a base chain.
    public enum Policy: UInt32, Sendable, Hashable {
        case drop = 0
        case accept = 1
    }

    /// What makes a chain a base chain.
    public struct Base: Sendable, Hashable {
        public var kind: Kind
        public var hook: Hook
        /// Lower ones are called first.
        public var priority: Int32
        public var policy: Policy

        public init(_ kind: Kind, _ hook: Hook, priority: Int32, policy: Policy = .accept) {
            self.kind = kind
            self.hook = hook
            self.priority = priority
            self.policy = policy
        }
    }

    /// The priorities of `NF_IP_PRI_*`.
    public enum Priority {
        /// Before connections are tracked.
        public static let raw: Int32 = -300
        public static let destinationNAT: Int32 = -100
        public static let filter: Int32 = 0
        public static let sourceNAT: Int32 = 100
    }

    public var table: NftablesTable
    public var name: String
    /// Nil for a chain that only rules call.
    public var base: Base?

    public init(_ name: String, of table: NftablesTable, base: Base? = nil) {
        self.table = table
        self.name = name
        self.base = base
    }
}
