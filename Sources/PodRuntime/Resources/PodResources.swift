import Kube

/// What one container, or a pod in all, asks for and may use at most.
public struct ResourceAmounts: Hashable, Sendable {
    /// Thousandths of a CPU; 0 for none.
    public var cpuRequest: Int64 = 0
    /// Nil for no limit.
    public var cpuLimit: Int64?
    /// Bytes; 0 for none.
    public var memoryRequest: Int64 = 0
    public var memoryLimit: Int64?
    /// Bytes of local storage; 0 for none.
    public var storageRequest: Int64 = 0

    public init() {}

    /// The sum of two amounts, at most the largest integer.
    public static func saturating(_ a: Int64, _ b: Int64) -> Int64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }

    /// A request that is not given is the limit, as the API server fills it in. A limit of zero is none.
    public init(_ requirements: ResourceRequirements) {
        func positive(_ value: Int64?) -> Int64? { value.flatMap { $0 > 0 ? $0 : nil } }
        cpuLimit = positive(requirements.limits["cpu"]?.milliValue)
        memoryLimit = positive(requirements.limits["memory"]?.value)
        cpuRequest = positive(requirements.requests["cpu"]?.milliValue ?? requirements.limits["cpu"]?.milliValue) ?? 0
        memoryRequest = positive(requirements.requests["memory"]?.value ?? requirements.limits["memory"]?.value) ?? 0
        let storage = "ephemeral-storage"
        storageRequest = positive(requirements.requests[storage]?.value ?? requirements.limits[storage]?.value) ?? 0
    }
}

/// A pod's class of service and its amounts in all.
public struct PodResources: Hashable, Sendable {
    public var qosClass: QOSClass
    /// The sum of the containers or the largest init container, whichever is more, each with the sidecars that run
    /// beside it. A limit is nil unless every container (init containers too) has one.
    public var total: ResourceAmounts

    /// A container limits its CPU or memory: on a node that cannot enforce that, the pod is told so.
    public var hasLimits: Bool

    public init(_ spec: PodSpec) {
        qosClass = Self.qosClass(spec)
        let containers = spec.containers.map { ResourceAmounts($0.resources) }
        let initContainers = spec.initContainers.map { ResourceAmounts($0.resources) }
        let isSidecar = spec.initContainers.map { $0.restartPolicy == .always }
        func most(_ amount: (ResourceAmounts) -> Int64) -> Int64 {
            var (sidecars, most) = (Int64(0), Int64(0))
            for (container, isSidecar) in zip(initContainers, isSidecar) {
                let sum = ResourceAmounts.saturating(sidecars, amount(container))
                if isSidecar { sidecars = sum }
                most = max(most, sum)
            }
            return max(most, containers.reduce(sidecars) { ResourceAmounts.saturating($0, amount($1)) })
        }
        let all = containers + initContainers
        hasLimits = all.contains { $0.cpuLimit != nil || $0.memoryLimit != nil }
        total = ResourceAmounts()
        total.cpuRequest = most { $0.cpuRequest }
        total.memoryRequest = most { $0.memoryRequest }
        total.storageRequest = most { $0.storageRequest }
        if !all.isEmpty, all.allSatisfy({ $0.cpuLimit != nil }) { total.cpuLimit = most { $0.cpuLimit ?? 0 } }
        if !all.isEmpty, all.allSatisfy({ $0.memoryLimit != nil }) { total.memoryLimit = most { $0.memoryLimit ?? 0 } }
    }

    /// Guaranteed: every container (init containers too) limits CPU and memory, and the requests are the limits.
    /// BestEffort: none asks for anything. Burstable: the rest.
    private static func qosClass(_ spec: PodSpec) -> QOSClass {
        let names = ["cpu", "memory"]
        var requests: [String: Quantity] = [:]
        var limits: [String: Quantity] = [:]
        var isGuaranteed = true
        for container in spec.containers + spec.initContainers {
            let resources = container.resources
            for name in names {
                let limit = resources.limits[name]
                if let request = resources.requests[name] ?? limit, request > Quantity(0) {
                    requests[name] = (requests[name] ?? Quantity(0)) + request
                }
                if let limit, limit > Quantity(0) {
                    limits[name] = (limits[name] ?? Quantity(0)) + limit
                } else {
                    isGuaranteed = false
                }
            }
        }
        if requests.isEmpty && limits.isEmpty { return .bestEffort }
        return isGuaranteed && requests == limits ? .guaranteed : .burstable
    }
}
