import Kube

/// Who is told what becomes of the pods: a URL, later an API server. Used from the loop's thread alone.
public protocol StatusReporter: AnyObject {
    /// The pod, with its status, has changed, or is there again after a start of the agent.
    func report(_ pod: Pod)

    /// The instance is over and nothing of it is left. `kept` is called, on the loop and once, when this will be told
    /// even if the agent is killed now; until then its record stays.
    func reportEnd(_ pod: Pod, kept: @escaping () -> Void)
}
