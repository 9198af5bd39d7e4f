import Base
import Testing

@testable import NodeAgent

/// The end of a pod of an earlier agent, whose next start is to be like none had been between.
@Suite struct PodMachineSuspendTests {
    let plan = PodPlan(
        display: "p", restartPolicy: .never, containers: [.init(name: "a", image: "a"), .init(name: "b", image: "a")])
    let zero = BootInstant(nanoseconds: 0)

    func end(_ code: Int32) -> ContainerRecord.Termination {
        .init(
            exitCode: code, reason: code == 0 ? "Completed" : "Error", startedAt: Timestamp(nanoseconds: 5),
            finishedAt: Timestamp(nanoseconds: 9))
    }

    func running(_ name: String) -> AdoptedContainer {
        AdoptedContainer(
            name: name, attempt: 0,
            state: .running(.init(containerID: "id", imageID: "", startedAt: Timestamp(nanoseconds: 5), user: nil)))
    }

    /// Of a pod whose two containers ran when the earlier agent wrote last.
    func restored(_ plan: PodPlan) -> PodMachine {
        var records = PodMachine(plan).containers
        for i in records.indices {
            records[i].hasBegun = true
            records[i].state = .running(since: Timestamp(nanoseconds: 5))
        }
        return PodMachine(plan, restoring: records, finished: false)
    }

    /// The machine was told to end before it is known what runs.
    func asked(_ plan: PodPlan) -> PodMachine {
        var machine = restored(plan)
        _ = machine.begin()
        #expect(machine.on(.stopWhenKnown(grace: .seconds(30), message: ""), now: zero) == [])
        return machine
    }

    @Test func whatRunsIsAskedToStopAndNothingIsStartedFirst() {
        var always = plan
        always.restartPolicy = .always
        var machine = asked(always)
        let found = [running("a"), AdoptedContainer(name: "b", attempt: 0, state: .ended(end(1)))]
        let directives = machine.on(.sandboxAdopted(found), now: zero)
        #expect(directives.contains(.stopContainer(container: "a")))
        #expect(directives.contains(.arm(.graceOver, after: .seconds(30))))
        for directive in directives {
            if case .start = directive { Issue.record("started: \(directive)") }
            if case .stopContainer("b") = directive { Issue.record("b had ended") }
        }
        #expect(machine.on(.containerExited(name: "a", attempt: 0, end(0)), now: zero) == [.tearDown(final: true)])
        #expect(machine.on(.tornDown, now: zero) == [.finished])
    }

    @Test func aPodOfWhichNothingCanBeReachedIsReleasedAtOnce() {
        var machine = asked(plan)
        #expect(machine.on(.sandboxFailed(message: "gone"), now: zero) == [.tearDown(final: true)])
        #expect(machine.on(.tornDown, now: zero) == [.finished])
        var anew = asked(plan)
        #expect(anew.on(.sandboxReady, now: zero) == [.tearDown(final: true)])
    }

    @Test func whatWasStoppedRunsAgainAndWhatHadEndedDoesNot() throws {
        var machine = asked(plan)
        _ = machine.on(
            .sandboxAdopted([running("a"), AdoptedContainer(name: "b", attempt: 0, state: .ended(end(0)))]), now: zero)
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(143)), now: zero)
        let kept = machine.resumableContainers
        #expect(kept[0].lastTermination == end(143), "how it ended is remembered")
        #expect(kept[1].termination == end(0))

        var next = PodMachine(plan, restoring: kept, finished: false)
        #expect(next.begin() == [.makeSandbox])
        let directives = next.on(.sandboxReady, now: zero)
        #expect(directives == [.start(container: "a", attempt: 1)], "only a runs, as its second run")
        #expect(next.containers[0].restartCount == 1)
    }

    @Test func aRecordWrittenInTheMiddleOfTheEndLeadsToTheSameStart() {
        var machine = asked(plan)
        _ = machine.on(.sandboxAdopted([running("a"), running("b")]), now: zero)
        _ = machine.on(.containerExited(name: "a", attempt: 0, end(143)), now: zero)
        var next = PodMachine(plan, restoring: machine.resumableContainers, finished: false)
        let directives = next.on(.sandboxReady, now: zero)
        #expect(directives == [.start(container: "a", attempt: 1), .start(container: "b", attempt: 1)])
    }

    @Test func thePodThatAllContainersHadLeftIsOverAtTheNextStart() {
        var machine = asked(plan)
        let found = ["a", "b"].map { AdoptedContainer(name: $0, attempt: 0, state: .ended(end(0))) }
        #expect(machine.on(.sandboxAdopted(found), now: zero) == [.tearDown(final: true)])
        var next = PodMachine(plan, restoring: machine.resumableContainers, finished: false)
        #expect(next.on(.sandboxReady, now: zero) == [.tearDown(final: false)])
    }
}
