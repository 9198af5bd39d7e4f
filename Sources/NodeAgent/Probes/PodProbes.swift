import Base
import HTTPClient
import Kube

/// Runs the probes of one pod's containers as long as they run. It wakes for nothing but probes that are due.
@LoopActor
final class PodProbes {
    private struct Key: Hashable {
        var container: String
        var kind: ProbeKind
    }

    private struct Watch {
        let attempt: Int
        var machine: ProbeMachine
        var timer: EventLoop.Token?
        var run: ProbeRun?
        /// The number of the run that is under way: an answer of an earlier one does not count.
        var serial = 0
        /// What was last told of it: nobody needs to hear the same again, which is what nearly all answers say.
        var told: Bool?
    }

    private let plan: PodPlan
    private let operations: any PodOperations
    private let loop: EventLoop
    private let isNeeded: Bool
    private var watches: [Key: Watch] = [:]
    /// What runs was not started by this agent: many agents, or all of an agent's pods, do not ask at one moment.
    private var findsRunning: Bool
    private var serial = 0

    /// Called with what was found, and the grace period in seconds that the probe gives the container's end.
    var onVerdict: (ProbeVerdict, Int64?) -> Void = { _, _ in }
    var onNote: (EventNote) -> Void = { _ in }

    init(_ plan: PodPlan, isRestored: Bool, operations: any PodOperations, loop: EventLoop) {
        self.plan = plan
        self.operations = operations
        self.loop = loop
        findsRunning = isRestored
        isNeeded = (plan.initContainers + plan.containers).contains { $0.probes != ContainerProbes() }
    }

    /// Begins and ends probes as the pod's state asks for.
    func follow(_ machine: PodMachine) {
        guard isNeeded else { return }
        let isActive = machine.stage == .running || machine.stage == .terminating
        for record in machine.containers {
            let probes = plan.probes(record.name)
            for kind in ProbeKind.allCases {
                guard let probe = probes[kind] else { continue }
                let key = Key(container: record.name, kind: kind)
                let isWanted = isActive && Self.wants(kind, record, isEnding: machine.stage == .terminating)
                if let watch = watches[key], !isWanted || watch.attempt != record.restartCount { end(key, watch) }
                if isWanted, watches[key] == nil { begin(key, probe, record) }
            }
        }
        if isActive { findsRunning = false }
    }

    /// Whether a probe is to be run. A container that is to end is not asked whether it lives.
    private static func wants(_ kind: ProbeKind, _ record: ContainerRecord, isEnding: Bool) -> Bool {
        guard record.isRunning, !record.isPostStarting else { return false }
        switch kind {
        case .startup: return !record.isStarted && !record.hasFailedProbe && !isEnding
        case .liveness: return record.isStarted && !record.hasFailedProbe && !isEnding
        case .readiness: return record.isStarted
        }
    }

    private func begin(_ key: Key, _ probe: Probe, _ record: ContainerRecord) {
        guard case .running(let start) = record.state else { return }
        var jitter: Nanoseconds?
        // Who is not ready waits for nothing.
        if findsRunning, key.kind != .readiness || record.isReady {
            let period = UInt64(Nanoseconds.seconds(Int64(max(1, probe.periodSeconds))).count)
            jitter = Nanoseconds(Int64(RetryDelay.random() % period))
        }
        let ranFor = Nanoseconds(max(0, Timestamp.now.nanoseconds - start.nanoseconds))
        let machine = ProbeMachine(
            key.kind, probe, container: record.name, ranFor: ranFor, jitter: jitter, now: .now)
        watches[key] = Watch(attempt: record.restartCount, machine: machine)
        schedule(key)
    }

    private func end(_ key: Key, _ watch: Watch) {
        if let timer = watch.timer { loop.cancel(timer) }
        watch.run?.cancel()
        watches[key] = nil
    }

    private func schedule(_ key: Key) {
        guard let due = watches[key]?.machine.due else { return }
        watches[key]?.timer = loop.schedule(at: due) { [weak self] in
            self?.watches[key]?.timer = nil
            self?.watches[key]?.machine.asked(now: .now)
            self?.ask(key)
        }
    }

    private func ask(_ key: Key) {
        guard let probe = watches[key]?.machine.probe else { return }
        serial += 1
        let mine = serial
        watches[key]?.serial = mine
        let run = operations.probe(probe, container: key.container) { [weak self] outcome in
            self?.answered(key, mine, outcome)
        }
        watches[key]?.run = run
    }

    private func answered(_ key: Key, _ serial: Int, _ outcome: ProbeOutcome) {
        guard var watch = watches[key], watch.serial == serial else { return }
        watch.run = nil
        let step = watch.machine.answered(outcome)
        let isNews = step.verdict != nil && step.verdict != watch.told
        if isNews { watch.told = step.verdict }
        watches[key] = watch
        if step.asksAgain { return ask(key) }
        schedule(key)
        if let note = step.note { onNote(note) }
        guard isNews, let isSuccess = step.verdict else { return }
        let verdict = ProbeVerdict(
            container: key.container, attempt: watch.attempt, kind: key.kind, isSuccess: isSuccess)
        onVerdict(verdict, watch.machine.probe.terminationGracePeriodSeconds)
    }
}
