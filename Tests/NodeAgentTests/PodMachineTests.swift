import Base
import Testing

@testable import NodeAgent

@Suite struct PodMachineTests: PodMachineWords {
    let plan = PodPlan(
        display: "p_default(u)", restartPolicy: .always,
        initContainers: [.init(name: "i1", image: "a"), .init(name: "i2", image: "a")],
        containers: [.init(name: "c1", image: "a"), .init(name: "c2", image: "a")])

    /// A pod with one container that has started.
    func running(_ policy: PodPlan.RestartPolicy) -> PodMachine {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: policy, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("c"), now: now(0))
        return machine
    }

    @Test func initContainersRunOneAfterTheOtherAndContainersAfterThem() {
        var machine = PodMachine(plan)
        #expect(machine.begin() == [.makeSandbox])
        #expect(starts(machine.on(.sandboxReady, now: now(0))) == ["i1.0"])
        #expect(starts(machine.on(started("i1"), now: now(0))) == [])
        #expect(starts(machine.on(exited("i1", 0), now: now(1))) == ["i2.0"])
        _ = machine.on(started("i2"), now: now(1))
        #expect(starts(machine.on(exited("i2", 0), now: now(2))) == ["c1.0", "c2.0"])
    }

    @Test func askedToEndOnceMoreAPodGetsLessTimeAndNeverMore() {
        var machine = running(.always)
        #expect(arms(machine.on(.stop(grace: .seconds(30), message: "gone"), now: now(0))) == [30])
        #expect(machine.on(.stop(grace: .seconds(40), message: "again"), now: now(1)).isEmpty)
        #expect(arms(machine.on(.stop(grace: .seconds(5), message: "again"), now: now(1))) == [5])
        #expect(machine.on(.stop(grace: .seconds(5), message: "again"), now: now(2)).isEmpty)
        #expect(machine.on(.timer(.graceOver), now: now(6)).contains(.killContainer(container: "c")))
    }

    @Test func aFailingInitContainerIsRepeatedAndHoldsTheRestBack() {
        var machine = PodMachine(plan)
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("i1"), now: now(0))
        #expect(starts(machine.on(exited("i1", 3), now: now(1))) == ["i1.1"])
        _ = machine.on(started("i1", 1), now: now(1))
        let second = machine.on(exited("i1", 3, 1), now: now(2))
        #expect(starts(second) == [] && arms(second) == [10])
        #expect(starts(machine.on(.timer(.restart(container: "i1")), now: now(12))) == ["i1.2"])
    }

    @Test func withPolicyNeverAFailedInitContainerEndsThePod() {
        var machine = PodMachine(
            PodPlan(
                display: "p", restartPolicy: .never, initContainers: [.init(name: "i", image: "a")],
                containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(machine.on(exited("i", 1), now: now(1)) == [.tearDown(final: false)])
        #expect(machine.on(.tornDown, now: now(1)) == [])
        #expect(machine.stage == .finished)
    }

    @Test func restartsAreImmediateThenHeldBackTenSecondsDoublingToFiveMinutes() {
        var machine = running(.always)
        var delays: [Int64] = []
        for attempt in 0..<8 {
            let directives = machine.on(exited("c", 1, attempt), now: now(0))
            if let delay = arms(directives).first {
                delays.append(delay)
                _ = machine.on(.timer(.restart(container: "c")), now: now(0))
            } else {
                delays.append(0)
            }
            _ = machine.on(started("c", attempt + 1), now: now(0))
        }
        #expect(delays == [0, 10, 20, 40, 80, 160, 300, 300])
        #expect(machine.containers[0].restartCount == 8)
        // A run of more than ten minutes is forgiven.
        #expect(starts(machine.on(exited("c", 1, 8, from: 0, to: 601), now: now(700))) == ["c.9"])
    }

    @Test func noBackOffIsLongerThanTheOperatorSets() {
        var plan = PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")])
        for (longest, expected) in [(25, [0, 10, 20, 25, 25]), (3, [0, 3, 3, 3, 3])] as [(Int64, [Int64])] {
            plan.longestBackOff = .seconds(longest)
            var machine = PodMachine(plan)
            _ = machine.on(.sandboxReady, now: now(0))
            var delays: [Int64] = []
            for attempt in 0..<5 {
                _ = machine.on(started("c", attempt), now: now(0))
                delays.append(arms(machine.on(exited("c", 1, attempt), now: now(0))).first ?? 0)
                _ = machine.on(.timer(.restart(container: "c")), now: now(0))
            }
            #expect(delays == expected)
        }
    }

    @Test func aHeldBackContainerSaysSoInTheKubeletsWords() {
        var machine = running(.always)
        _ = machine.on(exited("c", 1), now: now(0))
        _ = machine.on(started("c", 1), now: now(0))
        _ = machine.on(exited("c", 1, 1), now: now(0))
        #expect(
            machine.containers[0].state
                == .waiting(
                    reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container=c pod=p"))
    }

    @Test(arguments: [
        (PodPlan.RestartPolicy.onFailure, Int32(0), true), (.onFailure, 1, false), (.never, 0, true), (.never, 1, true),
        (.always, 0, false),
    ])
    func restartPolicyDecidesWhetherAnExitEndsThePod(policy: PodPlan.RestartPolicy, code: Int32, ends: Bool) {
        var machine = running(policy)
        let directives = machine.on(exited("c", code), now: now(1))
        #expect(directives.contains(.tearDown(final: false)) == ends)
        #expect(starts(directives).isEmpty == ends)
    }

    @Test func stoppingSignalsWhatRunsAndKillsItWhenTheGraceIsOver() {
        var machine = running(.always)
        let directives = machine.on(.stop(grace: .seconds(30), message: "gone"), now: now(0))
        #expect(directives.contains(.stopContainer(container: "c")))
        #expect(arms(directives) == [30])
        #expect(machine.on(.timer(.graceOver), now: now(30)).first == .killContainer(container: "c"))
        #expect(machine.on(exited("c", 137), now: now(31)) == [.tearDown(final: true)])
        #expect(machine.on(.tornDown, now: now(31)) == [.finished])
    }

    @Test func aContainerThatWasBeingStartedGetsItsSignalWhenItHasStarted() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(.stop(grace: .seconds(5), message: "gone"), now: now(0))
        #expect(machine.on(started("c"), now: now(0)).contains(.stopContainer(container: "c")))
    }

    @Test func aMissingImageWaitsWithoutATimerAndStartsWhenItArrives() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        let failure = StartFailure(
            .image, reason: "ErrImageNeverPull", message: "not here", at: Timestamp(nanoseconds: 0))
        let directives = machine.on(.containerNotStarted(name: "c", attempt: 0, failure), now: now(0))
        #expect(arms(directives) == [])
        #expect(starts(machine.on(.imagesHere(containers: ["c"]), now: now(9))) == ["c.0"])
        #expect(machine.containers[0].restartCount == 0)
    }

    @Test func aFailedPullIsTriedAgainAfterLongerAndLongerTimes() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        let failure = StartFailure(.pull, reason: "ErrImagePull", message: "no", at: Timestamp(nanoseconds: 0))
        for delay: Int64 in [10, 20, 40, 80, 160, 300, 300] {
            let directives = machine.on(.containerNotStarted(name: "c", attempt: 0, failure), now: now(0))
            #expect(arms(directives) == [2, delay])
            let told = machine.on(.timer(.pullBackOff(container: "c")), now: now(2))
            #expect(told == [.record(EventNote("BackOff", "Back-off pulling image \"a\"", container: "c"))])
            let message = "Back-off pulling image \"a\": ErrImagePull: no"
            #expect(machine.containers[0].state == .waiting(reason: "ImagePullBackOff", message: message))
            #expect(machine.on(.imagesHere(containers: ["d"]), now: now(3)) == [])
            #expect(starts(machine.on(.timer(.restart(container: "c")), now: now(delay))) == ["c.0"])
        }
        _ = machine.on(started("c"), now: now(400))
        #expect(machine.containers[0].pullDelay == nil && machine.containers[0].restartCount == 0)
        #expect(machine.on(.timer(.pullBackOff(container: "c")), now: now(401)) == [])
    }

    @Test func whenAVolumesImageCannotBePulledThatOneIsNamed() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        var failure = StartFailure(.pull, reason: "ErrImagePull", message: "no", at: Timestamp(nanoseconds: 0))
        failure.image = "v"
        _ = machine.on(.containerNotStarted(name: "c", attempt: 0, failure), now: now(0))
        let told = machine.on(.timer(.pullBackOff(container: "c")), now: now(2))
        #expect(told == [.record(EventNote("BackOff", "Back-off pulling image \"v\"", container: "c"))])
        // The next failure is of its own image.
        _ = machine.on(.timer(.restart(container: "c")), now: now(10))
        failure.image = nil
        _ = machine.on(.containerNotStarted(name: "c", attempt: 0, failure), now: now(10))
        let next = machine.on(.timer(.pullBackOff(container: "c")), now: now(12))
        #expect(next == [.record(EventNote("BackOff", "Back-off pulling image \"a\"", container: "c"))])
    }

    @Test func aPodThatIsEndedWaitsForNoPull() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .always, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        let directives = machine.on(.stop(grace: .seconds(30), message: "gone"), now: now(1))
        #expect(directives.contains(.giveUpStart(container: "c")))
        let failure = StartFailure(.givenUp, reason: "ErrImagePull", message: "", at: Timestamp(nanoseconds: 0))
        #expect(
            machine.on(.containerNotStarted(name: "c", attempt: 0, failure), now: now(1)) == [.tearDown(final: true)])
    }

    @Test func aLostSupervisorCostsOneRunAndANewSandboxIsMade() {
        var machine = running(.always)
        let directives = machine.on(.supervisorLost(at: Timestamp(nanoseconds: 5)), now: now(1))
        #expect(directives.contains(.makeSandbox))
        #expect(machine.containers[0].lastTermination?.reason == "ContainerStatusUnknown")
        #expect(machine.containers[0].lastTermination?.exitCode == 137)
        #expect(starts(machine.on(.sandboxReady, now: now(1))) == ["c.1"])
    }

    @Test func lateNewsOfAnEarlierRunChangesNothing() {
        var machine = running(.always)
        _ = machine.on(exited("c", 1), now: now(0))
        _ = machine.on(started("c", 1), now: now(0))
        let before = machine.containers
        #expect(machine.on(exited("c", 9, 0), now: now(1)) == [])
        #expect(machine.containers == before)
    }

    // MARK: ConfigMaps and Secrets

    private func missing(_ name: String, _ kind: StartFailure.Kind = .object, reason: String = "ErrImagePull")
        -> PodInput
    {
        .containerNotStarted(
            name: name, attempt: 0,
            StartFailure(
                kind, reason: kind == .pull ? reason : "CreateContainerConfigError",
                message: "configmap \"m\" not found", at: Timestamp(nanoseconds: 0)))
    }

    @Test func aContainerThatLacksAnObjectWaitsWithoutATimerUntilOneChanges() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .never, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        let failed = machine.on(missing("c"), now: now(0))
        #expect(arms(failed) == [])
        #expect(
            failed == [.record(EventNote("Failed", "Error: configmap \"m\" not found", container: "c", warning: true))])
        #expect(
            machine.containers[0].state
                == .waiting(reason: "CreateContainerConfigError", message: "configmap \"m\" not found"))
        #expect(starts(machine.on(.objectsChanged(forPulls: false), now: now(1))) == ["c.0"])
        #expect(starts(machine.on(.objectsChanged(forPulls: false), now: now(2))) == [], "it is being started")
    }

    @Test(arguments: ["ErrImagePull", "SignatureValidationFailed"])
    func aPullThatFailedIsTriedAgainOnlyWhenCredentialsChange(_ reason: String) {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .never, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(missing("c", .pull, reason: reason), now: now(0))
        #expect(starts(machine.on(.objectsChanged(forPulls: false), now: now(1))) == [])
        #expect(starts(machine.on(.objectsChanged(forPulls: true), now: now(2))) == ["c.0"])
    }

    @Test func aVolumeThatLacksAnObjectIsMadeWhenOneChangesAndOtherFailuresWaitOn() {
        var machine = PodMachine(plan)
        _ = machine.begin()
        _ = machine.on(.sandboxFailed(message: "no network"), now: now(0))
        #expect(machine.on(.objectsChanged(forPulls: false), now: now(1)) == [])
        #expect(machine.on(.timer(.sandboxRetry), now: now(1)) == [.makeSandbox])
        #expect(machine.on(.objectsChanged(forPulls: false), now: now(1)) == [], "it is being made")
        _ = machine.on(.volumeFailed(message: "secret \"s\" not found"), now: now(2))
        #expect(machine.on(.objectsChanged(forPulls: false), now: now(3)) == [.makeSandbox])
        #expect(machine.on(.timer(.sandboxRetry), now: now(4)) == [], "that is over")
    }

    @Test func aPodWithoutSandboxTriesAgainAtOnceWhenItsNetworkChanges() {
        var machine = PodMachine(plan)
        _ = machine.begin()
        #expect(machine.on(.networkChanged, now: now(0)) == [], "it is being made")
        _ = machine.on(.sandboxFailed(message: "no network"), now: now(0))
        #expect(machine.on(.networkChanged, now: now(1)) == [.makeSandbox])
        #expect(machine.on(.networkChanged, now: now(1)) == [], "it is being made")
        #expect(machine.on(.timer(.sandboxRetry), now: now(2)) == [], "that is over")
        _ = machine.on(.volumeFailed(message: "secret \"s\" not found"), now: now(2))
        #expect(machine.on(.networkChanged, now: now(3)) == [], "it waits for something else")
        _ = machine.on(.timer(.sandboxRetry), now: now(4))
        _ = machine.on(.sandboxReady, now: now(5))
        #expect(machine.on(.networkChanged, now: now(6)) == [], "it is there")
    }

    @Test func nothingBeginsInAPodThatEndsOrIsHeld() {
        var machine = PodMachine(
            PodPlan(display: "p", restartPolicy: .never, containers: [.init(name: "c", image: "a")]))
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(missing("c"), now: now(0))
        var held = machine
        _ = held.on(.control(.stop, containers: ["c"], grace: .seconds(1)), now: now(1))
        #expect(held.on(.objectsChanged(forPulls: true), now: now(2)) == [])
        _ = machine.on(.stop(grace: .seconds(1), message: "gone"), now: now(1))
        #expect(machine.on(.objectsChanged(forPulls: true), now: now(2)) == [])
    }
}
