/// A version of the CNI specification that is spoken here.
public enum CNIVersion: String, Sendable, Hashable, CaseIterable, Comparable {
    case v030 = "0.3.0"
    case v031 = "0.3.1"
    case v040 = "0.4.0"
    case v100 = "1.0.0"
    case v110 = "1.1.0"

    /// The newest: what is answered when the caller names none.
    public static let current = CNIVersion.v110

    // All components are single digits: the order of the texts is the order of the versions.
    public static func < (a: CNIVersion, b: CNIVersion) -> Bool { a.rawValue < b.rawValue }
}
