import Kube

extension ResolverConfiguration {
    /// What a pod asks whom, by its dnsPolicy and dnsConfig as the kubelet puts them together.
    ///
    /// - Parameters:
    ///   - host: the node's own.
    ///   - misses: set when the pod wants the cluster's DNS and the node knows of none: it gets the node's instead.
    public init(_ pod: Pod, node: NodeFacts, host: ResolverConfiguration, misses: inout Bool) {
        let spec = pod.spec
        // On the host's network ClusterFirst is Default.
        let wantsCluster =
            spec.dnsPolicy == .clusterFirstWithHostNet || spec.dnsPolicy == .clusterFirst && !spec.hostNetwork
        if spec.dnsPolicy == .none {
            self.init()
        } else if wantsCluster, !node.clusterDNS.isEmpty {
            let services = "svc.\(node.clusterDomain)"
            self.init(servers: node.clusterDNS, options: ["ndots:5"])
            append(
                ResolverConfiguration(
                    searches: ["\(pod.metadata.namespace).\(services)", services, node.clusterDomain] + host.searches))
        } else {
            self = host
            misses = wantsCluster
        }
        guard let config = spec.dnsConfig else { return }
        append(
            ResolverConfiguration(
                servers: config.nameservers, searches: config.searches,
                options: config.options.map { option in
                    option.value.map { "\(option.name):\($0)" } ?? option.name
                }))
    }
}
