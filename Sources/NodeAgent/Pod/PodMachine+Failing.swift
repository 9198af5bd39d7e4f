import Base

/// A pod that fails as a whole: its containers are ended as those of a pod that was asked to end, and it stays.
extension PodMachine {
    /// The pod has failed, or an earlier agent found it failed and did not live to end it.
    mutating func onFail(_ failure: PodFailure, _ now: BootInstant) -> [PodDirective] {
        // What ends already ends as it does.
        guard !isStopping, pendingStop == nil, stage == .preparing || stage == .running else { return [] }
        var directives: [PodDirective] = []
        if self.failure == nil { directives.append(.record(EventNote(failure.reason, failure.message))) }
        self.failure = failure
        // Held back for its next run, which does not come any more.
        for i in containers.indices where !containers[i].isHeld {
            guard case .waiting(.some, _) = containers[i].state, let end = containers[i].lastTermination else {
                continue
            }
            containers[i].state = .terminated(end)
        }
        return directives + (stage == .running ? endWhatRuns(plan.grace, now) : stopWhenKnown(plan.grace, now))
    }

    /// What the pod's status says of its failure: nothing while something of it still runs.
    var toldFailure: PodFailure? {
        switch stage {
        case .preparing, .running, .terminating: nil
        case .tearingDown, .finished, .gone: failure
        }
    }
}
