import JSON
import Kube

/// Decides which place each object is taken from. One that several places name stays with the one that it is taken
/// from.
public struct PodClaims: Sendable {
    private var owners: [PodKey: String]
    private var objectOwners: [DataObject.Key: String] = [:]
    /// What may not change for as long as it is there.
    private var immutable: [DataObject.Key: ManifestObject] = [:]

    /// - Parameter owners: where each pod was taken from before.
    public init(owners: [PodKey: String] = [:]) { self.owners = owners }

    /// What is wanted by all of `reports` together, by namespace and name, and everything that is wrong.
    public mutating func resolve(_ reports: [SourceReport]) -> Wanted {
        let claims = reports.flatMap(\.claims)
        var wanted = Wanted(problems: reports.flatMap(\.problems))
        for (pod, place) in Self.choose(
            claims.map { ($0.place, $0.contents.pods) }, key: \.key, value: \.value, word: "pod ", &owners,
            &wanted.problems)
        {
            wanted.pods.append(WantedPod(manifest: pod, path: place))
        }
        for (object, place) in Self.choose(
            claims.map { ($0.place, $0.contents.objects) }, key: \.key, value: \.value, word: "", &objectOwners,
            &wanted.problems)
        {
            wanted.objects.append(WantedObject(manifest: hold(object, place, &wanted.problems), path: place))
        }
        immutable = Dictionary(
            wanted.objects.filter(\.manifest.object.isImmutable).map { ($0.manifest.key, $0.manifest) },
            uniquingKeysWith: { first, _ in first })
        return wanted
    }

    /// The object as it holds: one that was said to be immutable stays as it was until it is removed.
    private func hold(
        _ object: ManifestObject, _ place: String, _ problems: inout [ManifestProblem]
    ) -> ManifestObject {
        guard let before = immutable[object.key] else { return object }
        let (old, new) = (before.object, object.object)
        if new.isImmutable, old.data == new.data, old.binaryData == new.binaryData { return object }
        problems.append(
            ManifestProblem(
                path: place, position: object.value.position,
                message: "\(object.key) is immutable and stays as it was; remove it first, or use another name"))
        return before
    }

    private static func choose<Key: Hashable & Comparable, Item>(
        _ claims: [(place: String, items: [Item])], key: (Item) -> Key, value: (Item) -> JSONValue, word: String,
        _ owners: inout [Key: String], _ problems: inout [ManifestProblem]
    ) -> [(Item, place: String)] {
        var found: [Key: [(place: String, item: Item)]] = [:]
        for claim in claims {
            for item in claim.items { found[key(item), default: []].append((claim.place, item)) }
        }
        var chosen: [(Item, place: String)] = []
        var newOwners: [Key: String] = [:]
        for (key, found) in found.sorted(by: { $0.key < $1.key }) {
            guard let owner = found.first(where: { $0.place == owners[key] }) ?? found.first else { continue }
            newOwners[key] = owner.place
            chosen.append((owner.item, owner.place))
            for other in found where other.place != owner.place {
                problems.append(
                    ManifestProblem(
                        path: other.place, position: value(other.item).position,
                        message: "\(word)\(key) is named by \(owner.place) too; that one is used, rename or remove "
                            + "one of them"))
            }
        }
        owners = newOwners
        return chosen
    }
}
