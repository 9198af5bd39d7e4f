/// How an instance of a pod gives way to the next when its manifest asks for another one. Annotations of the manifest say
/// it; Kubernetes has nothing of the kind for single pods.
public struct PodReplacement: Hashable, Sendable {
    /// `rolling`: the next instance begins beside the one that is there, which ends when the next one is ready.
    public static let annotation = "swiftlet/replacement"
    /// Seconds that the next instance has until it must be ready; else the one that is there goes on.
    public static let deadlineAnnotation = "swiftlet/progress-deadline-seconds"
    static let prefix = "swiftlet/"
    static let rolling = "rolling"

    public var isRolling: Bool
    /// Seconds; a Deployment's default.
    public var progressDeadline: Int64 = 600

    /// Reads annotations that were checked (`PodDecoder`).
    public init(_ annotations: [String: String]) {
        isRolling = annotations[Self.annotation] == Self.rolling
        if let deadline = annotations[Self.deadlineAnnotation].flatMap({ Int64($0) }) { progressDeadline = deadline }
    }
}
