/// The rates, in bits a second, that annotations allow a pod; nil for as much as goes.
public struct PodBandwidth: Hashable, Sendable {
    public static let ingressAnnotation = "kubernetes.io/ingress-bandwidth"
    public static let egressAnnotation = "kubernetes.io/egress-bandwidth"

    /// To the pod.
    public var ingress: Int64?
    /// From the pod.
    public var egress: Int64?

    public var isEmpty: Bool { ingress == nil && egress == nil }

    /// Reads annotations that were checked (`PodDecoder`).
    public init(_ annotations: [String: String]) {
        ingress = annotations[Self.ingressAnnotation].flatMap { Self.rate($0) }
        egress = annotations[Self.egressAnnotation].flatMap { Self.rate($0) }
    }

    /// Nil for what is no rate between 1k and 1P, as in Kubernetes.
    static func rate(_ text: String) -> Int64? {
        guard let rate = Quantity(text)?.value, (1_000...1_000_000_000_000_000).contains(rate) else { return nil }
        return rate
    }
}
