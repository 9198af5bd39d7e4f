import Base
import TestSupport
import Testing

@testable import NodeAgent

/// A world that carries a machine's directives out in a random order with random results, and checks after every step
/// what must always hold.
private struct World {
    var random: SplitMix
    var machine: PodMachine
    var time: Int64 = 0
    var pending: [PodInput] = []
    var live: [String: Int] = [:]
    var stopAsked = false
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

    mutating func perform(_ directives: [PodDirective]) {
        for directive in directives {
            switch directive {
            case .makeSandbox where isBroken:
                pending.append(random.chance(40) ? .supervisorUnreachable(message: "x") : .sandboxAdopted([]))
            case .makeSandbox:
                pending.append(random.chance(10) ? .sandboxFailed(message: "x") : .sandboxReady)
            case .start(let name, let attempt):
                #expect(!stopAsked, "nothing is started once the pod is to end")
                #expect(machine.failure == nil, "nothing is started once the pod has failed")
                #expect(live[name] == nil, "a container has one run at a time")
                live[name] = attempt
                #expect(machine.containers.allSatisfy { $0.name != name || !$0.isHeld }, "stopped is stopped")
                if let record = machine.containers.first(where: { $0.name == name }), !record.isInit {
                    #expect(
                        machine.containers.allSatisfy {
                            !$0.isInit || machine.isSidecar($0) || $0.hasSucceeded
                        })
                    let before = machine.containers.prefix { $0.name != name }
                    #expect(before.allSatisfy { !$0.isRunning || !$0.isPostStarting }, "one begins after the other")
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
                #expect(live[name] == attempt, "a hook is of a container that runs")
                #expect(hook == .preStop || !greeted.contains("\(name).\(attempt)"), "a run begins once")
                if hooks[name] == hook { break }
                #expect(hooks[name] == nil, "a container has one hook at a time")
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
                #expect(hooks[name] == nil, "the signal comes after the hook")
                let isServing = name == "s" && machine.stage == .terminating && live.contains { $0.key != "s" }
                #expect(!isServing || isTimeOver || asked.contains("s"), "a sidecar ends after those that it serves")
                if random.chance(50) { exit(name, 0) }
            case .killContainer(let name): exit(name, 137)
            case .arm(.killOver, _): break
            case .arm(let timer, _):
                pending.removeAll { if case .timer(timer) = $0 { true } else { false } }
                pending.append(.timer(timer))
            case .tearDown:
                #expect(
                    live.isEmpty || isBroken, "a sandbox is released when nothing runs in it, or nobody can be asked")
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
        perform(machine.on(.supervisorUnreachable(message: "x"), now: BootInstant(nanoseconds: time)))
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
    func check() {
        for record in machine.containers {
            if record.isReady && !record.isStarted || record.isStarted && !record.isRunning {
                Issue.record("\(record.name) is ready without being started, or started without running")
            }
            if record.isStarted, saidStarted[record.name] != record.restartCount, record.name == "a" {
                Issue.record("a is started, and its startup probe has not said so")
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
        let directives = machine.on(.probed(verdict, grace: .seconds(1)), now: BootInstant(nanoseconds: time))
        if wasFaulty || stopAsked || !record.isRunning, !directives.isEmpty {
            Issue.record("\(directives) follow from a probe of what does not run on")
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
            return perform(machine.on(event, now: BootInstant(nanoseconds: time)))
        }
        switch random.next(12) {
        case 0:
            let names = Set(machine.containers.map(\.name).filter { _ in random.chance(50) })
            perform(machine.on(.imagesHere(containers: names), now: BootInstant(nanoseconds: time)))
        case 1
        where machine.stage == .running
            && live.allSatisfy({ name, _ in
                machine.containers.contains { $0.name == name && $0.isRunning }
            }):
            live = [:]
            hooks = [:]
            perform(machine.on(.supervisorLost(at: Timestamp(nanoseconds: time)), now: BootInstant(nanoseconds: time)))
        case 4 where random.chance(10):
            perform(machine.on(.fail(.deadlineExceeded), now: BootInstant(nanoseconds: time)))
        case 2 where machine.stage == .running || machine.stage == .terminating: disconnect()
        case 3:
            let control = PodControl.allCases[random.next(PodControl.allCases.count)]
            let names = random.chance(50) ? ["s", "i", "a", "b"] : [["s", "i", "a", "b"][random.next(4)]]
            asked.formUnion(names)
            let input = PodInput.control(control, containers: Set(names), grace: .seconds(1))
            perform(machine.on(input, now: BootInstant(nanoseconds: time)))
        case 4, 5: probe()
        default:
            if let name = machine.containers.filter(\.isRunning).map(\.name).first, random.chance(40) {
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
                .init(name: "b", image: "a", hooks: [.preStop]),
            ])
        for seed in 0..<1500 {
            var world = World(random: SplitMix(UInt64(seed)), machine: PodMachine(plan))
            world.perform(world.machine.begin())
            for _ in 0..<(20 + seed % 60) { world.step() }
            world.stopAsked = true
            world.perform(
                world.machine.on(
                    .stop(grace: .seconds(30), message: "s"), now: BootInstant(nanoseconds: world.time)))
            var steps = 0
            while world.machine.stage != .gone, steps < 2000 {
                world.step()
                steps += 1
            }
            #expect(world.machine.stage == .gone, "seed \(seed), policy \(policy): the pod ends")
            #expect(world.finished == 1 && world.live.isEmpty, "seed \(seed)")
        }
    }
}
