import Netlink

/// What is known of the pods' network, for `swiftlet status`.
public struct NetworkState: Sendable {
    /// Where new pods' network comes from: a file, or the built-in one with its range.
    public var source: String
    /// Configurations that are not usable.
    public var problems: [String]
    /// Chains of other programs that drop pods' packets.
    public var obstacles: [ForwardObstacle]
    /// Why no pod can be attached, as the kubelet says it; nil while one can.
    public var unreadiness: String?

    public var isHealthy: Bool { problems.isEmpty && obstacles.isEmpty && unreadiness == nil }

    /// One line for people, with what to do.
    public var summary: String {
        ([source] + problems + obstacles.map(\.advice)).joined(separator: "; ")
    }
}

extension ForwardObstacle {
    /// What is in the way, and the commands that allow it where there are any.
    var advice: String {
        commands.isEmpty ? "\(self)" : "\(self); allow it with: \(commands.joined(separator: " && "))"
    }
}
