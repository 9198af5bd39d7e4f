import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineFailingTests: PodMachineWords {
    private var plan: PodPlan {
        var plan = PodPlan(
            display: "p", restartPolicy: .always,
            containers: [.init(name: "a", image: "i"), .init(name: "b", image: "i")])
        plan.activeDeadline = .seconds(60)
        plan.grace = .seconds(7)
        return plan
    }

    private func running() -> PodMachine {
        var machine = PodMachine(plan)
        _ = machine.on(.sandboxReady, now: now(0))
        for name in ["a", "b"] { _ = machine.on(started(name), now: now(0)) }
        return machine
    }

    @Test func aPodPastItsDeadlineEndsWithinItsGraceAndStaysFailed() {
        var machine = running()
        let directives = machine.on(.timer(.activeDeadline), now: now(60))
        #expect(
            directives.first
                == .record(
                    EventNote(
                        "DeadlineExceeded", "Pod was active on the node longer than the specified deadline")))
        #expect(directives.contains(.stopContainer(container: "a")))
        #expect(directives.contains(.arm(.graceOver, after: .seconds(7))))
        #expect(machine.toldFailure == nil, "it is told when nothing of it runs any more")
        #expect(machine.on(exited("a", 143), now: now(61)).isEmpty)
        #expect(machine.on(exited("b", 0), now: now(62)) == [.tearDown(final: false)])
        #expect(machine.on(.tornDown, now: now(62)).isEmpty)
        #expect(machine.stage == .finished && machine.toldFailure == .deadlineExceeded)
        #expect(machine.on(.timer(.activeDeadline), now: now(70)).isEmpty)
        #expect(machine.on(.stop(grace: .seconds(1), message: "s"), now: now(80)) == [.tearDown(final: true)])
    }

    @Test func aPodThatIsRemovedWhileItFailsGoes() {
        var machine = running()
        _ = machine.on(.timer(.activeDeadline), now: now(60))
        #expect(
            machine.on(.stop(grace: .seconds(2), message: "s"), now: now(61)) == [.arm(.graceOver, after: .seconds(2))])
        _ = machine.on(exited("a", 0), now: now(62))
        #expect(machine.on(exited("b", 0), now: now(62)) == [.tearDown(final: true)])
    }

    @Test func aPodThatEndedBeforeItsDeadlineKeepsItsEnd() {
        var never = plan
        never.restartPolicy = .never
        var machine = PodMachine(never)
        _ = machine.on(.sandboxReady, now: now(0))
        for name in ["a", "b"] { _ = machine.on(started(name), now: now(0)) }
        for name in ["a", "b"] { _ = machine.on(exited(name, 0), now: now(1)) }
        _ = machine.on(.tornDown, now: now(1))
        #expect(machine.on(.timer(.activeDeadline), now: now(60)).isEmpty && machine.failure == nil)
    }

    @Test func aPodWhoseSandboxCannotBeMadeFailsToo() {
        var machine = PodMachine(plan)
        _ = machine.on(.sandboxFailed(message: "no network"), now: now(0))
        #expect(
            machine.on(.timer(.activeDeadline), now: now(60)).last == .arm(.sandboxRetry, after: Nanoseconds(0)))
        #expect(machine.on(.timer(.sandboxRetry), now: now(60)) == [.makeSandbox])
        #expect(machine.on(.sandboxFailed(message: "no network"), now: now(61)) == [.tearDown(final: false)])
        _ = machine.on(.tornDown, now: now(61))
        #expect(machine.stage == .finished)
    }

    @Test func anAgentThatComesBackEndsWhatWasFailing() {
        var before = running()
        _ = before.on(.timer(.activeDeadline), now: now(60))
        var machine = PodMachine(plan, restoring: before.containers, finished: false)
        machine.failure = before.failure
        #expect(machine.begin() == [.makeSandbox])
        // Told by the agent before.
        #expect(machine.on(.fail(.deadlineExceeded), now: now(100)).isEmpty)
        let state = AdoptedContainer.State.running(
            .init(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil))
        let directives = machine.on(
            .sandboxAdopted([.init(name: "a", attempt: 0, state: state)]), now: now(101))
        #expect(directives.contains(.stopContainer(container: "a")))
        #expect(!directives.contains { if case .start = $0 { true } else { false } })
        _ = machine.on(exited("a", 0), now: now(102))
        #expect(machine.stage == .tearingDown(final: false))
    }

    @Test func whatWasHeldBackHasEnded() {
        var machine = running()
        for attempt in 0..<2 {
            _ = machine.on(
                .containerExited(
                    name: "a", attempt: attempt,
                    .init(exitCode: 3, reason: "Error", finishedAt: Timestamp(nanoseconds: Int64(attempt)))),
                now: now(1))
            guard attempt == 0 else { break }
            _ = machine.on(
                .containerStarted(
                    name: "a", attempt: 1,
                    StartedContainer(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil)),
                now: now(1))
        }
        _ = machine.on(.timer(.activeDeadline), now: now(60))
        #expect(machine.containers[0].termination?.exitCode == 3)
    }

    // MARK: Status

    private func status(_ pod: Pod, _ records: [ContainerRecord], _ failure: PodFailure?) -> PodStatus {
        var builder = PodStatusBuilder(
            pod: pod, records: records, isSandboxReady: false, startTime: .now, nodeAddresses: [])
        builder.failure = failure
        return builder.status(previous: nil, now: .now)
    }

    @Test func theStatusOfAFailedPodSaysWhy() {
        let pod = PodStatusBuilderTests.pod()
        let records = [PodStatusBuilderTests.record("a", .terminated(PodStatusBuilderTests.end(0)))]
        let status = status(pod, records, .deadlineExceeded)
        #expect(status.phase == .failed && status.reason == "DeadlineExceeded")
        #expect(status.message == "Pod was active on the node longer than the specified deadline")
        #expect(status.conditions.first { $0.type == "Ready" }?.reason == "PodFailed")
    }

    @Test func containersShareTwelveKibibytesOfMessages() {
        var end = PodStatusBuilderTests.end(1)
        end.message = String(repeating: "x", count: 3071) + "\u{e9}" + String(repeating: "y", count: 1000)
        let names = ["a", "b", "c", "d"]
        let records = names.map { PodStatusBuilderTests.record($0, .terminated(end)) }
        let four = status(PodStatusBuilderTests.pod(names), records, nil)
        for status in four.containerStatuses {
            #expect(status.state.terminated?.message?.utf8.count == 3071, "no character is cut in two")
        }
        let three = status(PodStatusBuilderTests.pod(["a", "b", "c"]), records, nil)
        #expect(three.containerStatuses.allSatisfy { $0.state.terminated?.message == end.message })
    }
}
