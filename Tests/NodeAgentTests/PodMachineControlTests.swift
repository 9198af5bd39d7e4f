import Base
import Testing

@testable import NodeAgent

/// An operator stops, starts and restarts containers of a pod that stays.
@Suite struct PodMachineControlTests {
    let zero = BootInstant(nanoseconds: 0)
    let plan = PodPlan(
        display: "p", restartPolicy: .never, initContainers: [.init(name: "i", image: "x")],
        containers: [.init(name: "a", image: "x"), .init(name: "b", image: "x")])

    func end(_ code: Int32) -> ContainerRecord.Termination {
        .init(
            exitCode: code, reason: code == 0 ? "Completed" : "Error", startedAt: Timestamp(nanoseconds: 5),
            finishedAt: Timestamp(nanoseconds: 9))
    }

    func started() -> StartedContainer {
        .init(containerID: "id", imageID: "", startedAt: Timestamp(nanoseconds: 5), user: nil)
    }

    /// A machine whose two containers run.
    func running() -> PodMachine {
        var machine = PodMachine(plan)
        _ = machine.begin()
        _ = machine.on(.sandboxReady, now: zero)
        _ = machine.on(.containerStarted(name: "i", attempt: 0, started()), now: zero)
        _ = machine.on(.containerExited(name: "i", attempt: 0, end(0)), now: zero)
        for name in ["a", "b"] {
            _ = machine.on(.containerStarted(name: name, attempt: 0, started()), now: zero)
        }
        return machine
    }

    func control(_ machine: inout PodMachine, _ control: PodControl, _ names: Set<String>) -> [PodDirective] {
        machine.on(.control(control, containers: names, grace: .seconds(7)), now: zero)
    }

    func reason(_ machine: PodMachine, _ name: String) -> String? {
        guard case .waiting(let reason, _)? = machine.containers.first(where: { $0.name == name })?.state else {
            return nil
        }
        return reason
    }

    @Test func whatIsStoppedEndsAndStaysSoUntilItIsStarted() {
        var machine = running()
        let asked = control(&machine, .stop, ["a"])
        #expect(asked.contains(.stopContainer(container: "a")))
        #expect(asked.contains(.arm(.stopGraceOver(container: "a", attempt: 0), after: .seconds(7))))
        #expect(control(&machine, .stop, ["a"]) == [], "it is asked once")
        #expect(machine.on(.containerExited(name: "a", attempt: 0, end(143)), now: zero) == [])
        #expect(reason(machine, "a") == "Stopped" && machine.stage == .running)
        #expect(machine.on(.timer(.restart(container: "a")), now: zero) == [])
        #expect(machine.on(.imagesHere(containers: ["a"]), now: zero) == [])
        #expect(control(&machine, .start, ["a"]) == [.start(container: "a", attempt: 1)])
    }

    @Test func aContainerThatDoesNotEndIsKilledAfterItsTime() {
        var machine = running()
        _ = control(&machine, .stop, ["a"])
        let timer = PodTimer.stopGraceOver(container: "a", attempt: 0)
        #expect(machine.on(.timer(timer), now: zero) == [.killContainer(container: "a")])
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(137)), now: zero)
        #expect(machine.on(.timer(timer), now: zero) == [])
    }

    @Test func aRestartRunsAgainWhateverTheExitCodeAndThePolicy() {
        var machine = running()
        #expect(control(&machine, .restart, ["a", "b", "i"]).count == 6)
        #expect(
            machine.on(.containerExited(name: "a", attempt: 0, end(0)), now: zero) == [
                .start(container: "a", attempt: 1)
            ])
        #expect(
            machine.on(.containerExited(name: "b", attempt: 0, end(3)), now: zero) == [
                .start(container: "b", attempt: 1)
            ])
        #expect(machine.containers.allSatisfy { $0.isInit || $0.lastTermination != nil })
        // The next end is its own.
        _ = machine.on(.containerStarted(name: "a", attempt: 1, started()), now: zero)
        _ = machine.on(.containerStarted(name: "b", attempt: 1, started()), now: zero)
        _ = machine.on(.containerExited(name: "a", attempt: 1, end(0)), now: zero)
        #expect(
            machine.on(.containerExited(name: "b", attempt: 1, end(0)), now: zero) == [.tearDown(final: false)])
    }

    @Test func whatIsStartedWhileItStopsRunsAgain() {
        var machine = running()
        _ = control(&machine, .stop, ["a"])
        #expect(control(&machine, .start, ["a"]) == [])
        #expect(
            machine.on(.containerExited(name: "a", attempt: 0, end(143)), now: zero)
                == [.start(container: "a", attempt: 1)])
    }

    @Test func aStopWhileAContainerIsBeingStartedReachesItWhenItRuns() {
        var machine = running()
        _ = control(&machine, .restart, ["a"])
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(0)), now: zero)
        #expect(!control(&machine, .stop, ["a"]).contains(.stopContainer(container: "a")))
        let directives = machine.on(.containerStarted(name: "a", attempt: 1, started()), now: zero)
        #expect(directives.contains(.stopContainer(container: "a")))
    }

    @Test(arguments: [true, false]) func aStoppedPodStaysStoppedOverAnAgentAndAReboot(isReboot: Bool) throws {
        var before = running()
        _ = control(&before, .stop, ["a", "b", "i"])
        for name in ["a", "b"] { _ = before.on(.containerExited(name: name, attempt: 0, end(143)), now: zero) }
        let records = try before.containers.map { try ContainerRecord($0.json) }
        #expect(records == before.containers)
        var machine = PodMachine(plan, restoring: records, finished: false)
        _ = machine.begin()
        let ended = ["a", "b"].map { AdoptedContainer(name: $0, attempt: 0, state: .ended(end(143))) }
        #expect(machine.on(isReboot ? .sandboxReady : .sandboxAdopted(ended), now: zero) == [])
        #expect(reason(machine, "a") == "Stopped" && reason(machine, "b") == "Stopped")
        // After a reboot the init containers come first, as in any new sandbox.
        let begun = control(&machine, .start, ["a", "b", "i"])
        #expect(
            begun
                == (isReboot
                    ? [.start(container: "i", attempt: 1)]
                    : [.start(container: "a", attempt: 1), .start(container: "b", attempt: 1)]))
    }

    @Test func anAgentThatWentInTheMiddleOfAStopEndsItWhenItIsBack() throws {
        var before = running()
        _ = control(&before, .stop, ["a"])
        var machine = PodMachine(plan, restoring: before.containers, finished: false)
        _ = machine.begin()
        let found = ["a", "b"].map { AdoptedContainer(name: $0, attempt: 0, state: .running(started())) }
        #expect(machine.on(.sandboxAdopted(found), now: zero).contains(.stopContainer(container: "a")))
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(143)), now: zero)
        #expect(reason(machine, "a") == "Stopped")
    }

    @Test func aPodWhoseSupervisorIsLostKeepsWhatWasStoppedStopped() {
        var always = plan
        always.restartPolicy = .always
        var machine = PodMachine(always, restoring: running().containers, finished: false)
        _ = machine.begin()
        let found = ["a", "b"].map { AdoptedContainer(name: $0, attempt: 0, state: .running(started())) }
        _ = machine.on(.sandboxAdopted(found), now: zero)
        _ = control(&machine, .stop, ["a"])
        _ = machine.on(.supervisorLost(at: Timestamp(nanoseconds: 9)), now: zero)
        _ = machine.on(.sandboxReady, now: zero)
        #expect(reason(machine, "a") == "Stopped")
    }

    @Test func theEndOfThePodIsNotHeldUpByAStop() {
        var machine = running()
        _ = control(&machine, .stop, ["a", "b"])
        _ = machine.on(.stop(grace: .seconds(1), message: ""), now: zero)
        #expect(control(&machine, .start, ["a"]) == [])
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(0)), now: zero)
        #expect(machine.on(.containerExited(name: "b", attempt: 0, end(0)), now: zero) == [.tearDown(final: true)])
    }
}
