import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct ProbeMachineTests {
    static func now(_ seconds: Int64) -> BootInstant { BootInstant(nanoseconds: seconds * 1_000_000_000) }

    static func probe(
        delay: Int32 = 0, period: Int32 = 10, success: Int32 = 1, failure: Int32 = 3
    ) -> Probe {
        var probe = Probe(.tcpSocket(TCPSocketAction(port: .number(80))))
        (probe.initialDelaySeconds, probe.periodSeconds) = (delay, period)
        (probe.successThreshold, probe.failureThreshold) = (success, failure)
        return probe
    }

    static func machine(
        _ kind: ProbeKind, _ probe: Probe, ranFor: Int64 = 0, jitter: Nanoseconds? = nil, at second: Int64 = 100
    ) -> ProbeMachine {
        ProbeMachine(kind, probe, container: "c", ranFor: .seconds(ranFor), jitter: jitter, now: now(second))
    }

    /// The verdicts that follow one after the other from these answers.
    static func verdicts(_ machine: inout ProbeMachine, _ answers: [ProbeOutcome]) -> [Bool?] {
        answers.map { machine.answered($0).verdict }
    }

    @Test func readinessIsAskedAtOnceAndLivenessAfterAPeriod() {
        #expect(Self.machine(.readiness, Self.probe()).due == Self.now(100))
        #expect(Self.machine(.startup, Self.probe()).due == Self.now(100))
        #expect(Self.machine(.liveness, Self.probe(period: 7)).due == Self.now(107))
    }

    @Test func theInitialDelayCountsFromTheStartOfTheContainer() {
        #expect(Self.machine(.readiness, Self.probe(delay: 5)).due == Self.now(105))
        #expect(Self.machine(.readiness, Self.probe(delay: 5), ranFor: 3).due == Self.now(102))
        #expect(Self.machine(.readiness, Self.probe(delay: 5), ranFor: 60).due == Self.now(100))
        #expect(Self.machine(.liveness, Self.probe(delay: 15), ranFor: 1).due == Self.now(114))
    }

    @Test func whatIsFoundRunningIsAskedAtItsJitterAndNotBeforeItsDelay() {
        #expect(Self.machine(.liveness, Self.probe(), ranFor: 60, jitter: .seconds(4)).due == Self.now(104))
        #expect(Self.machine(.startup, Self.probe(delay: 20), ranFor: 5, jitter: .seconds(4)).due == Self.now(115))
    }

    @Test func itIsAskedEveryPeriodHoweverLongTheAnswersTake() {
        var machine = Self.machine(.liveness, Self.probe(period: 5), ranFor: 5, at: 95)
        machine.asked(now: Self.now(100))
        #expect(machine.due == Self.now(105))
        machine.asked(now: Self.now(107))
        #expect(machine.due == Self.now(110), "the times do not shift")
        machine.asked(now: Self.now(131))
        #expect(machine.due == Self.now(136), "what was missed is not made up for")
    }

    @Test func probesOfOnePeriodAreAskedAtTheSameMomentsAndAPeriodApart() {
        var times: Set<Int64> = []
        for start in stride(from: Int64(0), to: 50, by: 7) {
            let begin = BootInstant(nanoseconds: Self.now(100).nanoseconds + start * 1_000_000 + 1)
            var machine = ProbeMachine(
                .liveness, Self.probe(period: 1), container: "c", ranFor: .seconds(0), now: begin)
            #expect(machine.due == begin + .seconds(1))
            machine.asked(now: machine.due)
            let second = machine.due
            #expect(second >= begin + .seconds(2) && second <= begin + .milliseconds(2050))
            machine.asked(now: second)
            #expect(machine.due == second + .seconds(1))
            times.insert(second.nanoseconds)
        }
        #expect(times.count == 1, "within a twentieth of a period there is one moment: \(times)")
    }

    @Test func onlySoManyFailuresInARowAreAVerdict() {
        var machine = Self.machine(.liveness, Self.probe(failure: 3))
        let bad = ProbeOutcome.failure("x")
        let found = Self.verdicts(&machine, [bad, bad, .success, bad, bad, bad, bad])
        #expect(found == [nil, nil, true, nil, nil, false, false])
    }

    @Test func onlySoManySuccessesInARowAreAVerdict() {
        var machine = Self.machine(.readiness, Self.probe(success: 2, failure: 1))
        let bad = ProbeOutcome.failure("x")
        let found = Self.verdicts(&machine, [.success, bad, .success, .warning("w"), .success])
        #expect(found == [nil, false, nil, true, true])
    }

    @Test func whatCannotBeAskedIsTriedThreeTimesAndCountsForNothing() {
        var machine = Self.machine(.liveness, Self.probe(failure: 2))
        #expect(machine.answered(.failure("x")).verdict == nil)
        #expect(machine.answered(.error("e")).asksAgain)
        #expect(machine.answered(.error("e")).asksAgain)
        let third = machine.answered(.error("e"))
        #expect(!third.asksAgain && third.verdict == nil)
        #expect(third.note?.message == "Liveness probe errored and resulted in unknown state: e")
        #expect(machine.answered(.error("e")).asksAgain, "it is counted anew")
        #expect(machine.answered(.failure("x")).verdict == false, "the failure before still counts")
    }

    /// The times of the questions, in milliseconds after second 100, that are answered with this until one counts.
    static func times(_ machine: inout ProbeMachine, _ answers: ProbeOutcome...) -> [Int64] {
        answers.map { answer in
            let time = machine.due
            machine.asked(now: time)
            _ = machine.answered(answer)
            return (time.nanoseconds - now(100).nanoseconds) / 1_000_000
        }
    }

    @Test(arguments: [ProbeKind.startup, .readiness])
    func whoIsWaitedForIsAskedOftenAtFirstAndOnlyItsSuccessCountsThen(_ kind: ProbeKind) {
        let bad = ProbeOutcome.failure("x")
        var slow = Self.machine(kind, Self.probe(period: 1, failure: 1))
        #expect(
            Self.times(&slow, bad, .error("e"), bad, bad, bad, bad, bad, bad) == [0, 20, 60, 140, 300, 620, 1000, 2000])
        var counted = Self.machine(kind, Self.probe(period: 1, failure: 1))
        counted.asked(now: Self.now(100))
        #expect(counted.answered(bad) == ProbeMachine.Step())
        counted.asked(now: Self.now(101))
        #expect(counted.answered(bad).verdict == false)
        var quick = Self.machine(kind, Self.probe(period: 10, failure: 1))
        #expect(Self.times(&quick, bad, bad, .success, bad) == [0, 20, 60, 10000], "then it is asked every period")
        var exec = Self.probe(period: 1)
        exec.handler = .exec(ExecAction(command: ["true"]))
        var program = Self.machine(kind, exec)
        #expect(Self.times(&program, bad, bad, bad, bad, bad) == [0, 100, 300, 700, 1000], "programs cost more")
    }

    @Test func aDelayIsObservedAndWhatWasFoundRunningIsNotWaitedFor() {
        var delayed = Self.machine(.startup, Self.probe(delay: 1, failure: 1))
        delayed.asked(now: delayed.due)
        #expect(delayed.answered(.failure("x")).verdict == false)
        var found = Self.machine(.startup, Self.probe(failure: 1), ranFor: 60)
        found.asked(now: found.due)
        #expect(found.answered(.failure("x")).verdict == false)
    }

    @Test func peopleAreToldInTheKubeletsWords() {
        var machine = Self.machine(.readiness, Self.probe())
        #expect(
            machine.answered(.failure("HTTP probe failed with statuscode: 503")).note
                == EventNote(
                    "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", container: "c",
                    warning: true))
        #expect(
            machine.answered(.warning("w")).note
                == EventNote("ProbeWarning", "Readiness probe warning: w", container: "c", warning: true))
        #expect(machine.answered(.success).note == nil)
    }
}
