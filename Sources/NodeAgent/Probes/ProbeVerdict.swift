/// What the answers of a probe amount to, once there are enough of them.
public struct ProbeVerdict: Hashable, Sendable {
    public var container: String
    public var attempt: Int
    public var kind: ProbeKind
    public var isSuccess: Bool

    public init(container: String, attempt: Int, kind: ProbeKind, isSuccess: Bool) {
        self.container = container
        self.attempt = attempt
        self.kind = kind
        self.isSuccess = isSuccess
    }
}
