import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineHooksTests: PodMachineWords {
    private static let plan = PodPlan(
        display: "p", restartPolicy: .always,
        containers: [.init(name: "a", image: "i", hooks: [.postStart, .preStop]), .init(name: "b", image: "i")])

    private func ended(_ hook: Hook, _ outcome: HookOutcome = .done, _ attempt: Int = 0) -> PodInput {
        .hookEnded(hook, name: "a", attempt: attempt, outcome)
    }

    private func reasons(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .record(let note) = $0 { "\(note.reason): \(note.message)" } else { nil } }
    }

    private static let postStart = PodDirective.runHook(.postStart, container: "a", attempt: 0)
    private static let preStop = PodDirective.runHook(.preStop, container: "a", attempt: 0)
    private static let signal = PodDirective.stopContainer(container: "a")

    /// Both containers run.
    private func running() -> PodMachine {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("a"), now: now(0))
        _ = machine.on(ended(.postStart), now: now(0))
        _ = machine.on(started("b"), now: now(0))
        return machine
    }

    // MARK: postStart

    @Test func aContainerHasStartedAndTheNextBeginsWhenItsHookHasEnded() {
        var machine = PodMachine(Self.plan)
        #expect(machine.on(.sandboxReady, now: now(0)) == [.start(container: "a", attempt: 0)])
        #expect(machine.on(started("a"), now: now(0)).contains(Self.postStart))
        #expect(machine.containers[0].isPostStarting)
        let pod = PodStatusBuilderTests.pod(["a", "b"])
        func status() -> (Bool?, Bool) {
            let status = PodStatusBuilderTests.status(pod, machine.containers).containerStatuses[0]
            return (status.started, status.ready)
        }
        #expect(status() == (false, false))
        #expect(machine.on(ended(.postStart), now: now(1)) == [.start(container: "b", attempt: 0)])
        #expect(status() == (true, true))
    }

    @Test func aContainerWhoseHookFailsIsKilledAndRunsAgain() {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("a"), now: now(0))
        let directives = machine.on(ended(.postStart, .failed), now: now(1))
        #expect(reasons(directives) == ["FailedPostStartHook: PostStartHook failed", "Killing: FailedPostStartHook"])
        #expect(directives.contains(Self.preStop) && !directives.contains(Self.signal))
        #expect(machine.on(ended(.preStop), now: now(2)) == [Self.signal])
        #expect(
            machine.on(.timer(.stopGraceOver(container: "a", attempt: 0)), now: now(31)).contains(
                .killContainer(container: "a")))
        // It begins once more, and the other after it.
        #expect(
            machine.on(exited("a", 1), now: now(31)) == [
                .cancelHook(container: "a"), .start(container: "a", attempt: 1),
            ])
        #expect(machine.containers[0].restartCount == 1)
    }

    @Test func oneThatIsHeldBackDoesNotHoldBackOthers() {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        let failure = StartFailure(.configuration, reason: "CreateContainerConfigError", message: "m", at: .now)
        let failed = machine.on(.containerNotStarted(name: "a", attempt: 0, failure), now: now(0))
        #expect(failed.contains(.start(container: "b", attempt: 0)))

        machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        for attempt in 0...1 {
            _ = machine.on(started("a", attempt), now: now(0))
            let directives = machine.on(exited("a", 1, attempt), now: now(0))
            #expect(directives.contains(.cancelHook(container: "a")))
            #expect(directives.contains(.start(container: "b", attempt: 0)) == (attempt == 1), "in its back-off")
        }
    }

    // MARK: preStop

    @Test func theHookComesBeforeTheSignalAndHasItsTime() {
        var machine = running()
        let directives = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        #expect(directives.contains(Self.preStop) && !directives.contains(Self.signal))
        #expect(directives.contains(.stopContainer(container: "b")))
        #expect(machine.on(ended(.preStop), now: now(15)) == [Self.signal])
        #expect(machine.on(.timer(.graceOver), now: now(40)).contains(.killContainer(container: "a")))
    }

    @Test func aHookThatTakesAllOfTheTimeLeavesTwoSeconds() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        let timer = PodTimer.stopGraceOver(container: "a", attempt: 0)
        let over = machine.on(.timer(.graceOver), now: now(40))
        #expect(over.starts(with: [.cancelHook(container: "a"), Self.signal, .arm(timer, after: .seconds(2))]))
        #expect(over.contains(.killContainer(container: "b")) && !over.contains(.killContainer(container: "a")))
        #expect(machine.on(.timer(timer), now: now(42)) == [.killContainer(container: "a")])
    }

    @Test func aHookThatEndsAtTheLastMomentLeavesTwoSeconds() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        #expect(machine.on(ended(.preStop), now: now(39)) == [Self.signal])
        let timer = PodTimer.stopGraceOver(container: "a", attempt: 0)
        #expect(machine.on(.timer(.graceOver), now: now(40)).contains(.arm(timer, after: .seconds(1))))
        #expect(machine.on(.timer(timer), now: now(41)) == [.killContainer(container: "a")])
    }

    @Test func aHookThatFailsIsToldAndTheSignalFollows() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        let directives = machine.on(ended(.preStop, .failed), now: now(11))
        #expect(reasons(directives) == ["FailedPreStopHook: PreStopHook failed"] && directives.last == Self.signal)
    }

    @Test func aContainerThatEndsByItselfHasNoHook() {
        var machine = running()
        let directives = machine.on(exited("a", 0), now: now(10))
        #expect(!directives.contains { if case .runHook = $0 { true } else { false } })
        // And one that ends while its hook runs is not waited for.
        machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(10))
        #expect(machine.on(exited("a", 0), now: now(11)) == [.cancelHook(container: "a")])
        #expect(machine.on(ended(.preStop), now: now(12)).isEmpty)
        #expect(machine.on(exited("b", 0), now: now(12)) == [.tearDown(final: true)])
    }

    @Test func whatTheOperatorStopsHasItsHook() {
        var machine = running()
        let asked = machine.on(.control(.restart, containers: ["a"], grace: .seconds(5)), now: now(10))
        #expect(asked.contains(Self.preStop) && !asked.contains(Self.signal))
        let timer = PodTimer.stopGraceOver(container: "a", attempt: 0)
        #expect(asked.contains(.arm(timer, after: .seconds(5))))
        #expect(machine.on(.timer(timer), now: now(15)).contains(Self.signal))
        #expect(machine.on(exited("a", 1), now: now(16)) == [.start(container: "a", attempt: 1)])
    }

    @Test func aPodThatEndsCutsTheStartShort() {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("a"), now: now(0))
        let directives = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(1))
        let cut = directives.firstIndex(of: .cancelHook(container: "a"))
        let hook = directives.firstIndex(of: Self.preStop)
        #expect((cut ?? .max) < (hook ?? .min))
        #expect(machine.on(ended(.postStart, .failed), now: now(2)).isEmpty, "nobody waits for it any more")

        // Still being started: it has no beginning any more, and its end as any other.
        machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(1))
        let late = machine.on(started("a"), now: now(2))
        #expect(late.contains(Self.preStop) && !late.contains(Self.postStart))
    }

    // MARK: Over restarts of the agent

    private func restored(_ before: PodMachine, _ attempt: Int = 0) -> (PodMachine, [PodDirective]) {
        var machine = PodMachine(Self.plan, restoring: before.containers, finished: false)
        let found = ["a", "b"].map { name in
            AdoptedContainer(
                name: name, attempt: name == "a" ? attempt : 0,
                state: .running(
                    .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil)))
        }
        let directives = machine.on(.sandboxAdopted(found), now: now(100))
        return (machine, directives)
    }

    @Test func aHookWhoseEndNobodySawIsRunOnceMore() {
        var before = PodMachine(Self.plan)
        _ = before.on(.sandboxReady, now: now(0))
        // The agent went before it heard of the start.
        #expect(restored(before).1.contains(Self.postStart))
        _ = before.on(started("a"), now: now(0))
        #expect(restored(before).1.contains(Self.postStart))
        _ = before.on(ended(.postStart), now: now(0))
        #expect(!restored(before).1.contains(Self.postStart))
        // Another run than the one on record.
        let next = restored(before, 1).1
        #expect(next.contains(.runHook(.postStart, container: "a", attempt: 1)))
    }

    @Test func aPreStopHookThatHasEndedIsNotRunAgain() {
        var before = running()
        _ = before.on(.control(.stop, containers: ["a"], grace: .seconds(30)), now: now(1))
        #expect(restored(before).1.contains(Self.preStop))
        _ = before.on(ended(.preStop), now: now(2))
        let after = restored(before).1
        #expect(!after.contains(Self.preStop) && after.contains(Self.signal))
    }

    @Test func aHookThatIsLostIsRunAgainUnlessItsContainerIsLostToo() {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("a"), now: now(0))
        let retry = PodTimer.hookRetry(.postStart, container: "a", attempt: 0)
        #expect(machine.on(ended(.postStart, .lost), now: now(1)) == [.arm(retry, after: .seconds(1))])
        #expect(machine.on(.timer(retry), now: now(2)) == [Self.postStart])
        _ = machine.on(.supervisorLost(at: Timestamp(nanoseconds: 1)), now: now(3))
        #expect(machine.on(.timer(retry), now: now(4)).isEmpty)
    }
}
