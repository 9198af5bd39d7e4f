import Base
import Cgroups
import Kube

/// The cgroups of a pod, by the kubelet's hierarchy: where each is, and what is written to it. Pure.
public struct PodCgroupPlan: Hashable, Sendable {
    /// The top of all pods, below the delegated cgroup.
    public static let root = "kubepods"
    /// What every level but the last hands to its children.
    public static let controllers = ["cpu", "memory", "pids"]

    /// The folder of a class of service, below the delegated cgroup: Guaranteed pods lie directly in `kubepods`.
    public static func folder(of qosClass: QOSClass) -> String {
        switch qosClass {
        case .guaranteed: root
        case .burstable: root + "/burstable"
        case .bestEffort: root + "/besteffort"
        }
    }

    /// The limits of `kubepods`: what the node gives to pods.
    ///
    /// - Parameter pids: processes that all pods may have together; nil leaves the kernel's.
    public static func rootLimits(_ node: NodeFacts, pids: Int64? = nil) -> CgroupLimits {
        var limits = CgroupLimits()
        limits.cpuWeight = CPUWeight.pod(shares: CPUWeight.shares(milliCPU: node.allocatableMilliCPU))
        if let memory = UInt64(exactly: node.allocatableMemory), memory > 0 { limits.memoryMax = .at(memory) }
        if let pids = pids.flatMap({ UInt64(exactly: $0) }), pids > 0 { limits.pidsMax = .at(pids) }
        return limits
    }

    /// The limits of a class's folder: best-effort pods get what is left over, burstable ones the sum of what they ask
    /// for. Written anew whenever a pod comes or goes.
    public static func limits(of qosClass: QOSClass, pods: some Sequence<PodResources>) -> CgroupLimits {
        var limits = CgroupLimits()
        switch qosClass {
        case .guaranteed: break
        case .bestEffort: limits.cpuWeight = 1
        case .burstable:
            let request = pods.filter { $0.qosClass == .burstable }.reduce(Int64(0)) { sum, pod in
                let (value, overflow) = sum.addingReportingOverflow(pod.total.cpuRequest)
                return overflow ? .max : value
            }
            limits.cpuWeight = CPUWeight.pod(shares: CPUWeight.shares(milliCPU: request))
        }
        return limits
    }

    public let resources: PodResources
    /// The pod's cgroup, below the delegated one.
    public let path: String
    /// The limits of the pod's cgroup.
    public let limits: CgroupLimits

    /// - Parameter podPIDLimit: the node's `podPidsLimit`; nil for none.
    public init(_ pod: PodSpec, directory: PodDirectory, podPIDLimit: Int64? = nil) {
        resources = PodResources(pod)
        path = "\(Self.folder(of: resources.qosClass))/pod\(directory.uid)"
        let total = resources.total
        var limits = CgroupLimits()
        limits.cpuWeight = CPUWeight.pod(shares: CPUWeight.shares(milliCPU: total.cpuRequest))
        if resources.qosClass != .bestEffort {
            if let limit = total.cpuLimit { limits.cpuQuota = .at(CPUWeight.quota(milliCPU: limit)) }
            if let limit = total.memoryLimit { limits.memoryMax = .at(UInt64(limit)) }
        }
        if let pids = podPIDLimit.flatMap({ UInt64(exactly: $0) }), pids > 0 { limits.pidsMax = .at(pids) }
        self.limits = limits
    }

    /// The cgroup of a container, below the delegated one.
    public func path(of container: String) -> String { "\(path)/\(container)" }

    /// The limits of a container: its share from its request, its quota and memory from its limits, no swap, and an
    /// out-of-memory kill that takes all of it.
    public func limits(of container: Container) -> CgroupLimits {
        let amounts = ResourceAmounts(container.resources)
        var limits = CgroupLimits()
        limits.cpuWeight = CPUWeight.container(shares: CPUWeight.shares(milliCPU: amounts.cpuRequest))
        if let limit = amounts.cpuLimit { limits.cpuQuota = .at(CPUWeight.quota(milliCPU: limit)) }
        if let limit = amounts.memoryLimit { limits.memoryMax = .at(UInt64(limit)) }
        limits.swapMax = .at(0)
        limits.oomGroup = true
        return limits
    }

    /// The devices that a container may use, for its cgroup's device program.
    public static func devices(of container: Container) -> [DeviceRule] {
        container.securityContext?.privileged == true ? DeviceRule.everything : DeviceRule.containerDefault
    }
}
