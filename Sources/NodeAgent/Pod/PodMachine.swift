import Base

/// The life of one pod as a pure value: told what happened and when, it answers with what to do. It never looks at a
/// clock, a file or a process.
///
/// *preparing → running → (finished) → terminating → tearing down → gone*. A pod whose containers have all ended for
/// good is *finished*: its sandbox is released, its status stays until the manifest goes.
public struct PodMachine: Sendable {
    public enum Stage: Hashable, Sendable {
        /// The sandbox is being made.
        case preparing
        /// Init containers, then containers.
        case running
        /// Asked to stop; waiting for containers to end.
        case terminating
        /// Releasing what the pod held.
        case tearingDown(final: Bool)
        /// Ended by itself (Succeeded or Failed) and released.
        case finished
        /// Ended and released because it was asked to.
        case gone
    }

    public internal(set) var plan: PodPlan
    public internal(set) var stage: Stage = .preparing
    public internal(set) var containers: [ContainerRecord]
    /// What it was given while it ran, to look into it: none of it counts for the pod.
    public internal(set) var ephemeral: [ContainerRecord] = []
    /// The pod is to end once what happens now has ended.
    public internal(set) var isStopping = false
    /// Why the pod fails, whatever its containers do: they are ended, and it stays.
    public internal(set) var failure: PodFailure?
    /// The containers are ended to begin again together.
    public internal(set) var isRestartingAll = false
    /// The grace period of an end that waits until it is known what runs, and until when it waits.
    var pendingStop: (grace: Nanoseconds, until: BootInstant)?
    /// When what was asked to stop is killed.
    var graceEnd: BootInstant?
    /// The sandbox is there and cannot be reached: what it runs is taken up again, not begun anew.
    var isReconnecting = false
    /// The sandbox is tried again when a timer says so.
    var isWaitingToRetry = false
    /// What it waits for may be a ConfigMap or Secret.
    var isWaitingForVolume = false
    /// What it waits for may be its network.
    var isWaitingForSandbox = false
    /// When the supervisor was last taken up.
    var takenUp: BootInstant?
    /// The containers that were asked to stop while they ran.
    var stoppedContainers: Set<String> = []
    var sandboxFailures = 0
    /// Why this node does not run it.
    public internal(set) var rejection: PodRejection?
    /// The containers that have begun in this sandbox.
    var begunHere: Set<String> = []
    /// The containers that were asked to end, and how far that is.
    var endings: [String: ContainerEnding] = [:]
    /// The containers that were asked to end by the operator and have not yet.
    var stoppedByOperator: Set<String> = []

    public init(_ plan: PodPlan) {
        self.plan = plan
        containers =
            plan.initContainers.map { ContainerRecord(name: $0.name, image: $0.image, isInit: true) }
            + plan.containers.map { ContainerRecord(name: $0.name, image: $0.image, isInit: false) }
    }

    /// A machine that goes on where an earlier one was: restart counts and last terminations are kept. What of it
    /// still runs is said by the first event, `sandboxAdopted` or (nothing) `sandboxReady`.
    ///
    /// - Parameter finished: the pod had ended by itself.
    public init(_ plan: PodPlan, restoring records: [ContainerRecord], finished: Bool) {
        self.init(plan)
        for record in records {
            guard let i = index(record.name) else { continue }
            containers[i] = record
        }
        // The agent may have gone in the middle of the release, which can be done again.
        if finished { stage = .tearingDown(final: false) }
    }

    /// The first directives of a new pod.
    public func begin() -> [PodDirective] {
        switch stage {
        case .preparing: [.makeSandbox]
        case .tearingDown(let final): [.tearDown(final: final)]
        case .running, .terminating, .finished, .gone: []
        }
    }

    public mutating func on(_ event: PodInput, now: BootInstant) -> [PodDirective] {
        // What concerns one of them alone concerns nobody else.
        if let directives = onEphemeral(event, now) { return directives }
        return react(to: event, now) + beginEphemeral()
    }

    private mutating func react(to event: PodInput, _ now: BootInstant) -> [PodDirective] {
        switch event {
        case .sandboxReady:
            guard stage == .preparing else { return [] }
            sandboxFailures = 0
            isReconnecting = false
            resetForNewSandbox()
            if let pendingStop { return endWhatRuns(pendingStop.grace, now) }
            stage = .running
            return advance(now)
        case .sandboxAdopted(let found):
            guard stage == .preparing else { return [] }
            isReconnecting = false
            takenUp = now
            adoptEphemeral(found)
            if let pendingStop {
                stage = .terminating
                let directives = adopt(found, now)
                return stage == .terminating ? directives + endWhatRuns(pendingStop.grace, now) : directives
            }
            stage = .running
            return adopt(found, now)
        case .sandboxFailed(let message):
            let directives = onNotPrepared("FailedCreatePodSandBox", "Failed to create pod sandbox: \(message)")
            isWaitingForSandbox = isWaitingToRetry
            return directives
        case .rejected(let rejection): return onRejected(rejection, now)
        case .volumeFailed(let message):
            let directives = onNotPrepared("FailedMount", message)
            isWaitingForVolume = isWaitingToRetry
            return directives
        case .containerStarted(let name, let attempt, let started):
            return onStarted(name, attempt, started, now)
        case .containerNotStarted(let name, let attempt, let failure):
            return onNotStarted(name, attempt, failure, now)
        case .containerExited(let name, let attempt, let termination):
            return onExited(name, attempt, termination, now)
        case .hookEnded(let hook, let name, let attempt, let outcome):
            return onHookEnded(hook, name, attempt, outcome, now)
        case .objectsChanged(let forPulls): return onObjectsChanged(forPulls: forPulls, now)
        case .networkChanged:
            guard stage == .preparing, isWaitingToRetry, isWaitingForSandbox else { return [] }
            isWaitingToRetry = false
            return [.makeSandbox]
        case .imagesHere(let names): return onImagesHere(names, now)
        case .timer(let timer): return onTimer(timer, now)
        case .probed(let verdict, let grace): return onProbed(verdict, grace, now)
        case .control(let control, let names, let grace): return self.control(control, names, grace: grace, now)
        case .edited(let plan): return onEdited(plan, now)
        case .debug(let name, let image):
            giveEphemeral(name, image)
            return []
        case .fail(let failure): return onFail(failure, now)
        case .stop(let grace, _): return onStop(grace, now)
        case .stopWhenKnown(let grace, _):
            guard stage == .preparing else { return onStop(grace, now) }
            isStopping = true
            return stopWhenKnown(grace, now)
        case .supervisorLost(let time): return onSupervisorLost(time, now)
        case .supervisorUnreachable(let message): return onSupervisorUnreachable(message, now)
        case .tornDown: return onTornDown()
        case .teardownFailed(let message):
            guard case .tearingDown = stage else { return [] }
            return [
                .record(EventNote("FailedKillPod", "error killing pod: \(message)", warning: true)),
                .arm(.teardownRetry, after: .seconds(5)),
            ]
        }
    }

    // MARK: - Going on

    /// Begins what can begin now, and ends the pod when nothing is left to do.
    mutating func advance(_ now: BootInstant) -> [PodDirective] {
        guard stage == .running, !isHeldWhole else { return [] }
        if isRestartingAll { return awaitRest() }
        if containers.allSatisfy({ $0.isInit || isDone($0) }) { return finish(now) }
        var directives: [PodDirective] = []
        guard let isInitialized = advanceInit(&directives) else { return finish(now) }
        guard isInitialized else { return directives }
        for i in containers.indices where !containers[i].isInit {
            directives += begin(i)
            if holdsOthersBack(i) { return directives }
        }
        return directives
    }

    func isDone(_ record: ContainerRecord) -> Bool {
        guard let end = record.termination else { return false }
        // A run that a probe ended was not over, whatever it made of that.
        if record.hasFailedProbe { return !isSidecar(record) && policy(record) == .never }
        return !restarts(record, after: end.exitCode)
    }

    /// Begins a run of a container that is not held back by a reason.
    mutating func begin(_ i: Int) -> [PodDirective] {
        guard case .waiting(nil, _) = containers[i].state else { return [] }
        begunHere.insert(containers[i].name)
        containers[i].image = plan.entry(containers[i].name)?.image ?? containers[i].image
        if containers[i].hasBegun { containers[i].restartCount += 1 }
        containers[i].hasBegun = true
        containers[i].state = .starting
        return [.start(container: containers[i].name, attempt: containers[i].restartCount)]
    }

    /// All containers have ended for good (or one failed for good): sidecars are ended, the sandbox is released.
    mutating func finish(_ now: BootInstant) -> [PodDirective] {
        if everyContainer.contains(where: \.isLive) { return endWhatRuns(plan.grace, now) }
        stage = .tearingDown(final: false)
        return [.tearDown(final: false)]
    }

    // MARK: - Containers

    private mutating func onStarted(
        _ name: String, _ attempt: Int, _ started: StartedContainer, _ now: BootInstant
    ) -> [PodDirective] {
        guard let i = current(name, attempt), containers[i].state == .starting else { return [] }
        runs(i, since: started.startedAt)
        containers[i].containerID = started.containerID
        containers[i].imageID = started.imageID
        containers[i].layers = started.layers
        containers[i].user = started.user
        containers[i].pullDelay = nil
        let note = PodDirective.record(EventNote("Started", "Container started", container: name))
        // All begin again, and it was being started: it could not be killed before.
        if isRestartingAll { return [note, .killContainer(container: name)] }
        // Asked to stop while it was being started: its signal could not be sent before.
        if let ending = endings[name] { return [note] + beginEnding(i, ending.until, now) }
        return [note] + runPostStart(i) + (isSidecar(containers[i]) ? advance(now) : [])
    }

    private mutating func onNotStarted(
        _ name: String, _ attempt: Int, _ failure: StartFailure, _ now: BootInstant
    ) -> [PodDirective] {
        guard let i = current(name, attempt), containers[i].state == .starting else { return [] }
        var directives: [PodDirective] = []
        if failure.kind != .givenUp {
            directives.append(
                .record(EventNote("Failed", "Error: \(failure.message)", container: name, warning: true)))
        }
        if failure.kind == .execution {
            let end = ContainerRecord.Termination(
                exitCode: 128, reason: "StartError", message: failure.message, finishedAt: failure.at)
            return directives + ended(i, end, now)
        }
        directives += forgetEnding(i)
        // It did not count as a run: the same attempt is made again.
        containers[i].takeBackStart()
        containers[i].state = .waiting(reason: failure.reason, message: failure.message)
        containers[i].missingImage = failure.image
        if stage == .terminating { return directives + endTerminationIfQuiet(now) }
        if let next = endedForAll(i, now) ?? endedByOperator(i, now) { return directives + next }
        if failure.kind == .pull { return directives + holdBackPull(i, now) + advance(now) }
        if failure.kind == .configuration {
            containers[i].heldUntil = now + .seconds(10)
            directives.append(.arm(.restart(container: name), after: .seconds(10)))
        }
        return directives + advance(now)
    }

    private mutating func onExited(
        _ name: String, _ attempt: Int, _ end: ContainerRecord.Termination, _ now: BootInstant
    ) -> [PodDirective] {
        guard let i = current(name, attempt), containers[i].isLive else { return [] }
        return ended(i, end, now)
    }

    mutating func ended(
        _ i: Int, _ end: ContainerRecord.Termination, _ now: BootInstant
    ) -> [PodDirective] {
        let cut = forgetEnding(i)
        containers[i].state = .terminated(end)
        if stage == .terminating { return cut + endTerminationIfQuiet(now) }
        guard stage == .running else { return cut }
        if let next = endedForAll(i, now) ?? endedByOperator(i, now) { return cut + next }
        if restartsAll(containers[i], after: end.exitCode) { return cut + restartAll(i, now) }
        guard !isDone(containers[i]) else {
            return cut + advance(now)
        }
        containers[i].lastTermination = end
        let delay = containers[i].backOff.delay(ranFor: runTime(end), longest: plan.longestBackOff)
        if delay.count == 0 {
            containers[i].state = .waiting(reason: nil, message: nil)
            return cut + advance(now)
        }
        let name = containers[i].name
        containers[i].heldUntil = now + delay
        containers[i].state = .waiting(
            reason: "CrashLoopBackOff",
            message: "back-off \(delay) restarting failed container=\(name) pod=\(plan.display)")
        let note = EventNote(
            "BackOff", "Back-off restarting failed container \(name) in pod \(plan.display)", container: name,
            warning: true)
        return cut + [.record(note), .arm(.restart(container: name), after: delay)] + advance(now)
    }

    func runTime(_ end: ContainerRecord.Termination) -> Nanoseconds {
        guard let started = end.startedAt else { return Nanoseconds(0) }
        return Nanoseconds(max(0, end.finishedAt.nanoseconds - started.nanoseconds))
    }

    private mutating func onNotPrepared(_ reason: String, _ message: String) -> [PodDirective] {
        guard stage == .preparing else { return [] }
        if pendingStop != nil {
            // Nothing of it can be reached, or nothing is there: what may be left is released.
            return tearDownAfterEnd()
        }
        return retry(EventNote(reason, message, warning: true), within: nil)
    }

    /// Tries to make or reach the sandbox again after a while, longer each time.
    private mutating func retry(_ note: EventNote, within limit: Nanoseconds?) -> [PodDirective] {
        sandboxFailures += 1
        isWaitingToRetry = true
        isWaitingForVolume = false
        isWaitingForSandbox = false
        let delay = Nanoseconds.seconds(min(1 << Int64(min(sandboxFailures - 1, 6)), 60))
        return [.record(note), .arm(.sandboxRetry, after: min(delay, limit ?? delay))]
    }

    /// What runs goes on; it is only not known what. The supervisor is asked again: at once the first time, later when
    /// it breaks off again and again.
    private mutating func onSupervisorUnreachable(_ message: String, _ now: BootInstant) -> [PodDirective] {
        let note = EventNote(
            "SupervisorUnreachable",
            "The pod's supervisor lives and cannot be reached; its containers go on, and it is tried again: \(message)",
            warning: true)
        switch stage {
        case .running, .terminating:
            if stage == .terminating {
                let rest = max(Nanoseconds(0), (graceEnd ?? now) - now)
                pendingStop = (rest, now + rest)
            }
            stage = .preparing
            isReconnecting = true
            if let takenUp, now < takenUp + .seconds(60) { return retry(note, within: pendingStop?.grace) }
            sandboxFailures = 0
            return [.record(note), .makeSandbox]
        case .preparing:
            guard let pendingStop else { return retry(note, within: nil) }
            // Nobody can be asked to end it gracefully any more.
            if now >= pendingStop.until { return tearDownAfterEnd() }
            return retry(note, within: pendingStop.until - now)
        case .tearingDown, .finished, .gone: return []
        }
    }

    /// Ends the pod once it is known what of it runs, or cannot be known within its grace period.
    mutating func stopWhenKnown(_ grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        pendingStop = (grace, now + grace)
        return isWaitingToRetry ? [.arm(.sandboxRetry, after: Nanoseconds(0))] : []
    }

    private mutating func onTimer(_ timer: PodTimer, _ now: BootInstant) -> [PodDirective] {
        switch timer {
        case .sandboxRetry:
            guard stage == .preparing, isWaitingToRetry else { return [] }
            isWaitingToRetry = false
            return [.makeSandbox]
        case .restart where isRestartingAll: return beginAllAgain(now)
        case .restart(let name):
            guard stage == .running, let i = index(name), case .waiting(.some, _) = containers[i].state,
                !containers[i].isWaitingForImage || containers[i].pullDelay != nil, !containers[i].isHeld
            else { return [] }
            containers[i].state = .waiting(reason: nil, message: nil)
            containers[i].heldUntil = nil
            return advance(now)
        case .pullBackOff(let name): return onPullBackOff(name)
        case .graceOver:
            guard stage == .terminating else { return [] }
            var directives: [PodDirective] = []
            for i in containers.indices where containers[i].isLive { directives += timeOver(i, now) }
            directives += killEphemeral()
            return directives + [.arm(.killOver, after: .seconds(10))]
        case .killOver:
            // A supervisor that does not answer keeps nobody alive: it is killed with the rest.
            guard stage == .terminating else { return [] }
            return tearDownAfterEnd()
        case .stopGraceOver(let name, let attempt):
            guard stage == .running || stage == .terminating, endings[name] != nil, let i = current(name, attempt),
                containers[i].isLive
            else { return [] }
            return timeOver(i, now)
        case .hookRetry(let hook, let name, let attempt): return onHookRetry(hook, name, attempt)
        case .activeDeadline: return onFail(.deadlineExceeded, now)
        case .teardownRetry:
            guard case .tearingDown(let final) = stage else { return [] }
            return [.tearDown(final: final)]
        }
    }

    // MARK: - Looking up

    func index(_ name: String) -> Int? { containers.firstIndex { $0.name == name } }

    /// The container, if `attempt` is the one that counts: late news of an earlier attempt is dropped.
    func current(_ name: String, _ attempt: Int) -> Int? {
        guard let i = index(name), containers[i].restartCount == attempt else { return nil }
        return i
    }
}
