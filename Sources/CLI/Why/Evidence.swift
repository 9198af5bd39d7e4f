import Base
import JSON
import Kube

/// All that is known of a pod in trouble.
struct Evidence {
    var key: String
    /// Nil when the agent has no such pod.
    var pod: Pod?
    /// Of the pod, oldest first.
    var events: [Event] = []
    /// What is wrong with the manifests that name the pod.
    var problems: [Problem] = []
    var isDraining = false
    /// The last lines that each container wrote in its last run that ended.
    var output: [String: [String]] = [:]
    var now: Timestamp
}

/// A cause that was found, with the chain that leads to it.
struct Cause: Hashable {
    var fault: Fault
    /// Nil for the pod.
    var container: String?
    /// From what one sees to what is behind it, without the fault's own meaning, which is the end.
    var chain: [String]
    /// The words that it was found by; empty when there are none.
    var said: [String] = []
}
