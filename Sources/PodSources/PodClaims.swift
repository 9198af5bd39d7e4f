import JSON

/// Decides which place each pod is taken from. A pod that several places name stays with the one that it is taken from.
public struct PodClaims: Sendable {
    private var owners: [PodKey: String]

    /// - Parameter owners: where each pod was taken from before.
    public init(owners: [PodKey: String] = [:]) { self.owners = owners }

    /// What is wanted by all of `reports` together, by namespace and name, and everything that is wrong.
    public mutating func resolve(_ reports: [SourceReport]) -> (pods: [WantedPod], problems: [ManifestProblem]) {
        var claims: [PodKey: [(place: String, pod: ManifestPod)]] = [:]
        for claim in reports.flatMap(\.claims) {
            for pod in claim.pods { claims[pod.key, default: []].append((claim.place, pod)) }
        }
        var wanted: [WantedPod] = []
        var problems = reports.flatMap(\.problems)
        var newOwners: [PodKey: String] = [:]
        for (key, found) in claims.sorted(by: { $0.key < $1.key }) {
            guard let owner = found.first(where: { $0.place == owners[key] }) ?? found.first else { continue }
            newOwners[key] = owner.place
            wanted.append(WantedPod(manifest: owner.pod, path: owner.place))
            for other in found where other.place != owner.place {
                problems.append(
                    ManifestProblem(
                        path: other.place, position: other.pod.value.position,
                        message: "pod \(key) is named by \(owner.place) too; that one is used, rename or remove one "
                            + "of them"))
            }
        }
        owners = newOwners
        return (wanted, problems)
    }
}
