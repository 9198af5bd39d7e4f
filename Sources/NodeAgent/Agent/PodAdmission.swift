import Kube
import PodRuntime

/// What a node has for pods, and whether one more has room beside those that are there: judged as the kubelet does
/// before it takes a pod, by what pods request, not by what they use.
public struct PodAdmission: Hashable, Sendable {
    /// The most pods at a time.
    public var maxPods: Int64
    /// Thousandths of a CPU, bytes of memory and of local storage; 0 where the node does not know what it has.
    public var milliCPU: Int64
    public var memory: Int64
    public var storage: Int64

    public init(maxPods: Int64, milliCPU: Int64, memory: Int64, storage: Int64) {
        self.maxPods = maxPods
        self.milliCPU = milliCPU
        self.memory = memory
        self.storage = storage
    }

    public init(_ facts: NodeFacts, maxPods: Int64) {
        self.init(
            maxPods: maxPods, milliCPU: facts.allocatableMilliCPU, memory: facts.allocatableMemory,
            storage: facts.allocatableStorage)
    }

    /// Why the pod has no room, in the kubelet's words and order; nil when it has.
    ///
    /// - Parameter others: the pods that have been taken and have not ended.
    public func refusal(of pod: PodSpec, beside others: [PodSpec]) -> PodRejection? {
        if Int64(others.count) >= maxPods { return refusal("pods", 1, Int64(others.count), maxPods) }
        let wanted = PodResources(pod).total
        let resources: [(String, KeyPath<ResourceAmounts, Int64>, Int64)] = [
            ("cpu", \.cpuRequest, milliCPU), ("memory", \.memoryRequest, memory),
            ("ephemeral-storage", \.storageRequest, storage),
        ]
        // Most pods of a single machine request nothing: then nothing needs to be added up.
        if resources.allSatisfy({ wanted[keyPath: $0.1] == 0 }) { return nil }
        let totals = others.map { PodResources($0).total }
        for (name, amount, capacity) in resources where wanted[keyPath: amount] > 0 && capacity > 0 {
            let used = totals.reduce(Int64(0)) { ResourceAmounts.saturating($0, $1[keyPath: amount]) }
            if wanted[keyPath: amount] > capacity - min(used, capacity) {
                return refusal(name, wanted[keyPath: amount], used, capacity)
            }
        }
        return nil
    }

    private func refusal(_ name: String, _ wanted: Int64, _ used: Int64, _ capacity: Int64) -> PodRejection {
        PodRejection(
            reason: "OutOf" + name,
            message: "Node didn't have enough resource: \(name), requested: \(wanted), used: \(used), "
                + "capacity: \(capacity)", isForRoom: true)
    }
}
