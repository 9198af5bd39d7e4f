/// A part of a pod that requests change by itself, named as the API server names it.
public enum PodSubresource: String, Sendable, Hashable, CaseIterable {
    /// The containers that it is given while it runs.
    case ephemeralContainers = "ephemeralcontainers"
    /// The conditions that others than the node set.
    case status

    /// The list that counts in a request.
    var list: [String] {
        switch self {
        case .ephemeralContainers: ["spec", "ephemeralContainers"]
        case .status: ["status", "conditions"]
        }
    }
}
