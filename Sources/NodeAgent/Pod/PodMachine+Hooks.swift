import Base

/// Containers that begin and that are asked to end, with their hooks.
///
/// A hook is run at least once, as Kubernetes has it: one that an agent did not live to see the end of, or whose
/// supervisor could not be reached meanwhile, is cut off and run once more. One whose end is on record is not.
extension PodMachine {
    func has(_ hook: Hook, _ i: Int) -> Bool { plan.entry(containers[i].name)?.hooks.contains(hook) ?? false }

    /// The container's process runs: its hook is next.
    mutating func runPostStart(_ i: Int) -> [PodDirective] {
        guard containers[i].isPostStarting else { return [] }
        return [.runHook(.postStart, container: containers[i].name, attempt: containers[i].restartCount)]
    }

    /// What begins after this container waits: the kubelet starts one after the other, hook and all.
    func holdsOthersBack(_ i: Int) -> Bool {
        guard has(.postStart, i) else { return false }
        return containers[i].state == .starting || containers[i].isRunning && containers[i].isPostStarting
    }

    mutating func onHookEnded(
        _ hook: Hook, _ name: String, _ attempt: Int, _ outcome: HookOutcome, _ now: BootInstant
    ) -> [PodDirective] {
        guard stage == .running || stage == .terminating, let i = current(name, attempt), containers[i].isRunning else {
            return []
        }
        // Why it was lost is seen in a moment; where it was nothing, it is run again.
        if outcome == .lost {
            return [.arm(.hookRetry(hook, container: name, attempt: attempt), after: .seconds(1))]
        }
        switch hook {
        case .postStart:
            guard containers[i].isPostStarting, endings[name] == nil else { return [] }
            if outcome == .done {
                containers[i].isPostStarting = false
                postStarted(i)
                return advance(now)
            }
            let note = EventNote("FailedPostStartHook", "PostStartHook failed", container: name, warning: true)
            return [.record(note)] + end(i, plan.grace, "FailedPostStartHook", now)
        case .preStop:
            guard endings[name]?.phase == .hook else { return [] }
            let note = EventNote("FailedPreStopHook", "PreStopHook failed", container: name, warning: true)
            return (outcome == .done ? [] : [.record(note)]) + preStopped(i, now)
        }
    }

    mutating func onHookRetry(_ hook: Hook, _ name: String, _ attempt: Int) -> [PodDirective] {
        guard stage == .running || stage == .terminating, let i = current(name, attempt), containers[i].isRunning else {
            return []
        }
        let phase = endings[name]?.phase
        let isDue = hook == .preStop ? phase == .hook : containers[i].isPostStarting && phase == nil
        return isDue ? [.runHook(hook, container: name, attempt: attempt)] : []
    }

    // MARK: - Ending

    /// Asks a container that is live to end: by its preStop hook, then by its stop signal, and when its time is over by
    /// SIGKILL. One that was asked before has less time by it, and never more.
    mutating func askToEnd(_ i: Int, within grace: Nanoseconds, _ now: BootInstant) -> [PodDirective] {
        let name = containers[i].name
        let until = now + grace
        // The end of a whole pod has one timer.
        let timer: [PodDirective] =
            stage == .terminating
            ? [] : [.arm(.stopGraceOver(container: name, attempt: containers[i].restartCount), after: grace)]
        if let ending = endings[name] {
            guard until < ending.until else { return [] }
            endings[name]?.until = until
            return timer
        }
        guard containers[i].isRunning else {
            endings[name] = ContainerEnding(phase: .starting, until: until)
            return timer + [.giveUpStart(container: name)]
        }
        return timer + beginEnding(i, until, now)
    }

    /// The container runs, and is to end.
    mutating func beginEnding(_ i: Int, _ until: BootInstant, _ now: BootInstant) -> [PodDirective] {
        let name = containers[i].name
        let cut: [PodDirective] = containers[i].isPostStarting ? [.cancelHook(container: name)] : []
        endings[name] = ContainerEnding(phase: .hook, until: until)
        guard has(.preStop, i), !containers[i].hasPreStopped else { return cut + signal(i) }
        // Nobody can run it now: it is asked to end once more when the supervisor is reached.
        if stage == .preparing { return cut }
        return cut + [.runHook(.preStop, container: name, attempt: containers[i].restartCount)]
    }

    /// The preStop hook is over; what it left of the time is the signal's, and two seconds at least.
    private mutating func preStopped(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        containers[i].hasPreStopped = true
        return signalLate(i, now)
    }

    /// The signal of a container for which something else was waited before.
    mutating func signalLate(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        let name = containers[i].name
        let least = now + Self.lastTime
        if let until = endings[name]?.until, until < least { endings[name]?.notBefore = least }
        return signal(i)
    }

    private mutating func signal(_ i: Int) -> [PodDirective] {
        if waitsForOthers(i) {
            endings[containers[i].name]?.phase = .turn
            return []
        }
        return signalNow(i)
    }

    private mutating func signalNow(_ i: Int) -> [PodDirective] {
        endings[containers[i].name]?.phase = .signalled
        return [.stopContainer(container: containers[i].name)]
    }

    /// The kubelet's least time between the stop signal and SIGKILL.
    static let lastTime = Nanoseconds.seconds(2)

    /// The time of a container that was asked to end is over.
    mutating func timeOver(_ i: Int, _ now: BootInstant) -> [PodDirective] {
        let name = containers[i].name
        let timer = PodTimer.stopGraceOver(container: name, attempt: containers[i].restartCount)
        guard let ending = endings[name] else { return [.killContainer(container: name)] }
        if ending.phase == .hook || ending.phase == .turn, containers[i].isRunning {
            // What it waited for has had all of it.
            endings[name]?.notBefore = now + Self.lastTime
            let cut: [PodDirective] = ending.phase == .hook ? [.cancelHook(container: name)] : []
            return cut + signalNow(i) + [.arm(timer, after: Self.lastTime)]
        }
        if let least = ending.notBefore, now < least { return [.arm(timer, after: least - now)] }
        return [.killContainer(container: name)]
    }

    /// The run is over, however it came to that.
    mutating func forgetEnding(_ i: Int) -> [PodDirective] {
        let name = containers[i].name
        let hasHook = containers[i].isPostStarting || endings[name]?.phase == .hook
        endings[name] = nil
        containers[i].isPostStarting = false
        containers[i].hasPreStopped = false
        return hasHook ? [.cancelHook(container: name)] : []
    }
}
