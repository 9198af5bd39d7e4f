import Base

/// Containers that the operator stops, starts and restarts while the pod stays.
extension PodMachine {
    mutating func control(
        _ control: PodControl, _ names: Set<String>, grace: Nanoseconds, _ now: BootInstant
    ) -> [PodDirective] {
        guard !isStopping, stage == .preparing || stage == .running else { return [] }
        var directives: [PodDirective] = []
        // An init container that has done its work is done.
        for i in containers.indices
        where names.contains(containers[i].name)
            && !(containers[i].isInit && containers[i].hasSucceeded && !isSidecar(containers[i]))
        {
            containers[i].isHeld = control == .stop
            containers[i].mustRunAgain = control == .restart && containers[i].isLive
            if containers[i].isLive {
                // It is being killed, and begins again with the others unless it is stopped.
                if isRestartingAll { continue }
                switch control {
                case .stop, .restart: directives += stop(i, grace, now)
                // It was being stopped, and is to run on: it ends, and begins anew.
                case .start: containers[i].mustRunAgain = stoppedByOperator.contains(containers[i].name)
                }
            } else {
                containers[i].heldUntil = nil
                containers[i].backOff = CrashLoopBackOff()
                rest(i)
            }
        }
        return stage == .running ? directives + advance(now) : directives
    }

    /// Asks a container to end that was asked before, by an earlier agent or over an earlier connection.
    mutating func stopAgain(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        // What was asked over a connection that is gone may not have been heard.
        stoppedByOperator.remove(containers[i].name)
        return stop(i, .seconds(30), now)
    }

    private mutating func stop(_ i: Int, _ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        end(i, grace, "Stopping container \(containers[i].name), as the operator asked", now)
    }

    /// Asks one container to end, whatever follows, unless it was asked before.
    mutating func end(_ i: Int, _ grace: Nanoseconds, _ message: String, _ now: BootInstant) -> [PodDirective] {
        let name = containers[i].name
        guard stoppedByOperator.insert(name).inserted else { return [] }
        return [.record(EventNote("Killing", message, container: name))] + askToEnd(i, within: grace, now)
    }

    /// Puts a container that does not run where it waits: for the operator, or for its turn.
    mutating func rest(_ i: Int) {
        if case .terminated(let end) = containers[i].state { containers[i].lastTermination = end }
        containers[i].state =
            containers[i].isHeld
            ? .waiting(reason: "Stopped", message: "stopped by the operator; \"swiftlet start\" starts it")
            : .waiting(reason: nil, message: nil)
    }

    /// What follows the end of a container that the operator asked to stop; nil when that was not asked.
    mutating func endedByOperator(_ i: Int, _ now: BootInstant) -> [PodDirective]? {
        stoppedByOperator.remove(containers[i].name)
        guard containers[i].isHeld || containers[i].mustRunAgain else { return nil }
        containers[i].mustRunAgain = false
        rest(i)
        return advance(now)
    }

    /// Nothing of the pod is to run: its init containers neither.
    var isHeldWhole: Bool {
        containers.contains { !$0.isInit } && containers.allSatisfy { $0.isInit || $0.isHeld }
    }
}
