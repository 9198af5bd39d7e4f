import Base

/// What containers are told of the node, and what their limits are measured against.
public struct NodeFacts: Hashable, Sendable {
    public var name: String
    /// The node's addresses, the first one being `status.hostIP`.
    public var addresses: [String]
    /// Memory of the machine in bytes.
    public var memoryCapacity: Int64
    /// What pods may use together: thousandths of a CPU, bytes of memory and of local storage.
    public var allocatableMilliCPU: Int64
    public var allocatableMemory: Int64
    public var allocatableStorage: Int64
    /// Names (`CAP_CHOWN`) of the capabilities that the agent itself can hand on.
    public var capabilities: [String]
    /// The lowest `oom_score_adj` that the agent may set: its own without CAP_SYS_RESOURCE, else -1000.
    public var minimumOOMScoreAdjustment: Int
    /// Paths of this machine's /sys that unprivileged containers do not see: the CPUs' `thermal_throttle` folders.
    public var hiddenPaths: [String] = []
    /// The DNS servers of the cluster, for pods with the policy ClusterFirst; none for the node's own.
    public var clusterDNS: [String] = []
    /// What the names of pods and services end with.
    public var clusterDomain = "cluster.local"

    public init(
        name: String, addresses: [String], memoryCapacity: Int64, allocatableMilliCPU: Int64,
        allocatableMemory: Int64, allocatableStorage: Int64 = 0, capabilities: [String] = Capability.names,
        minimumOOMScoreAdjustment: Int = -1000
    ) {
        self.name = name
        self.addresses = addresses
        self.memoryCapacity = memoryCapacity
        self.allocatableMilliCPU = allocatableMilliCPU
        self.allocatableMemory = allocatableMemory
        self.allocatableStorage = allocatableStorage
        self.capabilities = capabilities
        self.minimumOOMScoreAdjustment = minimumOOMScoreAdjustment
    }
}

extension NodeFacts {
    /// What nodes are chosen by.
    public var labels: [String: String] {
        #if arch(arm64)
            let machine = "arm64"
        #else
            let machine = "amd64"
        #endif
        return ["kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": machine]
    }

    /// The `thermal_throttle` folders of this machine's CPUs; they tell of what else runs on it. Reads /sys.
    public static func thermalThrottlePaths() -> [String] {
        let folder = "/sys/devices/system/cpu"
        let names = (try? Files.list(folder)) ?? []
        return names.filter { $0.count > 3 && $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) }
            .map { "\(folder)/\($0)/thermal_throttle" }.filter(Files.exists)
    }
}
