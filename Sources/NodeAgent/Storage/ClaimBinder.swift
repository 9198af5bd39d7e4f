import Kube

/// Which volume each claim has. A pure value: what it is told decides, and the same always decides the same.
///
/// A claim keeps the volume that it once had, whatever other volumes come: only its own word (`volumeName`) or its
/// volume's (`claimRef`) takes it away. A claim without one gets the volume that it names, else one that is reserved for
/// it, else the smallest of those that fit, the first by name among equals. Claims are served in the order of their
/// names, those that name a volume first.
struct ClaimBinder {
    /// The volume's name, by claim: also of claims and volumes that are not there now.
    private(set) var bindings: [DataObject.Key: String]
    /// The labels of this node.
    let labels: [String: String]

    init(_ bindings: [DataObject.Key: String], labels: [String: String]) {
        self.bindings = bindings
        self.labels = labels
    }

    /// The objects with what is bound to what. Phases and messages are set in all volumes and claims.
    ///
    /// - Parameter isWhole: every manifest could be read. Otherwise what is not there may only not be known.
    mutating func bind(_ objects: DataObjects, isWhole: Bool) -> DataObjects {
        forget(objects, isWhole: isWhole)
        var messages: [DataObject.Key: String] = [:]
        let claims = objects.all(.claim).filter { bindings[$0.key] == nil }
        let named = claims.filter { $0.claim?.volumeName.isEmpty == false }
        let reserved = Set(objects.all(.volume).compactMap { $0.volume?.claim?.key })
        let others = claims.filter { $0.claim?.volumeName.isEmpty != false }
        for claim in named + others.filter({ reserved.contains($0.key) })
            + others.filter({ !reserved.contains($0.key) })
        {
            switch choose(claim, objects) {
            case .success(let volume): bindings[claim.key] = volume
            case .failure(let why): messages[claim.key] = why.message
            }
        }
        return Self.marked(objects, bindings, messages)
    }

    /// Drops bindings that hold no more.
    private mutating func forget(_ objects: DataObjects, isWhole: Bool) {
        for (key, name) in bindings {
            let (claim, volume) = (objects[key]?.claim, objects[Self.volume(name)]?.volume)
            let isGone = claim == nil && volume == nil && isWhole
            let asksForOther = claim.map { !$0.volumeName.isEmpty && $0.volumeName != name } ?? false
            let isForOther = volume?.claim.map { $0.key != key } ?? false
            if isGone || asksForOther || isForOther { bindings[key] = nil }
        }
    }

    private static func volume(_ name: String) -> DataObject.Key {
        DataObject.Key(.volume, namespace: "", name: name)
    }

    private struct Unbound: Error {
        var message: String
    }

    private func choose(_ object: DataObject, _ objects: DataObjects) -> Result<String, Unbound> {
        guard let claim = object.claim else { return .failure(Unbound(message: "it is no claim")) }
        let taken = Set(bindings.values)
        if !claim.volumeName.isEmpty {
            let name = claim.volumeName
            guard let found = objects[Self.volume(name)], let volume = found.volume else {
                return .failure(Unbound(message: "persistentvolume \"\(name)\" not found"))
            }
            if taken.contains(name) || volume.claim.map({ $0.key != object.key }) == true {
                return .failure(Unbound(message: "volume \"\(name)\" already bound to a different claim."))
            }
            if let wrong = misfit(claim, volume, found.metadata.labels, isNamed: true) {
                return .failure(Unbound(message: "Cannot bind to requested volume \"\(name)\": \(wrong)"))
            }
            return .success(name)
        }
        var best: (name: String, volume: PersistentVolume)?
        var reasons: [String] = []
        for found in objects.all(.volume) {
            guard let volume = found.volume else { continue }
            let name = found.key.name
            let isReserved = volume.claim?.key == object.key
            if taken.contains(name) || volume.claim != nil && !isReserved {
                reasons.append("\(name) has another claim")
                continue
            }
            if let wrong = misfit(claim, volume, found.metadata.labels, isNamed: isReserved) {
                reasons.append("\(name): \(wrong)")
                continue
            }
            if isReserved { return .success(name) }
            if best.map({ volume.capacity < $0.volume.capacity }) ?? true { best = (name, volume) }
        }
        if let best { return .success(best.name) }
        let all = reasons.prefix(5).joined(separator: "; ") + (reasons.count > 5 ? "; ..." : "")
        return .failure(
            Unbound(
                message: "no persistent volumes available for this claim" + (reasons.isEmpty ? "" : " (\(all))")))
    }

    /// Why a volume is none for a claim; nil when it is. In the words of Kubernetes' controller.
    private func misfit(
        _ claim: PersistentVolumeClaim, _ volume: PersistentVolume, _ labels: [String: String], isNamed: Bool
    ) -> String? {
        if volume.capacity < claim.request { return "requested PV is too small" }
        if let nodes = volume.nodes, !nodes.matches(self.labels) { return "node had volume node affinity conflict" }
        if volume.storageClass != claim.storageClass { return "storageClassName does not match" }
        if !claim.accessModes.isSubset(of: volume.accessModes) { return "incompatible accessMode" }
        if !isNamed, let selector = claim.selector, !selector.matches(labels) { return "its labels are not selected" }
        return nil
    }

    /// The objects with what is bound to what.
    ///
    /// - Parameter otherwise: why claims are not bound that have no message of their own.
    static func marked(
        _ objects: DataObjects, _ bindings: [DataObject.Key: String], _ messages: [DataObject.Key: String],
        otherwise: String = ""
    ) -> DataObjects {
        var result: [DataObject] = []
        let owners = Dictionary(bindings.map { ($0.value, $0.key) }, uniquingKeysWith: { a, b in min(a, b) })
        for kind in DataObject.Kind.allCases {
            for var object in objects.all(kind) {
                let key = object.key
                if let name = bindings[key] {
                    object.claim?.volumeName = name
                    object.claim?.phase = objects[Self.volume(name)] == nil ? .lost : .bound
                } else {
                    object.claim?.message = messages[key] ?? otherwise
                }
                if kind == .volume, let owner = owners[key.name] {
                    object.volume?.claim = .init(namespace: owner.namespace, name: owner.name)
                    object.volume?.phase = objects[owner] == nil ? .released : .bound
                }
                result.append(object)
            }
        }
        return DataObjects(result)
    }
}
