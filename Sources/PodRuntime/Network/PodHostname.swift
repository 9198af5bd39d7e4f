/// The rules for a pod's host name.
public enum PodHostname {
    /// The name: `spec.hostname` or the pod's own, cut to 63 bytes, without trailing `-` and `.`.
    ///
    /// - Returns: nil when nothing is left of it.
    public static func name(podName: String, hostname: String?) -> String? {
        let wanted = hostname.flatMap { $0.isEmpty ? nil : $0 } ?? podName
        var bytes = Array(wanted.utf8)
        guard bytes.count > 63 else { return wanted.isEmpty ? nil : wanted }
        bytes = Array(bytes.prefix(63))
        while let last = bytes.last, last == UInt8(ascii: "-") || last == UInt8(ascii: ".") { bytes.removeLast() }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// The domain of a pod with a subdomain; nil without one.
    public static func domain(subdomain: String?, namespace: String, clusterDomain: String) -> String? {
        guard let subdomain, !subdomain.isEmpty else { return nil }
        return "\(subdomain).\(namespace).svc.\(clusterDomain)"
    }
}
