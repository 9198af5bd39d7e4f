import Base
import Kube

/// Sidecars: init containers that go on beside those that come after them, and end after all of them.
extension PodMachine {
    func isSidecar(_ record: ContainerRecord) -> Bool {
        record.isInit && plan.entry(record.name)?.restartPolicy == .always
    }

    /// When the container runs again: its own word, or the pod's.
    func policy(_ record: ContainerRecord) -> PodPlan.RestartPolicy {
        plan.entry(record.name)?.restartPolicy ?? plan.restartPolicy
    }

    /// Whether a run that ended with `exitCode` is followed by another.
    func restarts(_ record: ContainerRecord, after exitCode: Int32) -> Bool {
        // An init container that ended well has done its work.
        let hasRule =
            !(record.isInit && exitCode == 0)
            && plan.entry(record.name)?.restartRules.restart(after: exitCode) == true
        return isSidecar(record) || hasRule || policy(record).restarts(after: exitCode, isInit: record.isInit)
    }

    /// Begins what can begin of the init containers: each when those before it have ended well, or have started for
    /// those that go on. What has begun once is not held back by what is before it any more.
    ///
    /// - Returns: nil when one has failed for good; else whether the others can begin.
    mutating func advanceInit(_ directives: inout [PodDirective]) -> Bool? {
        let hasFailed = containers.contains { record in
            record.isInit && !isSidecar(record) && !record.hasSucceeded && isDone(record)
        }
        if hasFailed { return nil }
        var isReached = true
        for i in containers.indices where containers[i].isInit {
            let isSidecar = isSidecar(containers[i])
            if !isSidecar, containers[i].hasSucceeded { continue }
            if isReached || isSidecar && begunHere.contains(containers[i].name) { directives += begin(i) }
            if !isSidecar || !containers[i].isStarted { isReached = false }
        }
        return isReached || containers.contains { !$0.isInit && begunHere.contains($0.name) }
    }

    /// What ends with the pod waits for those that it serves: all that begins after it.
    func waitsForOthers(_ i: Int) -> Bool {
        stage == .terminating && isSidecar(containers[i]) && containers[(i + 1)...].contains(where: \.isLive)
    }

    /// Signals the sidecars that nobody needs any more.
    mutating func giveTurns(_ now: BootInstant) -> [PodDirective] {
        var directives: [PodDirective] = []
        for i in containers.indices.reversed()
        where endings[containers[i].name]?.phase == .turn && !waitsForOthers(i) {
            directives += signalLate(i, now)
        }
        return directives
    }
}
