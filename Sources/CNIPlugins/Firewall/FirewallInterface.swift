import Base
import CLinux
import CNITypes
import Netlink

/// What `firewall` does for an interface of the host, as long as there are attachments by it: rules in other programs'
/// chains that let its packets pass, and that it is kept apart from others.
///
/// Attachments come and go at any time. So what an interface has is made after the first attachment is noted, and is
/// removed only in the very ruleset that notes none.
struct FirewallInterface: ~Copyable {
    private let table: NftablesTable
    private var socket: NftablesSocket

    private static let attempts = 200

    /// - Throws: `CNIError` 5.
    init(_ table: NftablesTable) throws(CNIError) {
        self.table = table
        do {
            socket = try NftablesSocket()
        } catch {
            throw CNIError(.inputOutput, "cannot use nftables", details: "\(error)")
        }
    }

    /// Lets packets of the interface pass, and keeps it apart where that is asked for.
    mutating func ensure(_ interface: String, includesIPv6: Bool, isApart: Bool) throws(CNIError) {
        try failing("let packets of interface \(interface) pass") { (self: inout Self) throws(NetlinkError) in
            if isApart {
                let (bridge, pair) = Self.elements(interface)
                var transaction = NftablesTransaction()
                transaction.add([bridge], to: FirewallRules.bridges, of: self.table, exclusive: false)
                transaction.add([pair], to: FirewallRules.pairs, of: self.table, exclusive: false)
                try self.socket.commit(transaction)
            }
            for obstacle in try self.obstacles(interface, includesIPv6) {
                try ForwardPolicy.allow(obstacle, &self.socket, tag: self.table.name, .outgoing)
            }
        }
    }

    /// Throws unless all of `ensure` is there.
    mutating func check(_ interface: String, includesIPv6: Bool, isApart: Bool) throws(CNIError) {
        let problem = try failing("look at the rules for interface \(interface)") {
            (self: inout Self) throws(NetlinkError) -> String? in
            if isApart,
                try self.socket.element(FirewallRules.key(interface), of: FirewallRules.bridges, in: self.table) == nil
            {
                return "interface \(interface) is not kept apart from others"
            }
            for obstacle in try self.obstacles(interface, includesIPv6) {
                let isAllowed = try ForwardPolicy.isAllowed(obstacle, &self.socket, tag: self.table.name, .outgoing)
                if !isAllowed { return obstacle.description }
            }
            return nil
        }
        if let problem { throw CNIError(.internalFailure, problem) }
    }

    /// Removes what there is for those of these interfaces that have no attachment any more.
    mutating func release(_ interfaces: Set<String>) throws(CNIError) {
        for interface in interfaces.sorted() {
            try failing("remove the rules for interface \(interface)") { (self: inout Self) throws(NetlinkError) in
                for _ in 0..<Self.attempts {
                    do throws(NetlinkError) {
                        if try self.isReleased(interface) { return }
                    } catch {
                        guard [.noEntry, Errno(rawValue: ERESTART)].contains(error.errno) else { throw error }
                    }
                }
                throw NetlinkError("change the ruleset", .again, explanation: "others change it all the time")
            }
        }
    }

    /// Does one step. Every step is made in the ruleset in which it was seen to be right.
    ///
    /// - Returns: whether it was the last.
    private mutating func isReleased(_ interface: String) throws(NetlinkError) -> Bool {
        let generation = try socket.generation()
        for set in FirewallRules.sets() {
            let elements = try socket.elements(of: set, in: table) ?? []
            if elements.contains(where: { FirewallRules.interface($0.key) == interface }) { return true }
        }
        let (bridge, pair) = Self.elements(interface)
        guard try socket.element(bridge.key, of: FirewallRules.bridges, in: table) == nil else {
            var transaction = NftablesTransaction(generation: generation)
            transaction.delete([bridge], from: FirewallRules.bridges, of: table)
            transaction.delete([pair], from: FirewallRules.pairs, of: table)
            try socket.commit(transaction)
            return false
        }
        try ForwardPolicy.removeRules(&socket, tag: table.name, interface: interface, generation: generation)
        return true
    }

    // MARK: parts

    private static func elements(_ interface: String) -> (bridge: NftablesElement, pair: NftablesElement) {
        let key = FirewallRules.key(interface)
        return (NftablesElement(key: key), NftablesElement(key: key + key))
    }

    /// Tables of iptables-legacy cannot be read, nor written to: they are as the administrator made them.
    private mutating func obstacles(
        _ interface: String, _ includesIPv6: Bool
    ) throws(NetlinkError) -> [ForwardObstacle] {
        try ForwardPolicy.obstacles(&socket, interface: interface, own: [table], includesIPv6: includesIPv6)
    }

    private mutating func failing<T>(
        _ what: String, _ body: (inout Self) throws(NetlinkError) -> T
    ) throws(CNIError) -> T {
        do {
            return try body(&self)
        } catch {
            throw CNIError(.inputOutput, "cannot \(what)", details: "\(error)")
        }
    }
}
