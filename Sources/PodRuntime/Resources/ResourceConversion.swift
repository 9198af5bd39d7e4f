import CLinux

/// Kubernetes' amounts of CPU in the kernel's units, as the kubelet and runc convert them.
public enum ResourceConversion {
    /// Length of the CFS period the kubelet uses, in microseconds.
    public static let defaultPeriod: Int64 = 100_000
    private static let minimumShares: Int64 = 2
    private static let maximumShares: Int64 = 262_144
    private static let minimumQuota: Int64 = 1000

    /// `cpu.shares` of cgroup v1 for thousandths of a CPU: 1024 a CPU, between 2 and 262144; 2 for none.
    public static func shares(milliCPU: Int64) -> Int64 {
        guard milliCPU > 0 else { return minimumShares }
        let (product, overflow) = milliCPU.multipliedReportingOverflow(by: 1024)
        if overflow { return maximumShares }
        return min(max(product / 1000, minimumShares), maximumShares)
    }

    /// `cpu.weight` of the kubepods, QoS and pod groups, which the kubelet itself writes: linear, 1 CPU is 39.
    public static func linearWeight(shares: Int64) -> Int64 {
        if shares < minimumShares { return 1 }
        if shares >= maximumShares { return 10_000 }
        return 1 + (shares - 2) * 9999 / 262_142
    }

    /// `cpu.weight` of a container, which the runtime writes: the curve through (2, 1), (1024, 100), (262144, 10000)
    /// of runc 1.3 and crun 1.23.
    public static func containerWeight(shares: Int64) -> Int64 {
        if shares <= minimumShares { return 1 }
        if shares >= maximumShares { return 10_000 }
        let l = log2(Double(shares))
        let exponent = (l * l + 125 * l) / 612 - 7.0 / 34
        return min(max(Int64(pow(10, exponent).rounded(.up)), 1), 10_000)
    }

    /// The CFS quota in microseconds a period for thousandths of a CPU, at least 1000; nil for no limit.
    public static func quota(milliCPU: Int64, period: Int64 = defaultPeriod) -> Int64? {
        guard milliCPU > 0, period > 0 else { return nil }
        let (product, overflow) = milliCPU.multipliedReportingOverflow(by: period)
        return overflow ? nil : max(product / 1000, minimumQuota)
    }

    /// What is written to `cpu.max`.
    public static func cpuMax(quota: Int64?, period: Int64 = defaultPeriod) -> String {
        quota.map { "\($0) \(period)" } ?? "max \(period)"
    }
}
