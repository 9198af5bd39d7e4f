import Base

/// Taking up where an earlier run of the agent left off.
extension PodMachine {
    /// A new sandbox holds nothing of what the records say runs.
    mutating func resetForNewSandbox() {
        for i in containers.indices {
            var record = containers[i]
            if case .running(let since) = record.state {
                record.lastTermination = ContainerRecord.Termination(
                    exitCode: 137, reason: "ContainerStatusUnknown",
                    message: "The container could not be located when its sandbox was made anew", startedAt: since,
                    finishedAt: since, containerID: record.containerID)
            }
            let stays = record.termination != nil && (record.isInit ? record.hasSucceeded : isDone(record))
            if !stays { record.state = .waiting(reason: nil, message: nil) }
            containers[i] = record
        }
        // It begins with the init containers, as the kubelet does.
        if containers.contains(where: { !$0.isInit && !isDone($0) }) {
            for i in containers.indices where containers[i].isInit {
                containers[i].state = .waiting(reason: nil, message: nil)
            }
        }
    }

    mutating func adopt(_ found: [AdoptedContainer], _ now: BootInstant) -> [PodDirective] {
        var directives: [PodDirective] = []
        var ends: [(Int, ContainerRecord.Termination)] = []
        for i in containers.indices {
            let newest = found.filter { $0.name == containers[i].name }.max { $0.attempt < $1.attempt }
            guard let newest, newest.attempt >= containers[i].restartCount else {
                // Begun in no attempt that the supervisor knows: it waits for its turn, or had ended long ago.
                if case .terminated = containers[i].state { continue }
                if containers[i].isLive {
                    containers[i].state = .waiting(reason: nil, message: nil)
                    containers[i].hasBegun = containers[i].restartCount > 0
                    containers[i].restartCount = max(0, containers[i].restartCount - 1)
                }
                if case .waiting(.some, _) = containers[i].state, !containers[i].isWaitingForImage {
                    directives.append(.arm(.restart(container: containers[i].name), after: heldBack(containers[i])))
                } else {
                    containers[i].state = .waiting(reason: nil, message: nil)
                }
                continue
            }
            containers[i].hasBegun = true
            containers[i].restartCount = newest.attempt
            switch newest.state {
            case .running(let started):
                containers[i].state = .running(since: started.startedAt)
                containers[i].containerID = started.containerID
                containers[i].user = started.user
                if containers[i].imageID == nil { containers[i].imageID = started.imageID }
            case .ended(let end):
                // Known already, or news of what happened while no agent ran.
                if containers[i].termination == end || containers[i].lastTermination == end {
                    if case .waiting(.some, _) = containers[i].state {
                        directives.append(.arm(.restart(container: containers[i].name), after: heldBack(containers[i])))
                    }
                    continue
                }
                ends.append((i, end))
            }
        }
        // Only when it is known what runs is it decided what follows from what ended.
        for (i, end) in ends { directives += ended(i, end, now) }
        return directives + advance(now)
    }

    /// The whole of a delay is waited for again: how much of it had passed is not known.
    private func heldBack(_ record: ContainerRecord) -> Nanoseconds { record.backOff.last ?? CrashLoopBackOff.first }
}
