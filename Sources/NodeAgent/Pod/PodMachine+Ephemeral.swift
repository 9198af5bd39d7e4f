import Base
import Kube

/// Containers that the pod was given while it ran, to look into it. They begin as soon as there is a sandbox, run once,
/// and end with the pod; the pod goes on, is ready and ends as if they were not there.
extension PodMachine {
    /// What is known of the containers of every kind.
    public var everyContainer: [ContainerRecord] { containers + ephemeral }

    /// One of them: a name stands for one container of the pod, and one attempt.
    private func ephemeralIndex(_ name: String) -> Int? { ephemeral.firstIndex { $0.name == name } }

    mutating func giveEphemeral(_ name: String, _ image: String) {
        if everyContainer.contains(where: { $0.name == name }) { return }
        ephemeral.append(ContainerRecord(name: name, image: image, isInit: false))
    }

    /// Takes up what an earlier agent knew of them.
    ///
    /// - Returns: what was asked for.
    mutating func restoreEphemeral(_ record: PodRecord) -> [EphemeralContainer] {
        let given = record.ephemeralSpecs.map { EphemeralContainer($0) }
        for container in given {
            giveEphemeral(container.name, container.container.image)
            guard let i = ephemeralIndex(container.name),
                let known = record.ephemeral.first(where: { $0.name == container.name })
            else { continue }
            ephemeral[i] = known
        }
        return given
    }

    // MARK: - What happens to them

    /// What follows from what happens to one of them; nil for what happens to others too.
    mutating func onEphemeral(_ event: PodInput, _ now: BootInstant) -> [PodDirective]? {
        switch event {
        case .containerStarted(let name, let attempt, let started):
            guard let i = ephemeralIndex(name) else { return nil }
            guard attempt == 0, ephemeral[i].state == .starting else { return [] }
            return onEphemeralStarted(i, started)
        case .containerNotStarted(let name, let attempt, let failure):
            guard let i = ephemeralIndex(name) else { return nil }
            guard attempt == 0, ephemeral[i].state == .starting else { return [] }
            return onEphemeralNotStarted(i, failure, now)
        case .containerExited(let name, let attempt, let end):
            guard let i = ephemeralIndex(name) else { return nil }
            guard attempt == 0, ephemeral[i].isLive else { return [] }
            ephemeral[i].state = .terminated(end)
            return endTerminationIfQuiet(now)
        case .timer(.restart(let name)):
            guard let i = ephemeralIndex(name) else { return nil }
            release(i)
            return beginEphemeral()
        case .timer(.pullBackOff(let name)):
            guard let i = ephemeralIndex(name) else { return nil }
            return onEphemeralPullBackOff(i)
        case .imagesHere(let names):
            for i in ephemeral.indices where names.contains(ephemeral[i].name) && ephemeral[i].isWaitingForImage {
                release(i)
            }
            return nil
        case .objectsChanged:
            // It is looked at anew, whatever has changed: there are few of them.
            for i in ephemeral.indices { release(i) }
            return nil
        default: return nil
        }
    }

    /// Held back no more.
    private mutating func release(_ i: Int) {
        guard stage == .running, case .waiting(.some, _) = ephemeral[i].state else { return }
        ephemeral[i].state = .waiting(reason: nil, message: nil)
        ephemeral[i].heldUntil = nil
    }

    /// Begins those that nothing holds back.
    mutating func beginEphemeral() -> [PodDirective] {
        guard stage == .running else { return [] }
        var directives: [PodDirective] = []
        for i in ephemeral.indices {
            guard case .waiting(nil, _) = ephemeral[i].state else { continue }
            ephemeral[i].hasBegun = true
            ephemeral[i].state = .starting
            directives.append(.start(container: ephemeral[i].name, attempt: 0))
        }
        return directives
    }

    private mutating func onEphemeralStarted(_ i: Int, _ started: StartedContainer) -> [PodDirective] {
        let name = ephemeral[i].name
        ephemeral[i].state = .running(since: started.startedAt)
        ephemeral[i].isStarted = true
        ephemeral[i].containerID = started.containerID
        ephemeral[i].imageID = started.imageID
        ephemeral[i].layers = started.layers
        ephemeral[i].user = started.user
        ephemeral[i].pullDelay = nil
        let note = PodDirective.record(EventNote("Started", "Container started", container: name))
        // The pod was asked to end while it was being started.
        return stage == .terminating ? [note, .stopContainer(container: name)] : [note]
    }

    private mutating func onEphemeralNotStarted(
        _ i: Int, _ failure: StartFailure, _ now: BootInstant
    ) -> [PodDirective] {
        let name = ephemeral[i].name
        var directives: [PodDirective] = []
        if failure.kind != .givenUp {
            directives.append(
                .record(EventNote("Failed", "Error: \(failure.message)", container: name, warning: true)))
        }
        if failure.kind == .execution {
            ephemeral[i].state = .terminated(
                ContainerRecord.Termination(
                    exitCode: 128, reason: "StartError", message: failure.message, finishedAt: failure.at))
            return directives + endTerminationIfQuiet(now)
        }
        ephemeral[i].takeBackStart()
        ephemeral[i].state = .waiting(reason: failure.reason, message: failure.message)
        ephemeral[i].missingImage = failure.image
        if stage != .running { return directives + endTerminationIfQuiet(now) }
        switch failure.kind {
        case .configuration: directives.append(.arm(.restart(container: name), after: .seconds(10)))
        case .pull:
            let delay = ephemeral[i].nextPullDelay
            ephemeral[i].pullDelay = delay
            directives.append(.arm(.pullBackOff(container: name), after: .seconds(2)))
            directives.append(.arm(.restart(container: name), after: delay))
        case .image, .object, .givenUp, .execution: break
        }
        return directives
    }

    private mutating func onEphemeralPullBackOff(_ i: Int) -> [PodDirective] {
        guard stage == .running, let (state, note) = ephemeral[i].pullBackOff else { return [] }
        ephemeral[i].state = state
        return [.record(note)]
    }

    // MARK: - The pod ends

    /// Asks those that are live to end, with the pod.
    mutating func endEphemeral() -> [PodDirective] {
        var directives: [PodDirective] = []
        for record in ephemeral where record.isLive {
            let name = record.name
            directives.append(.record(EventNote("Killing", "Stopping container \(name)", container: name)))
            directives.append(record.isRunning ? .stopContainer(container: name) : .giveUpStart(container: name))
        }
        return directives
    }

    func killEphemeral() -> [PodDirective] {
        ephemeral.filter(\.isLive).map { .killContainer(container: $0.name) }
    }

    // MARK: - What they ran in is gone, or found again

    /// What ran of them ended with the sandbox. What had not begun begins in the next.
    ///
    /// - Parameter time: when that was, where it is known.
    mutating func loseEphemeral(at time: Timestamp?) {
        for i in ephemeral.indices {
            switch ephemeral[i].state {
            case .running(let since): ephemeral[i].state = .terminated(.lost(ephemeral[i], since, at: time ?? since))
            case .starting:
                ephemeral[i].takeBackStart()
                ephemeral[i].state = .waiting(reason: nil, message: nil)
            case .waiting: ephemeral[i].state = .waiting(reason: nil, message: nil)
            case .terminated: break
            }
            ephemeral[i].heldUntil = nil
        }
    }

    mutating func adoptEphemeral(_ found: [AdoptedContainer]) {
        for i in ephemeral.indices {
            if ephemeral[i].termination != nil { continue }
            let name = ephemeral[i].name
            switch found.first(where: { $0.name == name })?.state {
            case .running(let started):
                ephemeral[i].hasBegun = true
                if !ephemeral[i].isRunning { ephemeral[i].state = .running(since: started.startedAt) }
                ephemeral[i].isStarted = true
                ephemeral[i].containerID = started.containerID
                ephemeral[i].user = started.user
                if ephemeral[i].layers.isEmpty, !started.imageID.isEmpty {
                    (ephemeral[i].imageID, ephemeral[i].layers) = (started.imageID, started.layers)
                }
            case .ended(let end):
                ephemeral[i].hasBegun = true
                ephemeral[i].state = .terminated(end)
            case nil:
                switch ephemeral[i].state {
                case .running(let since): ephemeral[i].state = .terminated(.lost(ephemeral[i], since, at: since))
                case .starting: ephemeral[i].takeBackStart()
                case .waiting, .terminated: break
                }
                // What held it back is tried anew by a new agent.
                if ephemeral[i].termination == nil { ephemeral[i].state = .waiting(reason: nil, message: nil) }
            }
        }
    }
}

extension ContainerRecord.Termination {
    /// Nobody knows how it ended.
    fileprivate static func lost(_ record: ContainerRecord, _ since: Timestamp, at time: Timestamp) -> Self {
        Self(
            exitCode: 137, reason: "ContainerStatusUnknown",
            message: "The container could not be located when its sandbox was gone", startedAt: since,
            finishedAt: time, containerID: record.containerID)
    }
}
