import Kube

/// The files of a pod that all its containers see: /etc/hosts, /etc/hostname and /etc/resolv.conf.
public struct PodFiles: Hashable, Sendable {
    /// What the pod is told as a Warning event.
    public struct Note: Hashable, Sendable {
        public var reason: String
        public var message: String
    }

    public var hosts: String
    public var hostname: String
    public var resolvConf: String
    public var notes: [Note] = []

    /// - Parameters:
    ///   - nodeHosts: the text of the node's /etc/hosts, for pods on its network.
    ///   - nodeResolvConf: the text of the node's resolv.conf.
    public init(_ context: PodContext, nodeHosts: String, nodeResolvConf: String) {
        let spec = context.pod.spec
        let aliases = spec.hostAliases.map { HostsFile.Alias(ip: $0.ip, hostnames: $0.hostnames) }
        hosts =
            spec.hostNetwork
            ? HostsFile.hostNetwork(nodeFile: nodeHosts, aliases: aliases)
            : HostsFile.managed(
                addresses: context.podIPs, hostname: context.names.host, domain: context.names.domain,
                aliases: aliases)
        hostname = context.hostname + "\n"
        var misses = false
        var resolver = ResolverConfiguration(
            context.pod, node: context.node, host: ResolverConfiguration(parsing: nodeResolvConf), misses: &misses)
        if misses {
            notes.append(
                Note(
                    reason: "MissingClusterDNS",
                    message: "pod: \"\(context.display)\". kubelet does not have ClusterDNS IP configured and cannot "
                        + "create Pod using \"ClusterFirst\" policy. Falling back to \"Default\" policy."))
        }
        notes += resolver.fitLimits().map { Note(reason: "DNSConfigForming", message: $0) }
        resolvConf = resolver.text
    }
}
