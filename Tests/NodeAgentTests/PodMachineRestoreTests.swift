import Base
import Testing

@testable import NodeAgent

@Suite struct PodMachineRestoreTests: PodMachineWords {
    let plan = PodPlan(
        display: "p", restartPolicy: .always, initContainers: [.init(name: "i", image: "a")],
        containers: [.init(name: "a", image: "a"), .init(name: "b", image: "a")])
    let zero = BootInstant(nanoseconds: 0)

    func end(_ code: Int32, at time: Int64 = 9) -> ContainerRecord.Termination {
        .init(exitCode: code, reason: code == 0 ? "Completed" : "Error", finishedAt: Timestamp(nanoseconds: time))
    }

    func running(_ name: String, _ attempt: Int) -> AdoptedContainer {
        AdoptedContainer(
            name: name, attempt: attempt,
            state: .running(
                .init(containerID: "id", imageID: "", startedAt: Timestamp(nanoseconds: 5), user: nil)))
    }

    /// The records of a pod whose init container has succeeded and whose containers run.
    var records: [ContainerRecord] {
        var records = PodMachine(plan).containers
        for i in records.indices { records[i].hasBegun = true }
        records[0].state = .terminated(end(0))
        records[1].state = .running(since: Timestamp(nanoseconds: 5))
        records[1].restartCount = 3
        records[1].imageID = "sha256:x"
        records[2].state = .running(since: Timestamp(nanoseconds: 5))
        return records
    }

    @Test func whatStillRunsIsTakenUpAndNothingIsStarted() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        #expect(machine.begin() == [.makeSandbox])
        let found = [running("a", 3), running("b", 0)]
        #expect(starts(machine.on(.sandboxAdopted(found), now: zero)) == [])
        #expect(machine.containers[1].restartCount == 3 && machine.containers[1].isRunning)
        #expect(machine.containers[1].imageID == "sha256:x")
    }

    @Test func whatIsTakenUpIsAsStartedAndAsReadyAsItWas() {
        var records = records
        records[1].isStarted = true
        var machine = PodMachine(plan, restoring: records, finished: false)
        _ = machine.on(.sandboxAdopted([running("a", 3), running("b", 1)]), now: zero)
        #expect(machine.containers.map(\.isStarted) == [false, true, true])
        #expect(machine.containers.map(\.isReady) == [false, false, true], "b has another run than was known")
    }

    @Test func whatEndedWhileNoAgentRanIsReportedAndRestarted() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        let found = [AdoptedContainer(name: "a", attempt: 3, state: .ended(end(7))), running("b", 0)]
        #expect(starts(machine.on(.sandboxAdopted(found), now: zero)) == ["a.4"])
        #expect(machine.containers[1].lastTermination?.exitCode == 7)
    }

    @Test func aStartThatTheSupervisorNeverHeardOfIsMadeAgainUnderTheSameNumber() {
        for attempt in [0, 4] {
            var lost = records
            lost[1].state = .starting
            lost[1].restartCount = attempt
            var machine = PodMachine(plan, restoring: lost, finished: false)
            #expect(starts(machine.on(.sandboxAdopted([running("b", 0)]), now: zero)) == ["a.\(attempt)"])
            #expect(machine.containers[2].isRunning)
            var anew = PodMachine(plan, restoring: lost, finished: false)
            _ = anew.on(.sandboxReady, now: zero)
            #expect(anew.containers[1].restartCount == max(0, attempt - 1), "no run is counted that never was")
        }
    }

    @Test func whatEndedBeforeTheRunThatIsFoundIsTheLastTermination() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        let found = [AdoptedContainer(name: "a", attempt: 3, state: .ended(end(7))), running("a", 4), running("b", 0)]
        #expect(starts(machine.on(.sandboxAdopted(found), now: zero)) == [])
        #expect(machine.containers[1].restartCount == 4 && machine.containers[1].isRunning)
        #expect(machine.containers[1].lastTermination?.exitCode == 7)
        #expect(machine.containers[1].backOff.last == Nanoseconds(0), "the next end is held back")
    }

    @Test func ofABackOffOnlyTheRestIsWaitedForAfterARestart() throws {
        var first = PodMachine(plan, restoring: records, finished: false)
        let start = BootInstant(nanoseconds: 1_000_000_000_000)
        _ = first.on(.sandboxAdopted([running("a", 3), running("b", 0)]), now: start)
        let exit = PodInput.containerExited(name: "a", attempt: 3, end(1))
        #expect(starts(first.on(exit, now: start)) == ["a.4"])
        _ = first.on(
            .containerStarted(
                name: "a", attempt: 4,
                .init(containerID: "id", imageID: "x", startedAt: Timestamp(nanoseconds: 5), user: nil)), now: start)
        let second = end(1, at: 20)
        #expect(
            first.on(.containerExited(name: "a", attempt: 4, second), now: start)
                .contains(.arm(.restart(container: "a"), after: .seconds(10))))
        func rest(_ now: BootInstant, _ found: [AdoptedContainer]) -> [PodDirective] {
            var next = PodMachine(plan, restoring: first.containers, finished: false)
            return next.on(.sandboxAdopted(found), now: now)
        }
        for found in [
            [running("b", 0)], [AdoptedContainer(name: "a", attempt: 4, state: .ended(second)), running("b", 0)],
        ] {
            #expect(rest(start + .seconds(7), found) == [.arm(.restart(container: "a"), after: .seconds(3))])
            #expect(rest(start + .seconds(70), found) == [.arm(.restart(container: "a"), after: Nanoseconds(0))])
            // A clock that starts anew cannot be, and does not hold the container for ever.
            #expect(rest(zero, found) == [.arm(.restart(container: "a"), after: .seconds(10))])
        }
    }

    @Test func nothingIsSaidToRunOnceItsSandboxIsGone() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        machine.sandboxIsGone()
        let live = machine.containers.filter(\.isLive)
        #expect(live.isEmpty)
        #expect(machine.containers[1].lastTermination?.reason == "ContainerStatusUnknown")
        #expect(machine.isGoingOn, "it is about to run again")
        #expect(machine.begin() == [.makeSandbox])
        #expect(starts(machine.on(.sandboxReady, now: zero)) == ["i.1"])
    }

    @Test func withoutTheOldSandboxAllBeginsAnewAndCountsGoOn() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        #expect(starts(machine.on(.sandboxReady, now: zero)) == ["i.1"])
        #expect(machine.containers[1].lastTermination?.reason == "ContainerStatusUnknown")
        #expect(machine.containers[1].restartCount == 3)
    }

    @Test func aFinishedPodStaysFinishedAndIsReleasedIfItWasNot() {
        var machine = PodMachine(plan, restoring: records, finished: true)
        #expect(machine.begin() == [.tearDown(final: false)])
        #expect(machine.on(.tornDown, now: zero) == [] && machine.stage == .finished)
        #expect(machine.on(.stop(grace: .seconds(1), message: ""), now: zero) == [.tearDown(final: true)])
    }
}
