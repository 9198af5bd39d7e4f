import Base

/// How a pod ends: because it was asked to, or because its supervisor died.
extension PodMachine {
    mutating func onStop(_ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        guard !isStopping else { return shorten(grace, now) }
        isStopping = true
        switch stage {
        case .preparing where isReconnecting && pendingStop == nil: return stopWhenKnown(grace, now)
        case .preparing where pendingStop != nil, .terminating: return shorten(grace, now)
        case .preparing, .running: return endWhatRuns(grace, now)
        case .finished:
            stage = .tearingDown(final: true)
            return [.tearDown(final: true)]
        // What is being released is asked for its files when it is done.
        case .tearingDown, .gone: return []
        }
    }

    /// Asked to end once more: what it has left becomes less, and never more.
    mutating func shorten(_ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        if let pending = pendingStop, now + grace < pending.until {
            pendingStop = (grace, now + grace)
            return isWaitingToRetry ? [.arm(.sandboxRetry, after: Nanoseconds(0))] : []
        }
        guard stage == .terminating, let end = graceEnd, now + grace < end else { return [] }
        graceEnd = now + grace
        endings = endings.mapValues { ending in
            var ending = ending
            ending.until = min(ending.until, now + grace)
            return ending
        }
        return [.arm(.graceOver, after: grace)]
    }

    mutating func endWhatRuns(_ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        stage = .terminating
        graceEnd = now + grace
        var directives: [PodDirective] = []
        for i in containers.indices where containers[i].isLive {
            let name = containers[i].name
            stoppedContainers.insert(name)
            directives.append(.record(EventNote("Killing", "Stopping container \(name)", container: name)))
            directives += askToEnd(i, within: grace, now)
        }
        directives += endEphemeral()
        guard !directives.isEmpty else { return endTerminationIfQuiet(now) }
        return directives + [.arm(.graceOver, after: grace)]
    }

    mutating func endTerminationIfQuiet(_ now: BootInstant) -> [PodDirective] {
        guard stage == .terminating else { return [] }
        return everyContainer.contains(where: \.isLive) ? giveTurns(now) : tearDownAfterEnd()
    }

    /// What ran has ended: a pod that was asked to end goes, one that failed stays.
    mutating func tearDownAfterEnd() -> [PodDirective] {
        stage = .tearingDown(final: isStopping)
        return [.tearDown(final: isStopping)]
    }

    mutating func onTornDown() -> [PodDirective] {
        guard case .tearingDown(let final) = stage else { return [] }
        if final {
            stage = .gone
            return [.finished]
        }
        if isStopping {
            stage = .tearingDown(final: true)
            return [.tearDown(final: true)]
        }
        stage = .finished
        return []
    }

    mutating func onSupervisorLost(_ time: Timestamp, _ now: BootInstant) -> [PodDirective] {
        // Where the agent has just come, or tries to reach it, it learns of it while it prepares.
        guard [.preparing, .running, .terminating].contains(stage) else { return [] }
        let hasRun = stage != .preparing || containers.contains(where: \.isLive)
        if stage == .preparing { stage = pendingStop == nil ? .running : .terminating }
        isReconnecting = false
        sandboxFailures = 0
        var directives: [PodDirective] = []
        if hasRun {
            directives.append(
                .record(
                    EventNote(
                        "SupervisorLost", "The pod's supervisor ended unexpectedly; its containers were killed.",
                        warning: true)))
        }
        loseEphemeral(at: time)
        var mustFail = false
        for i in containers.indices where containers[i].isLive {
            var started: Timestamp?
            if case .running(let since) = containers[i].state { started = since }
            let end = ContainerRecord.Termination(
                exitCode: 137, reason: "ContainerStatusUnknown",
                message: "The container could not be located when its supervisor ended", startedAt: started,
                finishedAt: time, containerID: containers[i].containerID)
            directives += forgetEnding(i)
            containers[i].state = .terminated(end)
            containers[i].lastTermination = end
            stoppedByOperator.remove(containers[i].name)
            if stage == .running, containers[i].isHeld || containers[i].mustRunAgain || isRestartingAll {
                containers[i].mustRunAgain = false
                rest(i)
            } else if stage == .running {
                if restarts(containers[i], after: 137) {
                    containers[i].state = .waiting(reason: nil, message: nil)
                } else {
                    mustFail = true
                }
            }
        }
        if stage == .terminating { return directives + endTerminationIfQuiet(now) }
        if mustFail { return directives + finish(now) }
        // A new sandbox starts from the beginning, as the kubelet does: init containers run again unless all is done.
        if containers.contains(where: { !$0.isInit && !isDone($0) }) {
            begunHere = []
            for i in containers.indices where containers[i].isInit && containers[i].termination != nil {
                rest(i)
            }
            stage = .preparing
            if hasRun {
                directives.append(
                    .record(EventNote("SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")))
            }
            directives.append(.makeSandbox)
            return directives
        }
        return directives + finish(now)
    }
}
