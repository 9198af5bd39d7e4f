import Images
import Kube

/// Whether a container's image is taken as it is here, as the kubelet's policies say.
enum PullDecision: Hashable, Sendable {
    /// The one that is here.
    case use
    case pull
    /// It is not here, and may not be pulled.
    case refuse

    /// - Parameters:
    ///   - isOpen: the manifest does not say the policy itself.
    ///   - isHere: the image is on the node.
    ///   - isPulled: it came from a registry. One that was loaded from an archive is what the operator wants to run:
    ///     only a manifest that says `Always` itself asks a registry for another.
    init(_ policy: PullPolicy, isOpen: Bool, isHere: Bool, isPulled: Bool) {
        switch policy {
        case .never: self = isHere ? .use : .refuse
        case .ifNotPresent: self = isHere ? .use : .pull
        case .always: self = isHere && isOpen && !isPulled ? .use : .pull
        }
    }
}
