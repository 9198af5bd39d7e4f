/// Why a pod failed that its own containers did not fail: `status.reason` and `status.message`.
public struct PodFailure: Hashable, Sendable {
    public var reason: String
    public var message: String

    public init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }

    /// As the kubelet says it.
    static let deadlineExceeded = PodFailure(
        reason: "DeadlineExceeded", message: "Pod was active on the node longer than the specified deadline")
}
