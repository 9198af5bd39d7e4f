import Base
import Testing

@testable import NodeAgent

/// A supervisor that lives and cannot be spoken with for a while, and one that was found dead.
@Suite struct PodMachineReconnectTests {
    static let plan = PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "a", image: "a")])
    let loss = PodInput.supervisorUnreachable(message: "the other side closed the connection")

    func now(_ seconds: Int64) -> BootInstant { BootInstant(nanoseconds: (1000 + seconds) * 1_000_000_000) }

    func end(_ code: Int32) -> ContainerRecord.Termination {
        .init(exitCode: code, reason: "Error", finishedAt: Timestamp(nanoseconds: 9))
    }

    let started = StartedContainer(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 5), user: nil)

    func found(_ attempt: Int = 0) -> AdoptedContainer {
        AdoptedContainer(name: "a", attempt: attempt, state: .running(started))
    }

    func running(_ plan: PodPlan = plan) -> PodMachine {
        var machine = PodMachine(plan)
        _ = machine.begin()
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(.containerStarted(name: "a", attempt: 0, started), now: now(0))
        return machine
    }

    func notes(_ directives: [PodDirective]) -> [String] {
        directives.compactMap { if case .record(let note) = $0 { note.reason } else { nil } }
    }

    func delay(_ directives: [PodDirective]) -> Nanoseconds? {
        directives.compactMap { if case .arm(.sandboxRetry, let delay) = $0 { delay } else { nil } }.first
    }

    @Test func whatRunsGoesOnAndIsTakenUpAgain() {
        var machine = running()
        let directives = machine.on(loss, now: now(1))
        #expect(notes(directives) == ["SupervisorUnreachable"] && directives.last == .makeSandbox)
        #expect(machine.containers[0].isRunning, "it is said to run as before")
        #expect(machine.on(.sandboxAdopted([found()]), now: now(2)) == [])
        #expect(machine.stage == .running && machine.containers[0].isRunning)
        #expect(machine.containers[0].restartCount == 0)
    }

    @Test func whatEndedMeanwhileIsLearnedWhenItIsTakenUp() {
        var machine = running()
        _ = machine.on(loss, now: now(1))
        let ended = AdoptedContainer(name: "a", attempt: 0, state: .ended(end(7)))
        #expect(machine.on(.sandboxAdopted([ended]), now: now(2)) == [.start(container: "a", attempt: 1)])
        #expect(machine.containers[0].lastTermination?.exitCode == 7)
    }

    @Test func aStartOnItsWayIsNeitherLostNorMadeTwice() {
        for isKnown in [true, false] {
            var machine = PodMachine(Self.plan)
            _ = machine.on(.sandboxReady, now: now(0))
            _ = machine.on(loss, now: now(1))
            let directives = machine.on(.sandboxAdopted(isKnown ? [found()] : []), now: now(2))
            #expect(directives == (isKnown ? [] : [.start(container: "a", attempt: 0)]))
        }
    }

    @Test func itIsTriedMoreAndMoreSeldomAndNeverGivenUp() {
        var machine = running()
        #expect(delay(machine.on(loss, now: now(1))) == nil)
        var delays: [Int64] = []
        for _ in 0..<9 {
            delays.append((delay(machine.on(loss, now: now(2))) ?? .init(0)).count / 1_000_000_000)
            #expect(machine.on(.timer(.sandboxRetry), now: now(3)) == [.makeSandbox])
            #expect(machine.on(.timer(.sandboxRetry), now: now(3)) == [], "one try at a time")
        }
        #expect(delays == [1, 2, 4, 8, 16, 32, 60, 60, 60])
        #expect(machine.containers[0].isRunning)
    }

    @Test func oneThatBreaksOffAgainAndAgainIsNotAskedAllTheTime() {
        var machine = running()
        #expect(machine.on(loss, now: now(1)).last == .makeSandbox)
        _ = machine.on(.sandboxAdopted([found()]), now: now(2))
        #expect(delay(machine.on(loss, now: now(3))) == .seconds(1))
        _ = machine.on(.timer(.sandboxRetry), now: now(4))
        _ = machine.on(.sandboxAdopted([found()]), now: now(4))
        #expect(delay(machine.on(loss, now: now(5))) == .seconds(2))
        _ = machine.on(.timer(.sandboxRetry), now: now(7))
        _ = machine.on(.sandboxAdopted([found()]), now: now(7))
        #expect(machine.on(loss, now: now(100)).last == .makeSandbox, "it was well for long")
    }

    @Test func aPodThatIsToEndEndsGracefullyOnceItIsReached() {
        var machine = running()
        _ = machine.on(loss, now: now(1))
        _ = machine.on(loss, now: now(1))
        // It does not wait for the next try.
        #expect(
            machine.on(.stop(grace: .seconds(30), message: ""), now: now(2))
                == [.arm(.sandboxRetry, after: Nanoseconds(0))])
        #expect(machine.on(.timer(.sandboxRetry), now: now(2)) == [.makeSandbox])
        let directives = machine.on(.sandboxAdopted([found()]), now: now(3))
        #expect(directives.contains(.stopContainer(container: "a")))
        #expect(directives.contains(.arm(.graceOver, after: .seconds(30))))
    }

    @Test func whileItEndsTheGracePeriodGoesOn() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: ""), now: now(10))
        #expect(machine.on(loss, now: now(20)).last == .makeSandbox)
        let directives = machine.on(.sandboxAdopted([found()]), now: now(21))
        #expect(directives.contains(.arm(.graceOver, after: .seconds(20))))
        #expect(machine.on(.containerExited(name: "a", attempt: 0, end(0)), now: now(22)) == [.tearDown(final: true)])
    }

    @Test func whoCannotBeAskedToEndIsKilledWhenTheGracePeriodIsOver() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: ""), now: now(10))
        _ = machine.on(loss, now: now(20))
        #expect(delay(machine.on(loss, now: now(39))) == .seconds(1), "no longer than it has")
        _ = machine.on(.timer(.sandboxRetry), now: now(40))
        #expect(machine.on(loss, now: now(40)) == [.tearDown(final: true)])
    }

    @Test func aSupervisorThatDoesNotAnswerKeepsNoPodAlive() {
        var machine = running()
        _ = machine.on(.stop(grace: .seconds(30), message: ""), now: now(10))
        let kill = machine.on(.timer(.graceOver), now: now(40))
        #expect(kill == [.killContainer(container: "a"), .arm(.killOver, after: .seconds(10))])
        #expect(machine.on(.timer(.killOver), now: now(50)) == [.tearDown(final: true)])
    }

    @Test func whatRanUnderASupervisorThatIsFoundDeadEndsByItsPolicy() {
        for policy in [PodPlan.RestartPolicy.always, .onFailure, .never] {
            var plan = Self.plan
            plan.restartPolicy = policy
            for isNew in [true, false] {
                var machine = running(plan)
                if isNew {
                    machine = PodMachine(plan, restoring: machine.containers, finished: false)
                } else {
                    _ = machine.on(loss, now: now(1))
                }
                let directives = machine.on(.supervisorLost(at: Timestamp(nanoseconds: 7)), now: now(2))
                #expect(notes(directives).first == "SupervisorLost")
                if policy == .never {
                    #expect(directives.last == .tearDown(final: false), "it does not run twice")
                    #expect(machine.containers[0].termination?.reason == "ContainerStatusUnknown")
                } else {
                    #expect(directives.last == .makeSandbox)
                    #expect(machine.on(.sandboxReady, now: now(3)) == [.start(container: "a", attempt: 1)])
                }
            }
        }
    }

    @Test func aSupervisorThatDiedBeforeAnythingRanIsNoLoss() {
        var machine = PodMachine(Self.plan, restoring: PodMachine(Self.plan).containers, finished: false)
        #expect(machine.on(.supervisorLost(at: Timestamp(nanoseconds: 7)), now: now(0)) == [.makeSandbox])
    }
}
