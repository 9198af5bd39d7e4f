import Base
import Kube
import PodRuntime
import PodSources

/// Runs one instance of a pod: feeds its machine with what happens and carries out what the machine directs.
@LoopActor
public final class PodWorker {
    public internal(set) var pod: Pod
    /// The manifest that this instance runs, and the file it stands in.
    public internal(set) var manifest: ManifestPod
    public internal(set) var source: String
    public let startTime: Timestamp
    public private(set) var machine: PodMachine

    let operations: any PodOperations
    let records: PodRecordStore
    private let starts: StartQueue
    private let loop: EventLoop
    private let probes: PodProbes
    /// What happened to the sandbox before the machine was told of it.
    private var early: [PodInput] = []
    /// It runs beside the instance whose place it is to take when it is ready.
    var isSuccessor = false
    /// The conditions that others than the node have set: readiness gates and the like.
    var conditions: [PodCondition] = []
    /// An edit of the manifest that waits until the sandbox is there.
    var awaitedEdit: ManifestPod?
    private var timers: [PodTimer: EventLoop.Token] = [:]
    /// Its sandbox may be there from an earlier run of the agent.
    let isRestored: Bool
    /// Set for a pod that is ended only until its node starts again: whether it had ended by itself. Its record and
    /// its files stay.
    private var suspendedAsFinished: Bool?
    /// The number of the sandbox, counted up when it is made or reached anew.
    private var sandbox = 0
    /// Why the supervisor cannot be spoken with, while it cannot: what is said of the pod may be out of date.
    public private(set) var trouble: String?
    /// When the pod was asked to end.
    public private(set) var stopRequested: Timestamp?

    /// Called after every change, on the loop.
    var onChange: (PodWorker) -> Void = { _ in }
    var onNote: (PodWorker, EventNote) -> Void = { _, _ in }
    /// Keeps the last word on the instance before its record goes.
    var keepEnd: (PodWorker) async -> Void = { _ in }
    /// Called when its manifest asks for another instance.
    var onReplaced: (PodWorker, ManifestPod) -> Void = { worker, _ in worker.stop(message: "its manifest changed") }
    /// Called once, when the instance is over and nothing of it is left.
    var onFinished: (PodWorker) -> Void = { _ in }

    public var key: PodKey { manifest.key }
    public var uid: String { pod.metadata.uid }

    /// - Parameter pod: the manifest's pod with the UID of this instance.
    init(
        pod: Pod, manifest: ManifestPod, source: String, startTime: Timestamp, machine: PodMachine, isRestored: Bool,
        operations: any PodOperations, records: PodRecordStore, starts: StartQueue, loop: EventLoop
    ) {
        self.pod = pod
        self.manifest = manifest
        self.source = source
        self.startTime = startTime
        self.machine = machine
        self.isRestored = isRestored
        isKnown = !isRestored || machine.stage != .preparing
        self.operations = operations
        self.records = records
        self.starts = starts
        self.loop = loop
        probes = PodProbes(machine.plan, isRestored: isRestored, operations: operations, loop: loop)
        probes.onVerdict = { [unowned self] verdict, grace in handle(.probed(verdict, grace: self.grace(grace))) }
        probes.onNote = { [unowned self] note in onNote(self, note) }
        operations.onExit = { [unowned self] container, attempt, end in
            happened(.containerExited(name: container, attempt: attempt, end))
        }
        operations.onSupervisorLost = { [unowned self] in
            // What is waited for is to be looked at now.
            if self.machine.isWaitingToRetry { return handle(.timer(.sandboxRetry)) }
            happened(.supervisorLost(at: .now))
        }
        operations.onSupervisorUnreachable = { [unowned self] message in
            happened(.supervisorUnreachable(message: message))
        }
        operations.onNote = { [unowned self] note in onNote(self, note) }
    }

    /// The pod's supervisor while it is there.
    public var supervisor: SupervisorClient? { operations.supervisor }

    /// The images that are pulled for it, by container.
    public var currentPulls: [ContainerPull] { operations.currentPulls }

    /// The images that its volumes show.
    var volumeImages: [VolumeImage] { operations.volumeImages }

    /// The pod's addresses while its sandbox is there.
    public var addresses: [String] { operations.addresses }
    public var networkStatus: String? { operations.networkStatus }

    /// The pod's namespaces and volumes are there, as far as is known: an agent that has just come says of a pod what
    /// the one before it said.
    public var hasSandbox: Bool { machine.hasSandbox || machine.stage == .preparing && operations.isThere }

    /// No further run of the container will come.
    public func isOver(_ container: String) -> Bool {
        switch machine.stage {
        case .finished, .gone: true
        case .preparing, .running, .terminating, .tearingDown:
            if let ephemeral = machine.ephemeral.first(where: { $0.name == container }) {
                ephemeral.termination != nil
            } else {
                machine.containers.first { $0.name == container }.map { machine.isDone($0) } ?? true
            }
        }
    }

    private var gracePeriod: Int64?

    /// Nothing of it is there and it is to run: whether the node takes it is not judged yet.
    var isToBegin: Bool { machine.stage == .preparing && !operations.isThere }

    /// - Parameter refusal: why this node does not run it.
    func start(refusal: PodRejection? = nil) {
        if isRestored, !operations.isThere { machine.sandboxIsGone() }
        save()
        if let refusal { return handle(.rejected(refusal)) }
        perform(machine.begin())
        watchDeadline()
        onChange(self)
    }

    /// The deadline counts from the pod's start on, whichever agent saw that, and while none runs too.
    private func watchDeadline() {
        if let failure = machine.failure { return handle(.fail(failure)) }
        guard let deadline = machine.plan.activeDeadline else { return }
        let passed = Nanoseconds(max(0, Timestamp.now.nanoseconds - startTime.nanoseconds))
        if passed >= deadline { return handle(.timer(.activeDeadline)) }
        perform(.arm(.activeDeadline, after: Nanoseconds(deadline.count - passed.count)))
    }

    /// How long its containers have to end, in seconds, whenever that will be asked: replaces the pod's own until the
    /// agent is restarted. One that is being ended already gets less time by it, and never more.
    func setGracePeriod(_ seconds: Int64) {
        gracePeriod = seconds
        guard stopRequested != nil else { return }
        handle(.stop(grace: grace(nil), message: "it is to end sooner"))
    }

    private func grace(_ seconds: Int64?) -> Nanoseconds {
        // The kubelet gives every container two seconds at least.
        .seconds(max(2, min(seconds ?? gracePeriod ?? pod.spec.terminationGracePeriodSeconds, 1 << 31)))
    }

    /// Ends the instance as the pod's grace period allows.
    ///
    /// - Parameter grace: replaces the pod's own, in seconds.
    func stop(grace: Int64? = nil, message: String) {
        guard stopRequested == nil else { return }
        stopRequested = .now
        isEndingAgain = !isKnown
        let grace = self.grace(grace)
        handle(isRestored ? .stopWhenKnown(grace: grace, message: message) : .stop(grace: grace, message: message))
        // The next agent ends it further, and does not run it again.
        save()
    }

    /// Stops, starts or restarts containers. Returns when that is on record: it holds over any restart.
    ///
    /// - Parameters:
    ///   - containers: nil for all.
    ///   - grace: replaces the pod's own, in seconds.
    func control(_ control: PodControl, containers: Set<String>?, grace: Int64?) async throws {
        let names = containers ?? Set(machine.containers.map(\.name))
        handle(.control(control, containers: names, grace: self.grace(grace)))
        try await records.flush(uid)
    }

    /// Ends the instance as the pod's grace period allows, so that it runs again when the next agent starts.
    func suspend(message: String) {
        suspendedAsFinished = hasRun
        stop(message: message)
    }

    /// Of an earlier run of the agent, and asked to end before it was known what of it is still there: its end may have
    /// been told already.
    private var isEndingAgain = false
    /// It is known what of an earlier run of the agent is still there. It stays so when its supervisor cannot be
    /// reached.
    private var isKnown: Bool
    /// What it is now is news.
    var tellsStatus: Bool { isKnown && !isEndingAgain }

    /// All of its containers have ended for good; what they stood on may still be going.
    var isFinished: Bool { machine.stage == .finished || machine.stage == .tearingDown(final: false) }

    /// So that the next agent does not run it again; what this node refused is judged anew.
    private var hasRun: Bool { isFinished && machine.rejection == nil }

    /// What waits for an image looks again.
    func imagesChanged() {
        let here = machine.everyContainer.filter { $0.isWaitingForImage && operations.hasImage(container: $0.name) }
        if !here.isEmpty { handle(.imagesHere(containers: Set(here.map(\.name)))) }
    }

    /// What waits for its network tries again.
    func networkChanged() { handle(.networkChanged) }

    /// Counted up with every change of a ConfigMap or Secret that the pod names.
    private var objectChanges = 0

    /// ConfigMaps and Secrets that the pod names have changed.
    func objectsChanged(_ keys: Set<DataObject.Key>) {
        objectChanges += 1
        operations.objectsChanged()
        let secrets = pod.spec.imagePullSecrets.map {
            DataObject.Key(.secret, namespace: pod.metadata.namespace, name: $0)
        }
        handle(.objectsChanged(forPulls: secrets.contains(where: keys.contains)))
    }

    /// What failed had perhaps not seen the last change: it is made known once more.
    private func retryAfterChange(since seen: Int) {
        if objectChanges != seen { handle(.objectsChanged(forPulls: true)) }
    }

    /// What happens to a sandbox is told the machine after it was told of the sandbox.
    private func happened(_ input: PodInput) {
        if machine.stage == .preparing { return early.append(input) }
        handle(input)
        if case .containerExited(let name, let attempt, _) = input { forget([(name, attempt)]) }
    }

    private func sandboxMade(_ adopted: [AdoptedContainer]?) {
        handle(adopted.map { .sandboxAdopted($0) } ?? .sandboxReady)
        forget((adopted ?? []).filter(\.hasEnded).map { ($0.name, $0.attempt) })
        let waited = early
        early = []
        for input in waited { happened(input) }
    }

    func handle(_ input: PodInput) {
        let before = machine
        switch input {
        case .supervisorUnreachable(let message): trouble = message
        case .sandboxReady, .sandboxAdopted, .supervisorLost, .tornDown: trouble = nil
        default: break
        }
        perform(machine.on(input, now: .now))
        probes.follow(machine)
        if machine.stage != .preparing { isKnown = true }
        // Whoever is told that it is over is not told of a change afterwards.
        if machine.stage == .gone { return }
        if machine.stage != before.stage || machine.containers != before.containers
            || machine.ephemeral != before.ephemeral
        {
            save()
            onChange(self)
        }
        if before.stage == .preparing { takeAwaitedEdit() }
    }

    /// Lets go of attempts that have ended once the record says how: an agent that is killed before that hears of their
    /// end again.
    private func forget(_ attempts: [(container: String, attempt: Int)]) {
        if attempts.isEmpty { return }
        Task {
            // What is not on record is kept.
            guard (try? await records.flush(uid)) != nil else { return }
            for (container, attempt) in attempts { operations.forget(container: container, attempt: attempt) }
        }
    }

    func save() {
        guard machine.stage != .gone else { return }
        var record = PodRecord(
            uid: uid, source: source, manifest: manifest.value, generation: pod.metadata.generation ?? 1,
            startTime: startTime, isFinished: suspendedAsFinished ?? hasRun,
            isEnding: suspendedAsFinished == nil && stopRequested != nil, failure: machine.failure,
            containers: suspendedAsFinished == nil ? machine.containers : machine.resumableContainers,
            ephemeral: machine.ephemeral, ephemeralSpecs: pod.spec.ephemeralContainers.map(\.given))
        record.isSuccessor = isSuccessor
        record.isRestartingAll = machine.isRestartingAll
        record.conditions = conditions
        records.save(record)
    }

    private func perform(_ directives: [PodDirective]) {
        for directive in directives { perform(directive) }
    }

    private func perform(_ directive: PodDirective) {
        switch directive {
        case .makeSandbox:
            // What was asked of the supervisor before is found in what the sandbox is made of.
            sandbox += 1
            Task {
                let turn = await starts.enter(priority: pod.spec.startPriority)
                defer { starts.leave(turn) }
                // Asked to end while it waited for its turn: there is nothing to make.
                guard machine.stage == .preparing else { return }
                let seen = objectChanges
                do {
                    let adopted = try await operations.makeSandbox()
                    // A loss up to here is that of the sandbox before.
                    early.removeAll { input in
                        switch input {
                        case .supervisorLost, .supervisorUnreachable: true
                        default: false
                        }
                    }
                    // Who this instance is must outlast a power cut before anything of it runs.
                    try await records.flush(uid)
                    sandboxMade(adopted)
                } catch let error as SupervisorUnreachable {
                    handle(.supervisorUnreachable(message: "\(error)"))
                } catch is SupervisorGone {
                    handle(.supervisorLost(at: .now))
                } catch let rejection as PodRejection {
                    handle(.rejected(rejection))
                } catch let error as VolumeError {
                    handle(.volumeFailed(message: "\(error)"))
                    retryAfterChange(since: seen)
                } catch {
                    handle(.sandboxFailed(message: "\(error)"))
                }
            }
        case .start(let name, let attempt):
            guard let record = machine.everyContainer.first(where: { $0.name == name }) else { return }
            Task { [sandbox] in
                let outcome: PodInput
                let seen = objectChanges
                do throws(StartFailure) {
                    let started = try await operations.start(record, attempt: attempt)
                    outcome = .containerStarted(name: name, attempt: attempt, started)
                } catch {
                    outcome = .containerNotStarted(name: name, attempt: attempt, error)
                }
                guard sandbox == self.sandbox else { return }
                handle(outcome)
                if case .containerNotStarted = outcome { retryAfterChange(since: seen) }
            }
        case .giveUpStart(let name): operations.giveUpStart(container: name)
        case .runHook(let hook, let name, let attempt):
            operations.runHook(hook, container: name, attempt: attempt) { [weak self] outcome in
                self?.handle(.hookEnded(hook, name: name, attempt: attempt, outcome))
            }
        case .cancelHook(let name): operations.cancelHook(container: name)
        case .stopContainer(let name): operations.stop(container: name)
        case .killContainer(let name): operations.kill(container: name)
        case .arm(let timer, let delay):
            if let old = timers[timer] { loop.cancel(old) }
            timers[timer] = loop.schedule(after: delay) { [weak self] in
                self?.timers[timer] = nil
                self?.handle(.timer(timer))
            }
        case .tearDown(let wantsFinal):
            let final = wantsFinal && suspendedAsFinished == nil
            Task {
                do {
                    // The supervisor, which knows how its containers ended, goes only when the record knows it too: a
                    // finished pod stays finished, also over a reboot. One that is deleted goes from a full disk too.
                    if final { try? await records.flush(uid) } else { try await records.flush(uid) }
                    try await operations.tearDown(final: final)
                    if final { await keepEnd(self) } else { try await records.flush(uid) }
                    handle(.tornDown)
                } catch {
                    handle(.teardownFailed(message: "\(error)"))
                }
            }
        case .record(let note): onNote(self, note)
        case .finished:
            for token in timers.values { loop.cancel(token) }
            timers = [:]
            if suspendedAsFinished == nil { records.remove(uid) }
            onFinished(self)
        }
    }
}
