import Kube
import PodSources

/// Why what is asked of a pod from outside cannot be done: of its containers, or of its subresources.
public struct ControlError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case noSuchPod
        case noSuchContainer
        /// The pod is in no state for it.
        case conflict
        /// What is asked for cannot be had.
        case invalid
        case notRecorded
    }
    public var reason: Reason
    public var description: String
}

extension ControlError {
    /// A request that is wrong in itself, in the API server's words.
    init(_ error: PodDecodingError, of key: PodKey) {
        let reasons = error.description.split(separator: "\n").joined(separator: ", ")
        self.init(reason: .invalid, description: "Pod \"\(key.name)\" is invalid: \(reasons)")
    }
}
