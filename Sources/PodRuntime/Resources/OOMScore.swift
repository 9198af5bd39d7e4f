import Kube

/// `oom_score_adj` of containers: who is killed first when the node runs out of memory.
public enum OOMScore {
    /// -997 for Guaranteed pods, 1000 for BestEffort ones, in between the less the more memory was asked for.
    ///
    /// - Parameter memoryCapacity: the machine's memory in bytes.
    public static func adjustment(_ qosClass: QOSClass, memoryRequest: Int64, memoryCapacity: Int64) -> Int {
        switch qosClass {
        case .guaranteed: return -997
        case .bestEffort: return 1000
        case .burstable:
            guard memoryCapacity > 0 else { return 999 }
            let (product, overflow) = max(memoryRequest, 0).multipliedReportingOverflow(by: 1000)
            if overflow { return 3 }
            return Int(min(max(1000 - product / memoryCapacity, 3), 999))
        }
    }
}
