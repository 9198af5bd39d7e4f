import Base
import Kube

/// What is the same for all containers of one pod instance.
public struct PodContext: Hashable, Sendable {
    /// The pod, with its UID.
    public var pod: Pod
    public var directory: PodDirectory
    public var node: NodeFacts
    /// Empty for a pod without an address.
    public var podIPs: [String]
    /// The name inside: the node's with hostNetwork.
    public var names: PodNames
    public var hostname: String { names.kernel }
    /// The folder of all pods' logs, `/var/log/pods`.
    public var logs: String
    /// Where each of the pod's volumes lies on the host, by its name: what `PodVolumes.prepare` returned.
    public var volumes: [String: String] = [:]

    public init(
        pod: Pod, directory: PodDirectory, node: NodeFacts, podIPs: [String], names: PodNames, logs: String,
        volumes: [String: String] = [:]
    ) {
        self.pod = pod
        self.directory = directory
        self.node = node
        self.podIPs = podIPs
        self.names = names
        self.logs = logs
        self.volumes = volumes
    }

    /// `name_namespace(uid)`, as the kubelet's messages name a pod.
    var display: String { Self.display(pod) }

    /// `name_namespace(uid)`.
    public static func display(_ pod: Pod) -> String {
        "\(pod.metadata.name)_\(pod.metadata.namespace)(\(pod.metadata.uid))"
    }

    /// The folder of the pod's logs.
    public var logFolder: String { Self.logFolder(of: pod, in: logs) }

    /// `<logs>/<namespace>_<name>_<uid>`. What stands in these was validated, and the UID made `directory`.
    public static func logFolder(of pod: Pod, in logs: String) -> String {
        let metadata = pod.metadata
        return Path.join(logs, "\(metadata.namespace)_\(metadata.name)_\(metadata.uid)")
    }

    /// The log file of one attempt of a container.
    public func logPath(container: String, attempt: Int) -> String { "\(logFolder)/\(container)/\(attempt).log" }
}
