/// Why a container cannot be made as its manifest and image say.
public struct ContainerConfigError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason of the waiting state.
    public enum Reason: String, Hashable, Sendable {
        /// The pod asks for what cannot be determined.
        case createContainerConfig = "CreateContainerConfigError"
        /// The container cannot be made of its image.
        case createContainer = "CreateContainerError"
    }
    public var reason: Reason
    /// The message of the waiting state, in the kubelet's words where it has some.
    public var message: String

    /// A ConfigMap or Secret is not there, or not as it is asked for: nothing is different before one changes.
    public var isOfObject: Bool

    public init(_ reason: Reason, _ message: String, isOfObject: Bool = false) {
        self.reason = reason
        self.message = message
        self.isOfObject = isOfObject
    }

    public var description: String { message }
}
