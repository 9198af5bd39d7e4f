/// Which system calls a process may make.
public struct SeccompProfile: Sendable, Hashable {
    public var defaultAction: SeccompAction
    public var architectures: [SeccompArchitecture]
    public var rules: [SeccompRule]
    /// Calls that are newer than every one of the profile fail with ENOSYS, so that programs fall back to what they
    /// know instead of giving up on EPERM.
    public var newerCallsAreUnknown: Bool

    public init(
        defaultAction: SeccompAction, architectures: [SeccompArchitecture] = SeccompArchitecture.usable,
        rules: [SeccompRule] = [], newerCallsAreUnknown: Bool = true
    ) {
        self.defaultAction = defaultAction
        self.architectures = architectures
        self.rules = rules
        self.newerCallsAreUnknown = newerCallsAreUnknown
    }
}
