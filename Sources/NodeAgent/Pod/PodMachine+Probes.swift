import Base

/// Containers that are started and ready, as far as is known of those that run.
extension PodMachine {
    /// The container's process runs. Nothing has looked at it yet.
    mutating func runs(_ i: Int, since start: Timestamp) {
        containers[i].state = .running(since: start)
        containers[i].isStarted = true
        containers[i].isReady = !containers[i].isInit
        containers[i].hasFailedProbe = false
    }
}
