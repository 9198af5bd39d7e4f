import Base

/// Taking up where an earlier run of the agent left off.
extension PodMachine {
    /// A machine that goes on where the one was that the record is of.
    init(_ plan: PodPlan, restoring record: PodRecord) {
        self.init(plan, restoring: record.containers, finished: record.isFinished)
        failure = record.failure
        isRestartingAll = record.isRestartingAll
    }

    /// Nothing of the earlier sandbox is there: what was on record as running ended with the machine.
    mutating func sandboxIsGone() {
        if stage == .preparing { resetForNewSandbox() }
    }

    /// A new sandbox holds nothing of what the records say runs.
    mutating func resetForNewSandbox() {
        endings = [:]
        begunHere = []
        isRestartingAll = false
        loseEphemeral(at: nil)
        for i in containers.indices {
            var record = containers[i]
            if record.state == .starting { record.takeBackStart() }
            if case .running(let since) = record.state {
                record.lastTermination = ContainerRecord.Termination(
                    exitCode: 137, reason: "ContainerStatusUnknown",
                    message: "The container could not be located when its sandbox was made anew", startedAt: since,
                    finishedAt: since, containerID: record.containerID)
            }
            let hasSucceeded = record.hasSucceeded && !isSidecar(record)
            let stays = record.termination != nil && (record.isInit ? hasSucceeded : isDone(record))
            if !stays { record.state = .waiting(reason: nil, message: nil) }
            record.heldUntil = nil
            record.mustRunAgain = false
            record.isPostStarting = false
            record.hasPreStopped = false
            containers[i] = record
            if record.isHeld, !stays { rest(i) }
        }
        // It begins with the init containers, as the kubelet does.
        if containers.contains(where: { !$0.isInit && !isDone($0) }) {
            for i in containers.indices where containers[i].isInit {
                containers[i].state = .waiting(reason: nil, message: nil)
                if containers[i].isHeld { rest(i) }
            }
        }
    }

    mutating func adopt(_ found: [AdoptedContainer], _ now: BootInstant) -> [PodDirective] {
        var directives: [PodDirective] = []
        var ends: [(Int, ContainerRecord.Termination)] = []
        // One that waits for its next run, and whose last the supervisor was told to forget, has begun as well.
        let waiting = containers.filter {
            if case .waiting(.some, _) = $0.state { $0.hasBegun && !$0.isHeld } else { false }
        }
        begunHere = Set(found.map(\.name) + waiting.map(\.name))
        // What was asked over a connection that is gone may not have been heard, and its hooks were cut off.
        endings = [:]
        for i in containers.indices {
            let newest = found.filter { $0.name == containers[i].name }.max { $0.attempt < $1.attempt }
            guard let newest, newest.attempt >= containers[i].restartCount else {
                // Begun in no attempt that the supervisor knows: it waits for its turn, or had ended long ago.
                if case .terminated = containers[i].state { continue }
                if containers[i].isLive {
                    containers[i].state = .waiting(reason: nil, message: nil)
                    containers[i].takeBackStart()
                }
                if containers[i].isHeld {
                    rest(i)
                } else if case .waiting(.some, _) = containers[i].state, !containers[i].isWaitingForImage {
                    directives.append(
                        .arm(.restart(container: containers[i].name), after: heldBack(containers[i], now)))
                } else {
                    containers[i].state = .waiting(reason: nil, message: nil)
                }
                continue
            }
            // Runs that ended before the newest, and that no agent lived to write down.
            for older in found.filter({ $0.name == newest.name && $0.attempt < newest.attempt })
                .sorted(by: { $0.attempt < $1.attempt }) where older.attempt >= containers[i].restartCount
            {
                guard let end = older.end, containers[i].lastTermination != end else { continue }
                containers[i].lastTermination = end
                _ = containers[i].backOff.delay(ranFor: runTime(end), longest: plan.longestBackOff)
            }
            containers[i].hasBegun = true
            let isKnown = containers[i].restartCount == newest.attempt && containers[i].isRunning
            containers[i].restartCount = newest.attempt
            switch newest.state {
            case .running(let started):
                // What its probes have said still holds.
                if isKnown {
                    containers[i].state = .running(since: started.startedAt)
                } else {
                    runs(i, since: started.startedAt)
                }
                containers[i].containerID = started.containerID
                containers[i].user = started.user
                if containers[i].imageID == nil || containers[i].layers.isEmpty, !started.imageID.isEmpty {
                    (containers[i].imageID, containers[i].layers) = (started.imageID, started.layers)
                }
                containers[i].heldUntil = nil
                // The agent went before the container had ended that was to: it is asked once more.
                if isRestartingAll {
                    directives.append(.killContainer(container: containers[i].name))
                } else if containers[i].isHeld || containers[i].mustRunAgain {
                    directives += stopAgain(i, now)
                } else if containers[i].hasFailedProbe {
                    stoppedByOperator.remove(containers[i].name)
                    let grace = plan.probes(containers[i].name).unhealthyGrace ?? plan.grace
                    directives += endUnhealthy(i, grace, now)
                } else if containers[i].isPostStarting, pendingStop == nil {
                    directives += runPostStart(i)
                }
            case .ended(let end):
                // Known already, or news of what happened while no agent ran.
                if containers[i].termination == end || containers[i].lastTermination == end {
                    if containers[i].isHeld {
                        rest(i)
                    } else if case .waiting(.some, _) = containers[i].state {
                        directives.append(
                            .arm(.restart(container: containers[i].name), after: heldBack(containers[i], now)))
                    }
                    continue
                }
                // What follows from the others' ends does not take it for one that runs.
                containers[i].state = .terminated(end)
                ends.append((i, end))
            }
        }
        // Only when it is known what runs is it decided what follows from what ended; before anything begins again, that
        // all do.
        let cause = ends.firstIndex { restartsAll(containers[$0.0], after: $0.1.exitCode) }
        if let cause { ends.swapAt(0, cause) }
        for (i, end) in ends { directives += ended(i, end, now) }
        return directives + advance(now)
    }

    /// What is left of a delay. No more than the whole, whatever the record says.
    private func heldBack(_ record: ContainerRecord, _ now: BootInstant) -> Nanoseconds {
        let whole = min(max(record.backOff.last ?? Nanoseconds(0), CrashLoopBackOff.first), plan.longestBackOff)
        guard let end = record.heldUntil else { return whole }
        return max(Nanoseconds(0), min(end - now, whole))
    }
}
