import Netlink

/// What is known of the pods' network, for `swiftlet status`.
public struct NetworkState: Sendable {
    /// Where new pods' network comes from: a file, or the built-in one with its range.
    public var source: String
    /// Configurations that are not usable.
    public var problems: [String]
    /// Chains of other programs that drop pods' packets.
    public var obstacles: [ForwardObstacle]

    public var isHealthy: Bool { problems.isEmpty && obstacles.isEmpty }

    /// One line for people, with what to do.
    public var summary: String {
        let blocked = obstacles.map { obstacle in
            let remedy = obstacle.commands.joined(separator: " && ")
            return remedy.isEmpty ? "\(obstacle)" : "\(obstacle); allow it with: \(remedy)"
        }
        return ([source] + problems + blocked).joined(separator: "; ")
    }
}
