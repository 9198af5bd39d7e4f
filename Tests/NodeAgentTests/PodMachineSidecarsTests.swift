import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineSidecarsTests: PodMachineWords {
    private static func plan(
        _ policy: PodPlan.RestartPolicy = .always, probes: ContainerProbes = ContainerProbes()
    ) -> PodPlan {
        var plan = PodPlan(
            display: "p", restartPolicy: policy,
            initContainers: [
                .init(name: "s1", image: "x", probes: probes, restartPolicy: .always), .init(name: "i", image: "x"),
                .init(name: "s2", image: "x", hooks: [.preStop], restartPolicy: .always),
            ],
            containers: [.init(name: "a", image: "x")])
        plan.grace = .seconds(30)
        return plan
    }

    /// All of the pod runs.
    private func running(_ policy: PodPlan.RestartPolicy = .always) -> PodMachine {
        var machine = PodMachine(Self.plan(policy))
        _ = machine.on(.sandboxReady, now: now(0))
        for input in [started("s1"), started("i"), exited("i"), started("s2"), started("a")] {
            _ = machine.on(input, now: now(0))
        }
        return machine
    }

    // MARK: Beginning

    @Test func whatComesAfterASidecarBeginsWhenItHasStarted() {
        var machine = PodMachine(Self.plan())
        #expect(starts(machine.on(.sandboxReady, now: now(0))) == ["s1.0"])
        #expect(starts(machine.on(started("s1"), now: now(0))) == ["i.0"])
        #expect(starts(machine.on(started("i"), now: now(0))) == [])
        #expect(starts(machine.on(exited("i"), now: now(1))) == ["s2.0"])
        #expect(starts(machine.on(started("s2"), now: now(1))) == ["a.0"])
    }

    @Test func itsStartupProbeIsWaitedFor() {
        var machine = PodMachine(Self.plan(probes: ContainerProbes(startup: PodMachineProbeTests.probe)))
        _ = machine.on(.sandboxReady, now: now(0))
        #expect(starts(machine.on(started("s1"), now: now(0))) == [])
        let verdict = ProbeVerdict(container: "s1", attempt: 0, kind: .startup, isSuccess: true)
        #expect(starts(machine.on(.probed(verdict, grace: .seconds(1)), now: now(1))) == ["i.0"])
    }

    @Test(arguments: [PodPlan.RestartPolicy.always, .onFailure, .never])
    func aSidecarRunsAgainWhateverThePodsPolicyAndWhateverGoesOn(policy: PodPlan.RestartPolicy) {
        var machine = PodMachine(Self.plan(policy))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("s1"), now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(starts(machine.on(exited("s1", 0), now: now(1))) == ["s1.1"], "while an init container runs")
        // What is next waits for it.
        #expect(starts(machine.on(exited("i"), now: now(1))) == [])
        #expect(starts(machine.on(started("s1", 1), now: now(2))) == ["s2.0"])
        _ = machine.on(started("s2"), now: now(2))
        _ = machine.on(started("a"), now: now(2))
        let second = machine.on(exited("s1", 1, 1), now: now(3))
        #expect(second.contains(.arm(.restart(container: "s1"), after: .seconds(10))))
        // What has begun is not held back by it.
        if policy == .always { #expect(starts(machine.on(exited("a", 1), now: now(4))) == ["a.1"]) }
        #expect(starts(machine.on(.timer(.restart(container: "s1")), now: now(13))) == ["s1.2"])
    }

    @Test func anInitContainerThatFailsForGoodEndsTheSidecarsToo() {
        var machine = PodMachine(Self.plan(.never))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("s1"), now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(signals(machine.on(exited("i", 1), now: now(1))) == ["s1"])
        #expect(machine.on(exited("s1", 143), now: now(2)) == [.tearDown(final: false)])
    }

    // MARK: Ending

    @Test func aPodWhoseContainersHaveEndedEndsItsSidecarsFromTheLastToTheFirst() {
        var machine = running(.never)
        let directives = machine.on(exited("a", 0), now: now(10))
        #expect(directives.contains(.runHook(.preStop, container: "s2", attempt: 0)) && signals(directives) == [])
        #expect(
            machine.on(.hookEnded(.preStop, name: "s2", attempt: 0, .done), now: now(11)).last
                == .stopContainer(container: "s2"))
        #expect(machine.on(exited("s2", 143), now: now(12)) == [.stopContainer(container: "s1")])
        #expect(machine.on(exited("s1", 143), now: now(13)) == [.tearDown(final: false)])
        _ = machine.on(.tornDown, now: now(13))
        #expect(machine.stage == .finished)
    }

    @Test func aPodThatIsRemovedEndsWhatIsServedBeforeTheSidecars() {
        var machine = running()
        let directives = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        #expect(signals(directives) == ["a"])
        #expect(directives.contains(.runHook(.preStop, container: "s2", attempt: 0)), "hooks run at once")
        #expect(machine.on(.hookEnded(.preStop, name: "s2", attempt: 0, .done), now: now(11)).isEmpty)
        #expect(machine.on(exited("a"), now: now(12)) == [.stopContainer(container: "s2")])
        // Not again.
        #expect(machine.on(exited("s2"), now: now(13)) == [.stopContainer(container: "s1")])
        #expect(machine.on(exited("s1"), now: now(14)) == [.tearDown(final: true)])
    }

    @Test func whenTheTimeIsOverAllThatWaitsIsSignalledAndHasTwoSeconds() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        let over = machine.on(.timer(.graceOver), now: now(40))
        #expect(Set(signals(over)) == ["s1", "s2"])
        #expect(over.contains(.killContainer(container: "a")) && !over.contains(.killContainer(container: "s1")))
        let timer = PodTimer.stopGraceOver(container: "s1", attempt: 0)
        #expect(over.contains(.arm(timer, after: .seconds(2))))
        #expect(machine.on(.timer(timer), now: now(42)) == [.killContainer(container: "s1")])
    }

    @Test func anAgentThatComesBackEndsTheSidecarsOfAPodThatIsDone() {
        var before = running(.never)
        _ = before.on(exited("a", 0), now: now(10))
        var machine = PodMachine(Self.plan(.never), restoring: before.containers, finished: false)
        let found = ["s1", "s2"].map { name in
            AdoptedContainer(
                name: name, attempt: 0,
                state: .running(
                    .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil)))
        }
        let directives = machine.on(.sandboxAdopted(found), now: now(100))
        #expect(starts(directives) == [] && directives.contains(.runHook(.preStop, container: "s2", attempt: 0)))
        #expect(machine.stage == .terminating)
    }

    @Test func aContainersOwnPolicyReplacesThePods() {
        var plan = PodPlan(
            display: "p", restartPolicy: .never,
            containers: [
                .init(name: "a", image: "x", restartPolicy: .onFailure), .init(name: "b", image: "x"),
            ])
        plan.grace = .seconds(30)
        var machine = PodMachine(plan)
        _ = machine.on(.sandboxReady, now: now(0))
        for name in ["a", "b"] { _ = machine.on(started(name), now: now(0)) }
        #expect(starts(machine.on(exited("a", 1), now: now(1))) == ["a.1"])
        #expect(machine.on(exited("b", 1), now: now(1)).isEmpty)
        _ = machine.on(started("a", 1), now: now(2))
        #expect(machine.on(exited("a", 0, 1), now: now(3)) == [.tearDown(final: false)])
    }

    // MARK: Rules

    @Test(arguments: [
        (ContainerRestartRule.Operator.isIn, Int32(42), true), (.isIn, 1, false), (.isIn, 0, false),
        (.isNotIn, 42, false), (.isNotIn, 1, true), (.isNotIn, 0, true),
    ])
    func theFirstRuleOfAnExitCodeDecidesBeforeThePolicy(
        _ operator: ContainerRestartRule.Operator, _ code: Int32, _ runsAgain: Bool
    ) {
        let rules = [ContainerRestartRule(exitCodes: .init(`operator`, [42, 43]))]
        var machine = PodMachine(
            PodPlan(
                display: "p", restartPolicy: .never,
                containers: [.init(name: "c", image: "x", restartPolicy: .never, restartRules: rules)]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("c"), now: now(0))
        let directives = machine.on(exited("c", code), now: now(1))
        #expect(starts(directives) == (runsAgain ? ["c.1"] : []))
        #expect(directives.contains(.tearDown(final: false)) == !runsAgain)
    }

    @Test func anInitContainerThatEndedWellIsDoneWhateverItsRulesSay() {
        let rules = [ContainerRestartRule(exitCodes: .init(.isNotIn, [3]))]
        var machine = PodMachine(
            PodPlan(
                display: "p", restartPolicy: .never,
                initContainers: [.init(name: "i", image: "x", restartPolicy: .never, restartRules: rules)],
                containers: [.init(name: "c", image: "x")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(starts(machine.on(exited("i", 1), now: now(1))) == ["i.1"])
        _ = machine.on(started("i", 1), now: now(1))
        #expect(starts(machine.on(exited("i", 0, 1), now: now(2))) == ["c.0"])
    }

    @Test func aPodOfAContainerThatRunsAgainByARuleRuns() {
        var pod = PodStatusBuilderTests.pod(["c"], restartPolicy: .never)
        pod.spec.containers[0].restartPolicy = .never
        pod.spec.containers[0].restartPolicyRules = [ContainerRestartRule(exitCodes: .init(.isIn, [42]))]
        func phase(_ code: Int32, waits: Bool) -> PodPhase? {
            var record = ContainerRecord(name: "c", image: "x", isInit: false)
            record.hasBegun = true
            let end = ContainerRecord.Termination(
                exitCode: code, reason: "Error", finishedAt: Timestamp(nanoseconds: 1))
            record.state = waits ? .waiting(reason: "CrashLoopBackOff", message: nil) : .terminated(end)
            record.lastTermination = end
            return PodStatusBuilder(
                pod: pod, records: [record], isSandboxReady: true, startTime: Timestamp(nanoseconds: 0),
                nodeAddresses: [], podAddresses: []
            ).status(previous: nil, now: Timestamp(nanoseconds: 2)).phase
        }
        #expect(phase(42, waits: true) == .running)
        #expect(phase(42, waits: false) == .running)
        #expect(phase(1, waits: false) == .failed)
    }

    // MARK: Status

    private static let sidecarPod: Pod = {
        var pod = PodStatusBuilderTests.pod(["a"], initContainers: ["s", "i"], restartPolicy: .never)
        pod.spec.initContainers[0].restartPolicy = .always
        return pod
    }()

    private func record(_ name: String, _ state: ContainerRecord.State, isStarted: Bool = true) -> ContainerRecord {
        var record = PodStatusBuilderTests.record(name, state, isInit: name != "a")
        if record.isRunning { (record.isStarted, record.isReady) = (isStarted, isStarted && name != "i") }
        return record
    }

    @Test func theStatusCountsASidecarAsTheKubelet() {
        let running = ContainerRecord.State.running(since: PodStatusBuilderTests.time(5))
        let done = ContainerRecord.State.terminated(PodStatusBuilderTests.end(0))
        func status(_ records: [ContainerRecord]) -> PodStatus {
            PodStatusBuilderTests.status(Self.sidecarPod, records)
        }
        func condition(_ status: PodStatus, _ type: String) -> String {
            status.conditions.first { $0.type == type }.map { "\($0.status.rawValue) \($0.message ?? "")" } ?? ""
        }
        let starting = status([record("s", running, isStarted: false)])
        #expect(starting.phase == .pending)
        #expect(condition(starting, "Initialized") == "False containers with incomplete status: [s i]")
        let initializing = status([record("s", running), record("i", running)])
        #expect(condition(initializing, "Initialized") == "False containers with incomplete status: [i]")
        let up = status([record("s", running), record("i", done), record("a", running)])
        #expect(up.phase == .running && condition(up, "Ready") == "True ")
        #expect(up.initContainerStatuses.map(\.ready) == [true, true])
        let again = status([record("s", done), record("i", done), record("a", running)])
        #expect(again.phase == .running && again.initContainerStatuses[0].ready == false)
        #expect(condition(again, "Ready") == "False containers with unready status: [s]")
        // It has not succeeded while its sidecar is still ending.
        #expect(status([record("s", running), record("i", done), record("a", done)]).phase == .running)
        #expect(status([record("s", done), record("i", done), record("a", done)]).phase == .succeeded)
    }
}
