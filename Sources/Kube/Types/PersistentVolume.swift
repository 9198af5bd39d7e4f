import JSON

/// What core/v1.PersistentVolume says: storage of this node that outlives pods.
public struct PersistentVolume: Hashable, Sendable {
    /// Where it lies.
    public enum Source: Hashable, Sendable {
        /// A folder that must be there.
        case local(path: String)
        case hostPath(HostPathVolumeSource)
    }

    /// The claim that has it, or for which it is reserved.
    public struct ClaimReference: Hashable, Sendable {
        public var namespace: String
        public var name: String

        public init(namespace: String, name: String) {
            self.namespace = namespace
            self.name = name
        }

        public var key: DataObject.Key { DataObject.Key(.claim, namespace: namespace, name: name) }
    }

    public enum Phase: String, Hashable, Sendable {
        case available = "Available"
        case bound = "Bound"
        /// Its claim is gone.
        case released = "Released"
    }

    public var source: Source
    public var capacity: Quantity
    public var accessModes: Set<AccessMode>
    public var storageClass: String
    public var claim: ClaimReference?
    /// The nodes that it is on; nil for all.
    public var nodes: NodeSelector?
    public var phase = Phase.available
    /// The manifest's, for printing.
    var spec: JSONObject

    public init(
        _ source: Source, capacity: Quantity, accessModes: Set<AccessMode>, storageClass: String = "",
        claim: ClaimReference? = nil, nodes: NodeSelector? = nil
    ) {
        self.source = source
        self.capacity = capacity
        self.accessModes = accessModes
        self.storageClass = storageClass
        self.claim = claim
        self.nodes = nodes
        spec = JSONObject()
    }

    /// Of a spec whose shape was checked.
    init(spec value: JSONValue) {
        let local = value["local"].flatMap { $0.text("path") }
        let host: HostPathVolumeSource? = value.value("hostPath")
        self.init(
            host.map { .hostPath($0) } ?? .local(path: local ?? ""),
            capacity: value.quantities("capacity")["storage"] ?? Quantity(0),
            accessModes: AccessMode.all(value), storageClass: value.text("storageClassName") ?? "")
        if let reference = value["claimRef"], let name = reference.text("name") {
            claim = ClaimReference(namespace: reference.text("namespace") ?? "default", name: name)
        }
        nodes = value["nodeAffinity"]?["required"].map { NodeSelector($0) }
        spec = value.objectValue ?? JSONObject()
    }

    var json: (spec: JSONValue, status: JSONValue) {
        var object = spec
        if let claim {
            object["claimRef"] = [
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": .string(claim.name),
                "namespace": .string(claim.namespace),
            ]
        }
        return (.object(object), ["phase": .string(phase.rawValue)])
    }
}

/// How the pods of a node, or of several, may use a volume.
public enum AccessMode: String, Hashable, Sendable, CaseIterable {
    case readWriteOnce = "ReadWriteOnce"
    case readOnlyMany = "ReadOnlyMany"
    case readWriteMany = "ReadWriteMany"
    /// By one pod at a time.
    case readWriteOncePod = "ReadWriteOncePod"

    static func all(_ spec: JSONValue) -> Set<AccessMode> {
        Set(spec.strings("accessModes").compactMap { AccessMode(rawValue: $0) })
    }
}
