import CNIRuntime
import CNITypes
import JSON
import Kube
import PodRuntime

/// What a pod asks of its networks.
struct PodRequest {
    /// What the default network's plugins are told where they have the capability, and must have it.
    var needed = JSONObject()
    /// What they are told where they have the capability.
    var offered = JSONObject()
    /// Further networks.
    let selections: [NetworkSelection]
    let bandwidth: PodBandwidth
    /// CNI_ARGS: what kubelet and containerd tell plugins of a pod.
    let arguments: [String]
    let namespace: String
    private let resolver: () -> ResolverConfiguration?

    /// - Parameters:
    ///   - cgroup: the pod's, below the mount point.
    ///   - resolver: reads what the pod's resolv.conf is to be.
    init(_ pod: Pod, cgroup: String?, resolver: @escaping () -> ResolverConfiguration?) {
        self.resolver = resolver
        let uid = pod.metadata.uid
        namespace = pod.metadata.namespace
        arguments = [
            "IgnoreUnknown=1", "K8S_POD_NAMESPACE=\(pod.metadata.namespace)", "K8S_POD_NAME=\(pod.metadata.name)",
            "K8S_POD_INFRA_CONTAINER_ID=\(uid)", "K8S_POD_UID=\(uid)",
        ]
        // The manifest's decoder has refused what cannot be read.
        selections = (try? NetworkSelection.read(pod.metadata.annotations[NetworkSelection.annotation] ?? "")) ?? []
        bandwidth = PodBandwidth(pod.metadata.annotations)
        let mappings = Self.portMappings(pod)
        if !mappings.isEmpty { needed.append("portMappings", .array(mappings)) }
        if !bandwidth.isEmpty { offered.append("bandwidth", Self.json(bandwidth)) }
        if let cgroup { offered.append("cgroupPath", .string(cgroup)) }
    }

    /// What of it the plugins of a default network are told.
    func capabilityArguments(_ list: NetworkList) -> JSONObject {
        let capabilities = list.capabilities
        var arguments = JSONObject(needed.members + offered.members.filter { capabilities.contains($0.key) })
        if capabilities.contains("dns"), let resolver = resolver() {
            arguments.append(
                "dns",
                [
                    "servers": .strings(resolver.servers), "searches": .strings(resolver.searches),
                    "options": .strings(resolver.options),
                ])
        }
        return arguments
    }

    private static func portMappings(_ pod: Pod) -> [JSONValue] {
        (pod.spec.sidecars + pod.spec.containers).flatMap(\.ports).compactMap { port -> JSONValue? in
            guard let hostPort = port.hostPort else { return nil }
            var mapping = JSONObject()
            mapping.append("hostPort", .integer(hostPort))
            mapping.append("containerPort", .integer(port.containerPort))
            mapping.append("protocol", .string(port.protocol.rawValue.lowercased()))
            mapping.append("hostIP", ifPresent: port.hostIP.map { .string($0) })
            return .object(mapping)
        }
    }

    /// As containerd says it: the rate counts, and what comes at once is bounded only by the format.
    private static func json(_ bandwidth: PodBandwidth) -> JSONValue {
        var object = JSONObject()
        for (name, rate) in [("ingress", bandwidth.ingress), ("egress", bandwidth.egress)] {
            guard let rate else { continue }
            object.append(name + "Rate", .integer(rate))
            object.append(name + "Burst", .integer(Int64(UInt32.max)))
        }
        return .object(object)
    }
}
