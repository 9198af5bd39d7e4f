import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodMachineProbeTests {
    static let probe = Probe(.exec(ExecAction(command: ["true"])))
    let zero = BootInstant(nanoseconds: 0)

    /// A pod whose container `c` has started.
    func machine(
        _ probes: ContainerProbes, _ policy: PodPlan.RestartPolicy = .always, startedAt: Int64 = 0
    ) -> PodMachine {
        var machine = PodMachine(
            PodPlan(
                display: "p", restartPolicy: policy, containers: [.init(name: "c", image: "a", probes: probes)]))
        _ = machine.on(.sandboxReady, now: zero)
        _ = machine.on(started(0), now: zero)
        return machine
    }

    func started(_ attempt: Int) -> PodInput {
        .containerStarted(
            name: "c", attempt: attempt,
            StartedContainer(containerID: "id", imageID: "i", startedAt: Timestamp(nanoseconds: 0), user: nil))
    }

    func said(_ kind: ProbeKind, _ isSuccess: Bool, attempt: Int = 0) -> PodInput {
        .probed(
            ProbeVerdict(container: "c", attempt: attempt, kind: kind, isSuccess: isSuccess), grace: .seconds(7))
    }

    func ended(_ code: Int32, attempt: Int = 0) -> PodInput {
        .containerExited(
            name: "c", attempt: attempt,
            .init(exitCode: code, reason: "Error", finishedAt: Timestamp(nanoseconds: 1_000_000_000)))
    }

    @Test func withoutProbesWhatRunsIsStartedAndReady() {
        let container = machine(ContainerProbes()).containers[0]
        #expect(container.isStarted && container.isReady)
    }

    @Test func withALivenessProbeAloneItIsReadyToo() {
        #expect(machine(ContainerProbes(liveness: Self.probe)).containers[0].isReady)
    }

    @Test func readinessIsWhatItsProbeSays() {
        var machine = machine(ContainerProbes(readiness: Self.probe))
        #expect(machine.containers[0].isStarted && !machine.containers[0].isReady)
        for isReady in [true, false, true] {
            #expect(machine.on(said(.readiness, isReady), now: zero).isEmpty)
            #expect(machine.containers[0].isReady == isReady)
        }
    }

    @Test func beforeItIsStartedAContainerIsNotReady() {
        var machine = machine(ContainerProbes(startup: Self.probe))
        #expect(!machine.containers[0].isStarted && !machine.containers[0].isReady)
        _ = machine.on(said(.readiness, true), now: zero)
        #expect(!machine.containers[0].isReady)
        _ = machine.on(said(.startup, true), now: zero)
        #expect(machine.containers[0].isStarted && machine.containers[0].isReady)
    }

    @Test(arguments: [ProbeKind.liveness, .startup])
    func aContainerThatAProbeFindsFaultWithIsEndedInItsTimeAndRunsAgain(kind: ProbeKind) {
        var probes = ContainerProbes()
        if kind == .startup { probes.startup = Self.probe } else { probes.liveness = Self.probe }
        var machine = machine(probes, .onFailure)
        let directives = machine.on(said(kind, false), now: zero)
        let message = "Container c failed \(kind.rawValue.lowercased()) probe, will be restarted"
        #expect(
            directives == [
                .record(EventNote("Killing", message, container: "c")),
                .arm(.stopGraceOver(container: "c", attempt: 0), after: .seconds(7)), .stopContainer(container: "c"),
            ])
        #expect(machine.on(said(kind, false), now: zero).isEmpty, "it is asked once")
        #expect(
            machine.on(.timer(.stopGraceOver(container: "c", attempt: 0)), now: zero)
                == [.killContainer(container: "c")])
        // Also when it ends well, and its policy is to run again only what failed.
        #expect(machine.on(ended(0), now: zero) == [.start(container: "c", attempt: 1)])
        #expect(!machine.containers[0].hasFailedProbe)
        _ = machine.on(started(1), now: zero)
        #expect(machine.on(said(kind, false), now: zero).isEmpty, "what is said of an earlier run counts no more")
        // The next time it waits, as after every end.
        _ = machine.on(said(kind, false, attempt: 1), now: zero)
        _ = machine.on(ended(137, attempt: 1), now: zero)
        guard case .waiting("CrashLoopBackOff", _) = machine.containers[0].state else {
            Issue.record("\(machine.containers[0].state)")
            return
        }
    }

    @Test func inAPodThatNeverRestartsItsEndIsTheEnd() {
        var machine = machine(ContainerProbes(liveness: Self.probe), .never)
        let directives = machine.on(said(.liveness, false), now: zero)
        #expect(directives.contains(.record(EventNote("Killing", "Container c failed liveness probe", container: "c"))))
        #expect(machine.on(ended(137), now: zero) == [.tearDown(final: false)])
    }

    @Test func aPodThatEndsIsStillReadyOrNotAndIsNotEndedTwice() {
        var machine = machine(ContainerProbes(liveness: Self.probe, readiness: Self.probe))
        _ = machine.on(said(.readiness, true), now: zero)
        _ = machine.on(.stop(grace: .seconds(30), message: "m"), now: zero)
        #expect(machine.on(said(.liveness, false), now: zero).isEmpty)
        #expect(machine.containers[0].isReady)
        _ = machine.on(said(.readiness, false), now: zero)
        #expect(!machine.containers[0].isReady)
    }

    @Test func anEndThatAProbeAskedForIsAskedForAgainByTheNextAgent() {
        var first = machine(ContainerProbes(liveness: Self.probe), .onFailure)
        _ = first.on(said(.liveness, false), now: zero)
        var next = PodMachine(first.plan, restoring: first.containers, finished: false)
        let found = AdoptedContainer(
            name: "c", attempt: 0,
            state: .running(.init(containerID: "id", imageID: "", startedAt: Timestamp(nanoseconds: 0), user: nil)))
        #expect(next.on(.sandboxAdopted([found]), now: zero).contains(.stopContainer(container: "c")))
        #expect(next.on(ended(0), now: zero) == [.start(container: "c", attempt: 1)])
    }
}
