import Kube

/// What a pod is called inside.
public struct PodNames: Hashable, Sendable {
    /// The short name, in /etc/hosts.
    public var host: String
    /// `<subdomain>.<namespace>.svc.<cluster domain>` when the pod has a subdomain.
    public var domain: String?
    /// What the kernel, /etc/hostname and the variable HOSTNAME say: the short name, or with `setHostnameAsFQDN` the whole.
    public var kernel: String

    public init(host: String, domain: String? = nil, kernel: String? = nil) {
        self.host = host
        self.domain = domain
        self.kernel = kernel ?? host
    }

    /// A name that the kernel has no room for, in the kubelet's words.
    public struct TooLong: Error, Hashable, CustomStringConvertible {
        public var name: String
        public var description: String {
            "failed to construct FQDN from pod hostname and cluster domain, FQDN \(name) is too long "
                + "(\(PodNames.longest) characters is the max, \(name.utf8.count) characters requested)"
        }
    }

    /// The kernel's limit.
    static let longest = 64

    /// - Parameter nodeHostname: what the machine is called: a pod on its network has that name.
    public init(_ pod: Pod, node: NodeFacts, nodeHostname: String) throws(TooLong) {
        let spec = pod.spec
        if spec.hostNetwork {
            self.init(host: nodeHostname)
        } else if let name = spec.hostnameOverride {
            self.init(host: name)
        } else {
            self.init(
                host: PodHostname.name(podName: pod.metadata.name, hostname: spec.hostname) ?? pod.metadata.name,
                domain: PodHostname.domain(
                    subdomain: spec.subdomain, namespace: pod.metadata.namespace, clusterDomain: node.clusterDomain))
            guard spec.setHostnameAsFQDN, let domain else { return }
            kernel = "\(host).\(domain)"
        }
        if kernel.utf8.count > Self.longest, !spec.hostNetwork { throw TooLong(name: kernel) }
    }
}
