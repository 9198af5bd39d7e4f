import Base
import JSON
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineEphemeralTests {
    private func now(_ seconds: Int64) -> BootInstant { BootInstant(nanoseconds: seconds * 1_000_000_000) }

    private static let running = StartedContainer(
        containerID: "id", imageID: "i", layers: ["/l"], startedAt: Timestamp(nanoseconds: 5), user: nil)

    private func started(_ name: String) -> PodInput { .containerStarted(name: name, attempt: 0, Self.running) }

    private func exited(_ name: String, _ code: Int32 = 0) -> PodInput {
        .containerExited(
            name: name, attempt: 0, .init(exitCode: code, reason: "Error", finishedAt: Timestamp(nanoseconds: 9)))
    }

    private func failed(_ name: String, _ kind: StartFailure.Kind, _ reason: String = "R") -> PodInput {
        .containerNotStarted(
            name: name, attempt: 0,
            StartFailure(kind, reason: reason, message: "m", at: Timestamp(nanoseconds: 7)))
    }

    private func starts(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .start(let name, let attempt) = $0 { "\(name).\(attempt)" } else { nil } }
    }

    private static let plan = PodPlan(
        display: "p", restartPolicy: .never, initContainers: [.init(name: "i", image: "x")],
        containers: [.init(name: "a", image: "x")])

    /// A pod that was given `e`, which begins while an init container still runs.
    private func given() -> PodMachine {
        var machine = PodMachine(Self.plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(machine.on(.debug(name: "e", image: "y"), now: now(1)) == [.start(container: "e", attempt: 0)])
        return machine
    }

    /// All of the pod and `e` run.
    private func debugged() -> PodMachine {
        var machine = given()
        for input in [started("e"), exited("i"), started("a")] { _ = machine.on(input, now: now(2)) }
        return machine
    }

    @Test func itBeginsOnceThereIsASandboxWhateverTheInitContainersDo() {
        var machine = PodMachine(Self.plan)
        #expect(machine.on(.debug(name: "e", image: "y"), now: now(0)) == [])
        #expect(starts(machine.on(.sandboxReady, now: now(0))) == ["i.0", "e.0"])
        #expect(machine.on(.debug(name: "e", image: "y"), now: now(0)) == [], "a name is given once")
        _ = machine.on(started("e"), now: now(1))
        #expect(machine.ephemeral[0].isRunning && machine.ephemeral[0].layers == ["/l"])
        #expect(machine.containers.map(\.name) == ["i", "a"])
    }

    @Test(arguments: [Int32(0), 1])
    func itIsNeverRunAgainAndThePodGoesOn(code: Int32) {
        var machine = debugged()
        #expect(machine.on(exited("e", code), now: now(3)) == [])
        #expect(machine.ephemeral[0].termination?.exitCode == code && machine.stage == .running)
        #expect(machine.on(.timer(.restart(container: "e")), now: now(9)) == [])
        #expect(machine.on(.imagesHere(containers: ["e"]), now: now(9)) == [])
        #expect(machine.containers[1].isRunning)
    }

    @Test func thePodEndsWithoutItAndTakesItWithIt() {
        var machine = debugged()
        let end = machine.on(exited("a"), now: now(3))
        #expect(end.contains(.stopContainer(container: "e")) && machine.stage == .terminating)
        #expect(machine.on(.timer(.graceOver), now: now(33)).contains(.killContainer(container: "e")))
        #expect(machine.on(exited("e", 137), now: now(34)) == [.tearDown(final: false)])
        _ = machine.on(.tornDown, now: now(35))
        #expect(machine.stage == .finished && machine.ephemeral[0].termination?.exitCode == 137)
        #expect(machine.on(.debug(name: "f", image: "y"), now: now(36)) == [])
    }

    @Test func aPodThatIsRemovedAsksItToEndAlsoWhileItIsBeingStarted() {
        var machine = given()
        let end = machine.on(.stop(grace: .seconds(30), message: "s"), now: now(2))
        #expect(end.contains(.giveUpStart(container: "e")))
        _ = machine.on(exited("i", 143), now: now(3))
        #expect(machine.stage == .terminating, "what is being started is waited for")
        #expect(machine.on(started("e"), now: now(4)).contains(.stopContainer(container: "e")))
        #expect(machine.on(exited("e", 143), now: now(5)) == [.tearDown(final: true)])
        var other = given()
        _ = other.on(.stop(grace: .seconds(30), message: "s"), now: now(2))
        _ = other.on(exited("i", 143), now: now(3))
        #expect(other.on(failed("e", .givenUp), now: now(4)).last == .tearDown(final: true))
    }

    @Test func whatHoldsItBackIsTriedAgainAndWhatCannotRunHasRun() {
        var machine = given()
        let pull = machine.on(failed("e", .pull, "ErrImagePull"), now: now(2))
        #expect(pull.contains(.arm(.restart(container: "e"), after: .seconds(10))))
        let backOff = machine.on(.timer(.pullBackOff(container: "e")), now: now(4))
        #expect(backOff == [.record(EventNote("BackOff", "Back-off pulling image \"y\"", container: "e"))])
        #expect(starts(machine.on(.timer(.restart(container: "e")), now: now(12))) == ["e.0"])
        let again = machine.on(failed("e", .pull, "ErrImagePull"), now: now(13))
        #expect(again.contains(.arm(.restart(container: "e"), after: .seconds(20))))
        #expect(starts(machine.on(.imagesHere(containers: ["e"]), now: now(14))) == ["e.0"])
        // The target is not running yet.
        let target = machine.on(failed("e", .configuration, "CreateContainerConfigError"), now: now(15))
        #expect(target.contains(.arm(.restart(container: "e"), after: .seconds(10))))
        #expect(starts(machine.on(.timer(.restart(container: "e")), now: now(25))) == ["e.0"])
        _ = machine.on(failed("e", .object, "CreateContainerConfigError"), now: now(26))
        #expect(starts(machine.on(.objectsChanged(forPulls: false), now: now(27))) == ["e.0"])
        _ = machine.on(failed("e", .execution, "RunContainerError"), now: now(28))
        #expect(machine.ephemeral[0].termination?.reason == "StartError" && machine.stage == .running)
    }

    @Test func whatANewSandboxHasIsOnlyWhatHadNotBegun() {
        var machine = debugged()
        _ = machine.on(.debug(name: "f", image: "y"), now: now(3))
        _ = machine.on(failed("f", .image, "ErrImageNeverPull"), now: now(3))
        _ = machine.on(.supervisorLost(at: Timestamp(nanoseconds: 50)), now: now(4))
        let end = machine.ephemeral[0].termination
        #expect(end?.exitCode == 137 && end?.reason == "ContainerStatusUnknown")
        #expect(end?.finishedAt == Timestamp(nanoseconds: 50))
        #expect(machine.ephemeral[1].state == .waiting(reason: nil, message: nil))
    }

    @Test func theNextAgentTakesUpWhatRunsAndWhatHasEnded() throws {
        let given = ["e", "f", "g"].map { name in
            var container = EphemeralContainer(Container(name: name, image: "y"))
            container.targetContainerName = "a"
            return container
        }
        var before = debugged()
        _ = before.on(.debug(name: "f", image: "y"), now: now(3))
        _ = before.on(started("f"), now: now(3))
        // The agent went before it knew of the last.
        let record = PodRecord(
            uid: "u", source: "s", manifest: [:], startTime: Timestamp(nanoseconds: 1), isFinished: false,
            containers: before.containers, ephemeral: before.ephemeral, ephemeralSpecs: given.map(\.given))
        let read = try PodRecord(record.json)
        #expect(read == record)
        var machine = PodMachine(Self.plan, restoring: read.containers, finished: false)
        #expect(machine.restoreEphemeral(read) == given)
        let found = [
            AdoptedContainer(name: "a", attempt: 0, state: .running(Self.running)),
            AdoptedContainer(name: "e", attempt: 0, state: .running(Self.running)),
            AdoptedContainer(
                name: "f", attempt: 0,
                state: .ended(.init(exitCode: 3, reason: "Error", finishedAt: Timestamp(nanoseconds: 8)))),
        ]
        #expect(starts(machine.on(.sandboxAdopted(found), now: now(10))) == ["g.0"])
        #expect(machine.ephemeral[0].isRunning && machine.ephemeral[1].termination?.exitCode == 3)
        // After a reboot nothing of them is there.
        var rebooted = PodMachine(Self.plan, restoring: read.containers, finished: false)
        _ = rebooted.restoreEphemeral(read)
        rebooted.sandboxIsGone()
        #expect(rebooted.ephemeral[0].termination?.exitCode == 137)
        #expect(starts(rebooted.on(.sandboxReady, now: now(1))).contains("e.0") == false)
    }

    @Test func theStatusTellsOfItAndOfThePodAsIfItWereNotThere() {
        var pod = PodStatusBuilderTests.pod(["a"], restartPolicy: .never)
        pod.spec.ephemeralContainers = [EphemeralContainer(Container(name: "e", image: "y"))]
        func status(_ a: ContainerRecord.State, _ e: ContainerRecord.State) -> PodStatus {
            var builder = PodStatusBuilder(
                pod: pod, records: [PodStatusBuilderTests.record("a", a)], isSandboxReady: true,
                startTime: Timestamp(nanoseconds: 0), nodeAddresses: [])
            builder.ephemeral = [PodStatusBuilderTests.record("e", e)]
            return builder.status(previous: nil, now: Timestamp(nanoseconds: 2))
        }
        let running = ContainerRecord.State.running(since: PodStatusBuilderTests.time(5))
        let done = ContainerRecord.State.terminated(PodStatusBuilderTests.end(0))
        for state in [running, done, .waiting(reason: "ErrImagePull", message: "m")] {
            let status = status(running, state)
            #expect(status.phase == .running && status.containerStatuses.count == 1)
            #expect(status.conditions.allSatisfy { $0.status == .true })
            #expect(status.ephemeralContainerStatuses.map(\.name) == ["e"])
            #expect(status.ephemeralContainerStatuses[0].ready == false)
        }
        #expect(status(running, running).ephemeralContainerStatuses[0].state.isRunning)
        #expect(status(done, done).phase == .succeeded)
        #expect(status(done, .terminated(PodStatusBuilderTests.end(1))).phase == .succeeded)
        // It is over when nothing of it runs.
        #expect(status(done, running).phase == .running)
    }
}
