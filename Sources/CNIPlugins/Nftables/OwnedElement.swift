import Netlink

/// An element that an attachment wants in a set or map.
struct OwnedElement: Sendable, Hashable {
    var set: String
    var key: [UInt8]
    /// Nil in a set.
    var value: NftablesElement.Value?
    /// What it is for a person: `hostPort 8080/tcp`. Nil for what belongs to the attachment by its nature, as what is
    /// kept for the pod's own address: a former owner's, which had that address, is replaced.
    var contested: String?
}
