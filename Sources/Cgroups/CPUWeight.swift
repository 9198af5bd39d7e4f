import CLinux

/// Conversions between the CPU quantities of Kubernetes, cgroup v1 shares and cgroup v2 weights.
public enum CPUWeight {
    /// Shares of `milliCPU`, as the kubelet counts them: 2 to 262144.
    public static func shares(milliCPU: Int64) -> UInt64 {
        if milliCPU <= 0 { return 2 }
        let (product, overflow) = milliCPU.multipliedReportingOverflow(by: 1024)
        return overflow ? 262_144 : UInt64(min(max(product / 1000, 2), 262_144))
    }

    /// The weight that the kubelet writes for a pod or a QoS class (linear).
    public static func pod(shares: UInt64) -> UInt64 {
        1 + (min(max(shares, 2), 262_144) - 2) * 9999 / 262_142
    }

    /// The weight that a runtime writes for a container: 2 → 1, 1024 → 100, 262144 → 10000.
    public static func container(shares: UInt64) -> UInt64 {
        if shares <= 2 { return 1 }
        if shares >= 262_144 { return 10000 }
        let l = log2(Double(shares))
        return UInt64(pow(10, (l * l + 125 * l) / 612 - 7.0 / 34).rounded(.up))
    }

    /// Microseconds of CPU time a period of 100 ms for a limit of `milliCPU`; never under the kernel's 1000.
    public static func quota(milliCPU: Int64) -> UInt64 {
        let (product, overflow) = milliCPU.multipliedReportingOverflow(by: 100)
        return overflow ? UInt64(Int64.max) : UInt64(max(product, 1000))
    }
}
