import Base
import JSON
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineRestartAllTests: PodMachineWords {
    private static let rule = ContainerRestartRule(
        action: .restartAllContainers, exitCodes: .init(.isIn, [42]))

    private static let plan = PodPlan(
        display: "p", restartPolicy: .never,
        initContainers: [
            .init(name: "i", image: "x"), .init(name: "s", image: "x", restartPolicy: .always),
        ],
        containers: [
            .init(name: "a", image: "x", hooks: [.preStop]),
            .init(name: "b", image: "x", restartPolicy: .never, restartRules: [rule]),
        ])

    /// All of the pod runs; the init container has done its work.
    private func running() -> PodMachine {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        for input in [started("i"), exited("i"), started("s"), started("a"), started("b")] {
            _ = machine.on(input, now: now(0))
        }
        return machine
    }

    private func kills(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .killContainer(let name) = $0 { name } else { nil } }
    }

    private func isOver(_ machine: PodMachine, _ name: String) -> Bool {
        machine.containers.first { $0.name == name }?.waitsForAll ?? false
    }

    private let pause = PodDirective.arm(.restart(container: "i"), after: .seconds(1))

    @Test func allAreKilledAndBeginAgainFromTheFirstWhenAllHaveEnded() {
        var machine = running()
        let cut = machine.on(exited("b", 42), now: now(10))
        // Without grace and hooks, as the kubelet.
        #expect(kills(cut) == ["s", "a"] && starts(cut) == [] && !cut.contains(pause))
        #expect(machine.isRestartingAll && isOver(machine, "i") && isOver(machine, "b") && !isOver(machine, "a"))
        #expect(starts(machine.on(exited("a", 137), now: now(11))) == [])
        #expect(machine.on(.timer(.restart(container: "i")), now: now(11)) == [], "one still runs")
        #expect(machine.on(exited("s", 137), now: now(12)) == [pause])
        #expect(starts(machine.on(.timer(.restart(container: "i")), now: now(13))) == ["i.1"])
        #expect(!machine.isRestartingAll)
        #expect(starts(machine.on(started("i", 1), now: now(14))) == [])
        #expect(starts(machine.on(exited("i", 0, 1), now: now(15))) == ["s.1"])
        #expect(starts(machine.on(started("s", 1), now: now(16))) == ["a.1", "b.1"])
        #expect(machine.containers.allSatisfy { $0.restartCount == 1 })
        // As often as it happens.
        for input in [started("a", 1), started("b", 1)] { _ = machine.on(input, now: now(17)) }
        #expect(kills(machine.on(exited("b", 42, 1), now: now(18))) == ["s", "a"])
    }

    @Test func anotherExitCodeIsWhatItWas() {
        var machine = running()
        #expect(kills(machine.on(exited("b", 1), now: now(10))) == [] && !machine.isRestartingAll)
    }

    @Test func whatIsBeingStartedIsKilledOnceItRuns() {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        for input in [started("i"), exited("i"), started("s"), started("b")] { _ = machine.on(input, now: now(0)) }
        #expect(machine.on(exited("b", 42), now: now(10)).contains(.giveUpStart(container: "a")))
        #expect(kills(machine.on(started("a"), now: now(11))) == ["a"])
        _ = machine.on(exited("a", 137), now: now(12))
        #expect(machine.on(exited("s", 137), now: now(12)) == [pause])
    }

    @Test func anInitContainerThatFailsMayAskForIt() {
        var machine = PodMachine(
            PodPlan(
                display: "p", restartPolicy: .never,
                initContainers: [
                    .init(name: "s", image: "x", restartPolicy: .always),
                    .init(name: "i", image: "x", restartPolicy: .never, restartRules: [Self.rule]),
                ],
                containers: [.init(name: "a", image: "x")]))
        _ = machine.on(.sandboxReady, now: now(0))
        for input in [started("s"), started("i")] { _ = machine.on(input, now: now(0)) }
        #expect(kills(machine.on(exited("i", 42), now: now(1))) == ["s"])
        #expect(machine.on(exited("s", 137), now: now(2)) == [.arm(.restart(container: "s"), after: .seconds(1))])
        #expect(starts(machine.on(.timer(.restart(container: "s")), now: now(3))) == ["s.1"])
    }

    @Test func aPodThatIsToEndEnds() {
        var machine = running()
        _ = machine.on(exited("b", 42), now: now(10))
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(11))
        _ = machine.on(exited("a", 137), now: now(12))
        #expect(machine.on(exited("s", 137), now: now(12)) == [.tearDown(final: true)])
    }

    @Test func theNextAgentGoesOnWithIt() throws {
        var before = running()
        _ = before.on(exited("b", 42), now: now(10))
        _ = before.on(exited("a", 137), now: now(11))
        var record = PodRecord(
            uid: "u", source: "s", manifest: [:], startTime: Timestamp(nanoseconds: 1), isFinished: false,
            containers: before.containers)
        record.isRestartingAll = before.isRestartingAll
        var machine = PodMachine(Self.plan, restoring: try PodRecord(record.json))
        let running = AdoptedContainer(
            name: "s", attempt: 0,
            state: .running(
                .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil)))
        let found = machine.on(.sandboxAdopted([running]), now: now(20))
        #expect(starts(found) == [] && machine.isRestartingAll)
        #expect(found.contains(.killContainer(container: "s")), "it may not have heard of it")
        #expect(machine.on(exited("s", 137), now: now(21)) == [pause])
        #expect(starts(machine.on(.timer(.restart(container: "i")), now: now(22))) == ["i.1"])
    }

    @Test(arguments: PodControl.allCases)
    func whatTheOperatorAsksMeanwhileBeginsNothingBeforeTheRest(control: PodControl) {
        var machine = running()
        _ = machine.on(exited("b", 42), now: now(10))
        let asked = machine.on(.control(control, containers: ["a", "b"], grace: .seconds(1)), now: now(11))
        #expect(starts(asked) == [] && machine.isRestartingAll)
        #expect(starts(machine.on(exited("a", 137), now: now(11))) == [])
        _ = machine.on(exited("s", 137), now: now(12))
        var begun = starts(machine.on(.timer(.restart(container: "i")), now: now(13)))
        if control == .stop {
            #expect(begun == [], "nothing of the pod is to run")
            begun = starts(machine.on(.control(.start, containers: ["a", "b"], grace: .seconds(1)), now: now(14)))
        }
        #expect(begun == ["i.1"] && !machine.isRestartingAll)
    }

    @Test func anImageThatChangesMeanwhileWaitsForTheRestToo() {
        var machine = running()
        _ = machine.on(exited("b", 42), now: now(10))
        var plan = Self.plan
        for i in plan.containers.indices { plan.containers[i].image = "y" }
        #expect(starts(machine.on(.edited(plan), now: now(11))) == [] && machine.isRestartingAll)
        _ = machine.on(exited("a", 137), now: now(12))
        #expect(machine.on(exited("s", 137), now: now(12)) == [pause])
        #expect(starts(machine.on(.timer(.restart(container: "i")), now: now(13))) == ["i.1"])
    }

    @Test func theStatusSaysSoAndThePodHasNotFailed() {
        var pod = PodStatusBuilderTests.pod(["a", "b"], initContainers: ["i"], restartPolicy: .never)
        pod.spec.containers[1].restartPolicy = .never
        pod.spec.containers[1].restartPolicyRules = [Self.rule]
        let waiting = ContainerRecord.State.waiting(reason: "RestartingAllContainers", message: nil)
        let records = ["i", "a", "b"].map {
            PodStatusBuilderTests.record($0, waiting, isInit: $0 == "i", last: PodStatusBuilderTests.end(137))
        }
        var builder = PodStatusBuilder(
            pod: pod, records: records, isSandboxReady: true, startTime: Timestamp(nanoseconds: 0), nodeAddresses: [])
        (builder.isGoingOn, builder.isRestartingAll) = (true, true)
        let during = builder.status(previous: nil, now: Timestamp(nanoseconds: 2))
        #expect(during.phase == .pending || during.phase == .running)
        let told = during.conditions.first { $0.type == "AllContainersRestarting" }
        #expect(told?.status == .true && told?.reason == "RestartAllContainersStarted")
        #expect(during.containerStatuses.allSatisfy { $0.state.waitingReason == "RestartingAllContainers" })
        builder.isRestartingAll = false
        let after = builder.status(previous: during, now: Timestamp(nanoseconds: 3))
        #expect(after.conditions.first { $0.type == "AllContainersRestarting" }?.status == .false)
        #expect(builder.status(previous: nil, now: Timestamp(nanoseconds: 3)).conditions.count == 5)
    }
}

extension ContainerState {
    fileprivate var waitingReason: String? { if case .waiting(let waiting) = self { waiting.reason } else { nil } }
}
