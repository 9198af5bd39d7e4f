/// The text of a pod's /etc/hosts, byte for byte the kubelet's.
public enum HostsFile {
    /// A line of `spec.hostAliases`.
    public struct Alias: Hashable, Sendable {
        public var ip: String
        public var hostnames: [String]
        public init(ip: String, hostnames: [String]) {
            self.ip = ip
            self.hostnames = hostnames
        }
    }

    /// The file of a pod with a network of its own.
    ///
    /// - Parameter domain: `<subdomain>.<namespace>.svc.<cluster domain>` when the pod has a subdomain.
    public static func managed(addresses: [String], hostname: String, domain: String?, aliases: [Alias]) -> String {
        var text = """
            # Kubernetes-managed hosts file.
            127.0.0.1\tlocalhost
            ::1\tlocalhost ip6-localhost ip6-loopback
            fe00::0\tip6-localnet
            fe00::0\tip6-mcastprefix
            fe00::1\tip6-allnodes
            fe00::2\tip6-allrouters

            """
        for address in addresses {
            if let domain, !domain.isEmpty {
                text += "\(address)\t\(hostname).\(domain)\t\(hostname)\n"
            } else {
                text += "\(address)\t\(hostname)\n"
            }
        }
        return text + entries(aliases)
    }

    /// The file of a pod on the host's network: the node's own file between a header and the aliases.
    public static func hostNetwork(nodeFile: String, aliases: [Alias]) -> String {
        // A last line without its end would swallow the first alias.
        let end = nodeFile.isEmpty || nodeFile.utf8.last == 0x0A ? "" : "\n"
        return "# Kubernetes-managed hosts file (host network).\n" + nodeFile + end + entries(aliases)
    }

    private static func entries(_ aliases: [Alias]) -> String {
        if aliases.isEmpty { return "" }
        var text = "\n# Entries added by HostAliases.\n"
        for alias in aliases { text += "\(alias.ip)\t\(alias.hostnames.joined(separator: "\t"))\n" }
        return text
    }
}
