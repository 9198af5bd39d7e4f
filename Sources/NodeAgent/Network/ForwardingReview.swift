import Base
import Netlink

/// Looks whether other programs' rules let the built-in network's packets pass, and makes them where that is asked for.
/// Blocking.
struct ForwardingReview: Sendable {
    let bridge: String
    /// The name of our own table, by which rules of ours in others' chains are known too.
    let table: String
    let includesIPv6: Bool
    /// Put rules into the chains of others that accept what they drop.
    let opensFirewall: Bool

    /// The chains that drop packets of the network.
    func obstacles() throws -> [ForwardObstacle] {
        var socket = try NftablesSocket()
        let found = try look(&socket)
        guard opensFirewall, !found.isEmpty else { return found }
        for obstacle in found where obstacle.reason != .unreadable {
            try ForwardPolicy.allow(obstacle, &socket, tag: table)
        }
        return try look(&socket)
    }

    /// Puts rules back that stood in others' chains.
    ///
    /// - Returns: whether some were missing.
    func restore() throws -> Bool {
        guard opensFirewall else { return false }
        var socket = try NftablesSocket()
        // Without pods there are none.
        guard try socket.tables().contains(where: { $0.name == table }), try !look(&socket).isEmpty else {
            return false
        }
        return try obstacles().isEmpty
    }

    /// Takes out of others' chains what was put there.
    func close() throws {
        guard opensFirewall else { return }
        var socket = try NftablesSocket()
        try ForwardPolicy.removeRules(&socket, tag: table)
    }

    private func look(_ socket: inout NftablesSocket) throws -> [ForwardObstacle] {
        let own = try socket.tables().filter { $0.name == table }
        return try ForwardPolicy.obstacles(
            &socket, interface: bridge, own: own, includesIPv6: includesIPv6,
            legacy: try ForwardPolicy.legacyTables())
    }
}
