import Base
import CLinux
import JSON
import Kube
import TestSupport
import Testing

@testable import NodeAgent

/// A world that carries a machine's directives out in a random order with random results, and checks after every step
/// what must always hold.
private struct World {
    /// What it is made of: named by whatever fails in it.
    let seed: UInt64
    var random: SplitMix
    var machine: PodMachine
    var time: Int64 = 0
    private var at: String { "seed \(seed)" }
    /// Everything that was told and directed, where it is asked for.
    var trail: [String]?
    var pending: [PodInput] = []
    var live: [String: Int] = [:]
    var stopAsked = false
    /// An earlier agent began it: it is not stopped before it is known what of it runs.
    var isRestored = false
    var torn = false
    var finished = 0
    /// The supervisor lives and cannot be reached; what ended since.
    var isBroken = false
    var unheard: [AdoptedContainer] = []
    /// The last run of each container that its startup probe has found started.
    var saidStarted: [String: Int] = [:]
    /// Hooks that run, and runs whose postStart hook was told to have ended well.
    var hooks: [String: Hook] = [:]
    var greeted: Set<String> = []
    /// A container's or the pod's time to end was over; who was asked to end while the pod went on.
    var isTimeOver = false
    var asked: Set<String> = []
    /// What the last run of each container was begun with.
    var images: [String: String] = [:]
    /// How those ended that the pod was given while it ran.
    var over: [String: ContainerRecord.Termination] = [:]

    /// What the machine directs when it is told this.
    mutating func tell(_ input: PodInput) -> [PodDirective] {
        trail?.append("< \(input)")
        return machine.on(input, now: BootInstant(nanoseconds: time))
    }

    mutating func perform(_ directives: [PodDirective]) {
        for directive in directives {
            trail?.append("> \(directive)")
            switch directive {
            case .makeSandbox where isBroken:
                pending.append(random.chance(40) ? .supervisorUnreachable(message: "x") : .sandboxAdopted([]))
            case .makeSandbox:
                pending.append(random.chance(10) ? .sandboxFailed(message: "x") : .sandboxReady)
            case .start(let name, let attempt):
                #expect(!stopAsked, "\(at): nothing is started once the pod is to end")
                #expect(machine.failure == nil, "\(at): nothing is started once the pod has failed")
                let isOfPod = machine.containers.contains { $0.name == name }
                #expect(!isOfPod || !machine.isRestartingAll, "\(at): all begin again when all have ended")
                #expect(live[name] == nil, "\(at): a container has one run at a time")
                #expect(over[name] == nil && (attempt == 0 || !["e", "f"].contains(name)), "\(at): it runs once")
                live[name] = attempt
                #expect(machine.containers.allSatisfy { $0.name != name || !$0.isHeld }, "\(at): stopped is stopped")
                images[name] = machine.plan.entry(name)?.image
                if let record = machine.containers.first(where: { $0.name == name }), !record.isInit {
                    #expect(
                        machine.containers.allSatisfy {
                            !$0.isInit || machine.isSidecar($0) || $0.hasSucceeded
                        }, "\(at): \(name) begins, and those before it are not done")
                    let before = machine.containers.prefix { $0.name != name }
                    #expect(
                        before.allSatisfy { !$0.isRunning || !$0.isPostStarting }, "\(at): one begins after the other")
                }
                switch random.next(10) {
                case 0:
                    let isPull = random.chance(50)
                    pending.append(
                        failure(
                            name, attempt, isPull ? .pull : .image, isPull ? "ErrImagePull" : "ErrImageNeverPull"))
                case 1: pending.append(failure(name, attempt, .configuration, "CreateContainerConfigError"))
                case 2: pending.append(failure(name, attempt, .execution, "RunContainerError"))
                default:
                    pending.append(
                        .containerStarted(
                            name: name, attempt: attempt,
                            .init(
                                containerID: "\(name).\(attempt)", imageID: "i",
                                startedAt: Timestamp(nanoseconds: time), user: nil)))
                }
            case .giveUpStart(let name):
                // As far as it had not reached the supervisor.
                guard random.chance(50) else { break }
                for (n, input) in pending.enumerated() {
                    guard case .containerStarted(name, let attempt, _) = input else { continue }
                    pending[n] = failure(name, attempt, .givenUp, "ErrImagePull")
                }
            case .runHook(let hook, let name, let attempt):
                #expect(live[name] == attempt, "\(at): a hook is of a container that runs")
                #expect(hook == .preStop || !greeted.contains("\(name).\(attempt)"), "a run begins once")
                if hooks[name] == hook { break }
                #expect(hooks[name] == nil, "\(at): a container has one hook at a time")
                hooks[name] = hook
                // Some never end.
                if random.chance(80) {
                    let outcome: HookOutcome = random.chance(70) ? .done : random.chance(70) ? .failed : .lost
                    pending.append(.hookEnded(hook, name: name, attempt: attempt, outcome))
                }
            case .cancelHook(let name):
                hooks[name] = nil
                pending.removeAll { if case .hookEnded(_, name, _, _) = $0 { true } else { false } }
            case .stopContainer(let name):
                #expect(hooks[name] == nil, "\(at): the signal comes after the hook")
                let isServing =
                    name == "s" && machine.stage == .terminating
                    && live.contains { $0.key == "i" || $0.key == "a" || $0.key == "b" }
                #expect(
                    !isServing || isTimeOver || asked.contains("s"), "\(at): a sidecar ends after those that it serves")
                if random.chance(50) { exit(name, 0) }
            case .killContainer(let name): exit(name, 137)
            case .arm(.killOver, _): break
            case .arm(let timer, _):
                pending.removeAll { if case .timer(timer) = $0 { true } else { false } }
                pending.append(.timer(timer))
            case .tearDown:
                #expect(
                    live.isEmpty || isBroken,
                    "\(at): a sandbox is released when nothing runs in it, or nobody can be asked")
                live = [:]
                hooks = [:]
                isBroken = false
                pending.append(random.chance(10) ? .teardownFailed(message: "busy") : .tornDown)
            case .record: break
            case .finished: finished += 1
            }
        }
    }

    func failure(_ name: String, _ attempt: Int, _ kind: StartFailure.Kind, _ reason: String) -> PodInput {
        .containerNotStarted(
            name: name, attempt: attempt,
            StartFailure(kind, reason: reason, message: "m", at: Timestamp(nanoseconds: time)))
    }

    mutating func exit(_ name: String, _ code: Int32) {
        guard let attempt = live[name] else { return }
        pending.append(
            .containerExited(
                name: name, attempt: attempt,
                .init(exitCode: code, reason: "Error", finishedAt: Timestamp(nanoseconds: time))))
    }

    /// The connection breaks: what was asked is not answered, what was on its way may have arrived.
    mutating func disconnect() {
        loseConnection()
        perform(tell(.supervisorUnreachable(message: "x")))
    }

    /// The agent goes, and the next one goes on with what is on record.
    mutating func restartAgent() {
        loseConnection()
        trail?.append("the next agent")
        var record = PodRecord(
            uid: "u", source: "s", manifest: [:], startTime: Timestamp(nanoseconds: 1), isFinished: false,
            failure: machine.failure, containers: machine.containers, ephemeral: machine.ephemeral)
        record.isRestartingAll = machine.isRestartingAll
        var next: PodMachine?
        do throws(JSONError) { next = PodMachine(machine.plan, restoring: try PodRecord(record.json)) } catch {
            Issue.record("\(at): \(error)")
        }
        guard var next else { return }
        next.ephemeral = machine.ephemeral
        // Timers are the agent's.
        pending.removeAll { if case .timer = $0 { true } else { false } }
        machine = next
        isRestored = true
        perform(machine.begin())
        if let failure = machine.failure { perform(tell(.fail(failure))) }
    }

    private mutating func loseConnection() {
        isBroken = true
        hooks = [:]
        pending.removeAll { if case .hookEnded = $0 { true } else { false } }
        pending.removeAll { input in
            switch input {
            case .containerNotStarted(let name, _, _):
                live[name] = nil
                return true
            case .containerStarted: return true
            default: return false
            }
        }
    }

    /// What the supervisor says when it is reached again.
    mutating func reached() -> PodInput {
        isBroken = false
        let running = live.map { name, attempt in
            AdoptedContainer(
                name: name, attempt: attempt,
                state: .running(
                    .init(
                        containerID: "\(name).\(attempt)", imageID: "i", startedAt: Timestamp(nanoseconds: time),
                        user: nil)))
        }
        defer { unheard = [] }
        return .sandboxAdopted(running + unheard)
    }

    /// What is said of containers holds together, whatever happened.
    mutating func check() {
        for record in machine.ephemeral {
            #expect(record.restartCount == 0 && !record.isReady)
            if let end = over[record.name] { #expect(record.termination == end, "\(at): what is over stays so") }
            over[record.name] = record.termination
        }
        for record in machine.containers {
            if record.isReady && !record.isStarted || record.isStarted && !record.isRunning {
                Issue.record("\(at): \(record.name) is ready without being started, or started without running")
            }
            if machine.stage == .running, record.isRunning,
                images[record.name] != machine.plan.entry(record.name)?.image,
                !record.mustRunAgain, !record.isHeld, !machine.isRestartingAll
            {
                Issue.record("\(at): \(record.name) runs another image than its manifest's, and is to go on")
            }
            if record.isStarted, saidStarted[record.name] != record.restartCount, record.name == "a" {
                Issue.record("\(at): a is started, and its startup probe has not said so")
            }
        }
    }

    /// A probe says something of a run, perhaps of one that is over.
    mutating func probe() {
        let record = machine.containers[random.next(machine.containers.count)]
        let kind = ProbeKind.allCases[random.next(3)]
        let verdict = ProbeVerdict(
            container: record.name, attempt: record.restartCount - (random.chance(10) ? 1 : 0), kind: kind,
            isSuccess: random.chance(70))
        if kind == .startup, verdict.isSuccess, verdict.attempt == record.restartCount {
            saidStarted[record.name] = verdict.attempt
        }
        let wasFaulty = record.hasFailedProbe
        let directives = tell(.probed(verdict, grace: .seconds(1)))
        if wasFaulty || stopAsked || !record.isRunning, !directives.isEmpty {
            Issue.record("\(at): \(directives) follow from a probe of what does not run on")
        }
        perform(directives)
    }

    mutating func step() {
        defer { check() }
        time += 1_000_000_000
        if !pending.isEmpty, random.chance(80) {
            var event = pending.remove(at: random.next(pending.count))
            switch event {
            case .containerExited(let name, let attempt, let end) where isBroken:
                guard live[name] == attempt else { return }
                live[name] = nil
                return unheard.append(AdoptedContainer(name: name, attempt: attempt, state: .ended(end)))
            case .sandboxAdopted: event = reached()
            case .hookEnded(let hook, let name, let attempt, let outcome):
                guard hooks[name] == hook, live[name] == attempt else { return }
                hooks[name] = nil
                if hook == .postStart, outcome == .done { greeted.insert("\(name).\(attempt)") }
            case .containerExited(let name, let attempt, _):
                guard live[name] == attempt else { return }
                live[name] = nil
            case .containerNotStarted(let name, let attempt, _):
                // Killed while it was being started, and its end told first.
                guard live[name] == attempt else { return }
                live[name] = nil
            case .containerStarted(let name, let attempt, _): guard live[name] == attempt else { return }
            case .timer(.graceOver), .timer(.stopGraceOver): isTimeOver = true
            default: break
            }
            return perform(tell(event))
        }
        switch random.next(12) {
        case 0:
            let names = Set(machine.everyContainer.map(\.name).filter { _ in random.chance(50) })
            perform(tell(.imagesHere(containers: names)))
        case 1
        where machine.stage == .running
            && live.allSatisfy({ name, _ in
                machine.everyContainer.contains { $0.name == name && $0.isRunning }
            }):
            live = [:]
            hooks = [:]
            perform(tell(.supervisorLost(at: Timestamp(nanoseconds: time))))
        case 4 where random.chance(10):
            perform(tell(.fail(.deadlineExceeded)))
        case 2 where machine.stage == .running || machine.stage == .terminating: disconnect()
        case 3:
            let control = PodControl.allCases[random.next(PodControl.allCases.count)]
            let names = random.chance(50) ? ["s", "i", "a", "b"] : [["s", "i", "a", "b"][random.next(4)]]
            asked.formUnion(names)
            let input = PodInput.control(control, containers: Set(names), grace: .seconds(1))
            perform(tell(input))
        case 5 where random.chance(30):
            var plan = machine.plan
            let names = machine.containers.map(\.name).filter { _ in random.chance(50) }
            for i in plan.initContainers.indices where names.contains(plan.initContainers[i].name) {
                plan.initContainers[i].image += "+"
            }
            for i in plan.containers.indices where names.contains(plan.containers[i].name) {
                plan.containers[i].image += "+"
            }
            // A worker has the instance replaced otherwise.
            guard machine.canChangeImages(of: Set(names)) else { return }
            asked.formUnion(names)
            perform(tell(.edited(plan)))
        case 4, 5: probe()
        case 7 where machine.stage == .running && random.chance(20): restartAgent()
        case 6 where random.chance(20):
            let input = PodInput.debug(name: random.chance(50) ? "e" : "f", image: "a")
            perform(tell(input))
        default:
            let running = machine.everyContainer.filter(\.isRunning).map(\.name)
            if let name = random.chance(20) ? running.last : running.first, random.chance(40) {
                exit(name, random.chance(50) ? 0 : 1)
            }
        }
    }
}

@Suite struct PodMachineSimulationTests {
    @Test(arguments: [PodPlan.RestartPolicy.always, .onFailure, .never])
    func underAnyScheduleAStoppedPodEndsOnceAndNothingRunsAfter(policy: PodPlan.RestartPolicy) {
        let plan = PodPlan(
            display: "p", restartPolicy: policy,
            initContainers: [
                .init(name: "s", image: "a", hooks: [.preStop], restartPolicy: .always), .init(name: "i", image: "a"),
            ],
            containers: [
                .init(
                    name: "a", image: "a",
                    probes: ContainerProbes(
                        startup: PodMachineProbeTests.probe, liveness: PodMachineProbeTests.probe,
                        readiness: PodMachineProbeTests.probe), hooks: [.postStart, .preStop]),
                .init(
                    name: "b", image: "a", hooks: [.preStop], restartPolicy: policy,
                    restartRules: [.init(action: .restartAllContainers, exitCodes: .init(.isIn, [1]))]),
            ])
        // `make soak` asks for more.
        func setting(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }
        // One that has failed is told of in full.
        let only = setting("SWIFTLET_SEED")
        for seed in only.map({ $0...$0 }) ?? 0...(setting("SWIFTLET_SCHEDULES") ?? 1500) - 1 {
            var world = World(seed: UInt64(seed), random: SplitMix(UInt64(seed)), machine: PodMachine(plan))
            if only != nil { world.trail = [] }
            world.perform(world.machine.begin())
            for _ in 0..<(20 + seed % 60) { world.step() }
            world.stopAsked = true
            let grace = Nanoseconds.seconds(30)
            world.perform(
                world.tell(
                    world.isRestored ? .stopWhenKnown(grace: grace, message: "s") : .stop(grace: grace, message: "s")))
            var steps = 0
            while world.machine.stage != .gone, steps < 2000 {
                world.step()
                steps += 1
            }
            #expect(world.machine.stage == .gone, "seed \(seed), policy \(policy): the pod ends")
            #expect(world.finished == 1 && world.live.isEmpty, "seed \(seed)")
            for line in world.trail ?? [] { print(policy, line) }
        }
    }
}
