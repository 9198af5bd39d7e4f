import Kube

/// Which kernel parameters a pod may set: the kubelet's safe ones, and what the operator allows beside them.
public struct SysctlPolicy: Hashable, Sendable {
    /// What one pod's parameters cannot do to another.
    private static let safe: Set<String> = Set(
        [
            "ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start", "ping_group_range",
            "tcp_fin_timeout", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_keepalive_time", "tcp_rmem",
            "tcp_syncookies", "tcp_wmem",
        ].map { "net/ipv4/" + $0 } + ["kernel/shm_rmid_forced"])

    private var names: Set<String> = []
    private var prefixes: [String] = []

    /// - Parameter unsafe: names, and beginnings of names with `*` behind them.
    public init(allowing unsafe: [String] = []) {
        for name in unsafe {
            if name.hasSuffix("*") {
                prefixes.append(Sysctl.path(String(name.dropLast())))
            } else {
                names.insert(Sysctl.path(name))
            }
        }
    }

    /// Whether an operator can allow it: it is of a namespace.
    public static func isPattern(_ text: String) -> Bool {
        let name = text.hasSuffix("*") ? String(text.dropLast()) : text
        let isName = name.utf8.allSatisfy { c in
            0x61...0x7A ~= c || 0x30...0x39 ~= c || "-_./".utf8.contains(c)
        }
        return isName && Sysctl.namespace(path: Sysctl.path(name)) != nil
    }

    /// Why the pod is refused, in the kubelet's words; nil when it may set what it asks for.
    public func refusal(of spec: PodSpec) -> String? {
        for sysctl in spec.securityContext.sysctls {
            let path = sysctl.path
            let isAllowed = Self.safe.contains(path) || names.contains(path) || prefixes.contains(where: path.hasPrefix)
            guard isAllowed, let namespace = sysctl.namespace else {
                return "forbidden sysctl: \"\(sysctl.name)\" not allowlisted"
            }
            if namespace == .network ? spec.hostNetwork : spec.hostIPC {
                return "forbidden sysctl: \"\(sysctl.name)\" not allowed with host \(namespace.rawValue) enabled"
            }
        }
        return nil
    }
}
