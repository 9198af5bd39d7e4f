/// The ConfigMaps, Secrets, PersistentVolumes and claims of a node.
public struct DataObjects: Sendable {
    private var objects: [DataObject.Key: DataObject] = [:]

    public init(_ objects: [DataObject] = []) {
        for object in objects { self.objects[object.key] = object }
    }

    public subscript(_ key: DataObject.Key) -> DataObject? { objects[key] }

    /// All of a kind, by namespace and name.
    public func all(_ kind: DataObject.Kind) -> [DataObject] {
        objects.values.filter { $0.kind == kind }.sorted { $0.key < $1.key }
    }

    /// What is not the same in `other`, or not there.
    public func changes(to other: DataObjects) -> Set<DataObject.Key> {
        Set(objects.keys).union(other.objects.keys).filter { objects[$0] != other.objects[$0] }
    }
}

extension Pod {
    /// The claims that the pod names.
    public var claims: [DataObject.Key] {
        spec.volumes.compactMap(\.claim).map {
            DataObject.Key(.claim, namespace: metadata.namespace, name: $0.claimName)
        }
    }

    /// The ConfigMaps, Secrets and claims that the pod names.
    public var references: Set<DataObject.Key> {
        var keys: Set<DataObject.Key> = []
        func add(_ kind: DataObject.Kind, _ name: String) {
            keys.insert(DataObject.Key(kind, namespace: metadata.namespace, name: name))
        }
        for container in spec.allContainers {
            for source in container.envFrom {
                if let reference = source.reference { add(reference.kind, reference.name) }
            }
            for variable in container.env {
                if let reference = variable.valueFrom?.keyRef { add(reference.kind, reference.name) }
            }
        }
        for volume in spec.volumes {
            for source in volume.dataSources { add(source.kind, source.name) }
        }
        for name in spec.imagePullSecrets { add(.secret, name) }
        keys.formUnion(claims)
        return keys
    }
}
