import Base
import Testing

@testable import NodeAgent

@Suite struct PodMachineRestoreTests {
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

    func starts(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .start(let name, let attempt) = $0 { "\(name).\(attempt)" } else { nil } }
    }

    @Test func whatStillRunsIsTakenUpAndNothingIsStarted() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        #expect(machine.begin() == [.makeSandbox])
        let found = [running("a", 3), running("b", 0)]
        #expect(starts(machine.on(.sandboxAdopted(found), now: zero)) == [])
        #expect(machine.containers[1].restartCount == 3 && machine.containers[1].isRunning)
        #expect(machine.containers[1].imageID == "sha256:x")
    }

    @Test func whatEndedWhileNoAgentRanIsReportedAndRestarted() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        let found = [AdoptedContainer(name: "a", attempt: 3, state: .ended(end(7))), running("b", 0)]
        #expect(starts(machine.on(.sandboxAdopted(found), now: zero)) == ["a.4"])
        #expect(machine.containers[1].lastTermination?.exitCode == 7)
    }

    @Test func aStartThatTheSupervisorNeverHeardOfIsMadeAgainUnderTheSameNumber() {
        var lost = records
        lost[1].state = .waiting(reason: nil, message: nil)
        lost[1].restartCount = 4
        var machine = PodMachine(plan, restoring: lost, finished: false)
        _ = machine.on(.sandboxAdopted([running("b", 0)]), now: zero)
        #expect(machine.containers[1].restartCount >= 4)
        #expect(machine.containers[2].isRunning)
    }

    @Test func withoutTheOldSandboxAllBeginsAnewAndCountsGoOn() {
        var machine = PodMachine(plan, restoring: records, finished: false)
        #expect(starts(machine.on(.sandboxReady, now: zero)) == ["i.1"])
        #expect(machine.containers[1].lastTermination?.reason == "ContainerStatusUnknown")
        #expect(machine.containers[1].restartCount == 3)
    }

    @Test func aFinishedPodStaysFinished() {
        var machine = PodMachine(plan, restoring: records, finished: true)
        #expect(machine.begin() == [] && machine.stage == .finished)
        #expect(machine.on(.stop(grace: .seconds(1), message: ""), now: zero) == [.tearDown(final: true)])
    }

    @Test func aContainerWhoseImageChangedIsNotTakenForTheOldOne() {
        var changed = records
        changed[1] = ContainerRecord(name: "a", image: "other", isInit: false)
        changed[1].restartCount = 9
        let machine = PodMachine(plan, restoring: changed, finished: false)
        #expect(machine.containers[1].restartCount == 0)
    }
}
