/// The operator's files that pulls follow; each is read anew for every pull.
public struct PullFiles: Hashable, Sendable {
    /// Which mirrors registries have, and how they are spoken to.
    public var registries = "/etc/swiftlet/registries.yaml"
    /// Whose signatures images must bear.
    public var signatures = "/etc/swiftlet/signatures.yaml"

    public init() {}

    /// - Parameter root: of the node's folders.
    public init(root: String) {
        registries = root + registries
        signatures = root + signatures
    }
}
