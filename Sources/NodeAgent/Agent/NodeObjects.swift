import Kube
import PodSources

/// The ConfigMaps and Secrets that hold on this node. They are in memory only: the manifests are where they last.
@LoopActor
public final class NodeObjects {
    public private(set) var current = DataObjects()
    /// Where each is taken from.
    public private(set) var places: [DataObject.Key: String] = [:]

    public init() {}

    /// Makes these what holds.
    ///
    /// - Returns: what is not as it was.
    func set(_ wanted: [WantedObject]) -> Set<DataObject.Key> {
        let objects = DataObjects(wanted.map(\.manifest.object))
        let changes = current.changes(to: objects)
        current = objects
        places = Dictionary(wanted.map { ($0.manifest.key, $0.path) }, uniquingKeysWith: { first, _ in first })
        return changes
    }
}
