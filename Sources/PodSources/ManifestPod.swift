import JSON
import Kube

/// Namespace and name: what one pod at a time may have on a node.
public struct PodKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var namespace: String
    public var name: String

    public init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    public static func < (a: PodKey, b: PodKey) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
    public var description: String { "\(namespace)/\(name)" }
}

/// A pod as a manifest has it.
public struct ManifestPod: Sendable {
    public var key: PodKey
    /// The manifest's own value, with places: what the pod is compared by.
    public var value: JSONValue
    /// Decoded, with defaults.
    public var pod: Pod
    /// Fields that have no effect on this node.
    public var ineffective: [String]

    public init(key: PodKey, value: JSONValue, pod: Pod, ineffective: [String]) {
        self.key = key
        self.value = value
        self.pod = pod
        self.ineffective = ineffective
    }

    /// The containers whose manifest leaves `imagePullPolicy` open: theirs is Kubernetes' default for the tag.
    public var openPullPolicies: Set<String> {
        var names: Set<String> = []
        for list in ["initContainers", "containers"] {
            for container in value["spec"]?[list]?.arrayValue ?? []
            where container["imagePullPolicy"]?.stringValue ?? "" == "" {
                if let name = container["name"]?.stringValue { names.insert(name) }
            }
        }
        return names
    }

    /// The volumes of images whose manifest leaves `pullPolicy` open.
    public var openVolumePolicies: Set<String> {
        let volumes = value["spec"]?["volumes"]?.arrayValue ?? []
        let open = volumes.filter { $0["image"] != nil && $0["image"]?["pullPolicy"]?.stringValue ?? "" == "" }
        return Set(open.compactMap { $0["name"]?.stringValue })
    }
}
