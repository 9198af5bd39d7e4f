import Base

/// Images that change while the pod runs.
extension PodMachine {
    /// Whether the containers can run other images where they are: the pod is there, has not failed, and none of them
    /// is an init container that has done its work, on which others may stand.
    func canChangeImages(of names: Set<String>) -> Bool {
        guard stage == .running, failure == nil, !isStopping else { return false }
        return !containers.contains {
            names.contains($0.name) && $0.isInit && !isSidecar($0) && $0.hasSucceeded
        }
    }

    /// Runs containers anew whose image is another now: what runs of them ends as the pod's grace period allows, what
    /// is held back is so no more, and one that had ended for good begins again.
    mutating func onEdited(_ new: PodPlan, _ now: BootInstant) -> [PodDirective] {
        let changed = Set(containers.map(\.name).filter { plan.entry($0)?.image != new.entry($0)?.image })
        guard canChangeImages(of: changed) else { return [] }
        plan = new
        var directives: [PodDirective] = []
        for i in containers.indices where changed.contains(containers[i].name) {
            let name = containers[i].name
            containers[i].backOff = CrashLoopBackOff()
            containers[i].pullDelay = nil
            if containers[i].isLive {
                // It is being killed, and begins again with the others.
                if isRestartingAll { continue }
                // One that the operator stops stays stopped.
                containers[i].mustRunAgain = !containers[i].isHeld
                directives += end(
                    i, plan.grace, "Container \(name) definition changed, will be restarted", now)
            } else {
                containers[i].heldUntil = nil
                rest(i)
            }
        }
        return directives + advance(now)
    }
}
