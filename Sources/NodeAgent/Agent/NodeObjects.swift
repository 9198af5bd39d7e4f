import Base
import Kube
import PodSources

/// The objects beside pods that hold on this node. They are in memory only: the manifests are where they last. Which
/// claim has which volume is kept.
@LoopActor
public final class NodeObjects {
    public private(set) var current = DataObjects()
    /// Where each is taken from.
    public private(set) var places: [DataObject.Key: String] = [:]
    /// What the agent is to say about claims that it cannot bind at all.
    public var onTrouble: (String) -> Void = { _ in }

    private let store: ClaimStore
    private let labels: [String: String]
    /// Nil as long as it is not known which claim has which volume.
    private var bindings: [DataObject.Key: String]?
    /// As the manifests have them.
    private var wanted = DataObjects()
    private var isWhole = false

    /// - Parameters:
    ///   - store: the file that says which claim has which volume; nil for none.
    ///   - labels: those of the node.
    public init(store: String? = nil, labels: [String: String] = [:]) {
        self.store = ClaimStore(path: store)
        self.labels = labels
    }

    /// Makes these what holds.
    ///
    /// - Parameter isWhole: every manifest could be read.
    /// - Returns: what is not as it was.
    func set(_ objects: [WantedObject], isWhole: Bool = true) -> Set<DataObject.Key> {
        wanted = DataObjects(objects.map(\.manifest.object))
        self.isWhole = isWhole
        places = Dictionary(objects.map { ($0.manifest.key, $0.path) }, uniquingKeysWith: { first, _ in first })
        return update()
    }

    /// Whether claims could not be bound because that could not be written down or read: it is tried again.
    private(set) var isToBeTried = false

    /// Binds claims again that could not be.
    func retry() { if isToBeTried { _ = update() } }

    private func update() -> Set<DataObject.Key> {
        let before = current
        current = bound()
        var changes = before.changes(to: current)
        // Who has a claim has its volume.
        let volumes = Set(changes.filter { $0.kind == .volume }.map(\.name))
        for claim in current.all(.claim) {
            if let name = claim.claim?.volumeName, volumes.contains(name) { changes.insert(claim.key) }
        }
        return changes
    }

    private func bound() -> DataObjects {
        if wanted.all(.claim).isEmpty, wanted.all(.volume).isEmpty, bindings?.isEmpty ?? false { return wanted }
        isToBeTried = false
        do {
            let known = try bindings ?? store.read()
            var binder = ClaimBinder(known, labels: labels)
            let objects = binder.bind(wanted, isWhole: isWhole)
            // On disk before anybody sees it.
            if binder.bindings != known { try store.write(binder.bindings) }
            bindings = binder.bindings
            return objects
        } catch {
            isToBeTried = true
            onTrouble("claims are not bound: it cannot be read or written which has which volume: \(error)")
            return unbound("it cannot be read or written which claim has which volume: \(error)")
        }
    }

    /// Nothing new is bound; what was bound stays so.
    private func unbound(_ message: String) -> DataObjects {
        guard let bindings else {
            return DataObjects(
                DataObject.Kind.allCases.flatMap(wanted.all).map { object in
                    var object = object
                    object.claim?.message = message
                    return object
                })
        }
        return ClaimBinder.marked(wanted, bindings, [:], otherwise: message)
    }
}
