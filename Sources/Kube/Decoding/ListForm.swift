/// How a request to a subresource of a pod names a list of what it wants.
public enum ListForm: Sendable, Hashable {
    /// The whole list, as it is to be.
    case whole
    /// A strategic merge patch: those of known keys are changed, others are added.
    case strategic
}
