import Base
import Testing

@testable import NodeAgent

/// Containers whose image is edited while the pod runs.
@Suite struct PodMachineEditTests: PodMachineWords {
    private static func plan(_ policy: PodPlan.RestartPolicy = .always) -> PodPlan {
        PodPlan(
            display: "p", restartPolicy: policy, initContainers: [.init(name: "i", image: "x")],
            containers: [.init(name: "a", image: "x"), .init(name: "b", image: "x")])
    }

    /// A machine whose two containers run.
    private func running(_ policy: PodPlan.RestartPolicy = .always) -> PodMachine {
        var machine = PodMachine(Self.plan(policy))
        _ = machine.begin()
        _ = machine.on(.sandboxReady, now: now(0))
        for input in [started("i"), exited("i"), started("a"), started("b")] { _ = machine.on(input, now: now(0)) }
        return machine
    }

    private func edited(_ machine: PodMachine, _ names: String...) -> PodInput {
        var plan = machine.plan
        for i in plan.containers.indices where names.contains(plan.containers[i].name) {
            plan.containers[i].image = "y"
        }
        for i in plan.initContainers.indices where names.contains(plan.initContainers[i].name) {
            plan.initContainers[i].image = "y"
        }
        return .edited(plan)
    }

    private func record(_ machine: PodMachine, _ name: String) throws -> ContainerRecord {
        try #require(machine.containers.first { $0.name == name })
    }

    @Test func theContainerEndsAndRunsAnewAtOnceAndTheOthersGoOn() throws {
        var machine = running()
        let directives = machine.on(edited(machine, "a"), now: now(1))
        #expect(signals(directives) == ["a"])
        let note = EventNote("Killing", "Container a definition changed, will be restarted", container: "a")
        #expect(directives.contains(.record(note)))
        #expect(try record(machine, "a").image == "x", "what runs is the old")
        #expect(starts(machine.on(exited("a", 1), now: now(2))) == ["a.1"], "it is not held back")
        #expect(try record(machine, "a").image == "y")
        #expect(try record(machine, "b").restartCount == 0)
        #expect(try record(machine, "b").isRunning)
    }

    @Test func aSecondEditWhileTheFirstIsUnderWayIsOneRestart() throws {
        var machine = running()
        _ = machine.on(edited(machine, "a"), now: now(1))
        var plan = machine.plan
        plan.containers[0].image = "z"
        #expect(signals(machine.on(.edited(plan), now: now(1))) == [])
        #expect(starts(machine.on(exited("a"), now: now(2))) == ["a.1"])
        #expect(try record(machine, "a").image == "z")
    }

    @Test func whatIsHeldBackOrHasEndedBeginsAtOnce() throws {
        var crashing = running()
        _ = crashing.on(exited("a", 1), now: now(1))
        for attempt in 1..<3 {
            _ = crashing.on(.timer(.restart(container: "a")), now: now(100))
            _ = crashing.on(started("a", attempt), now: now(100))
            _ = crashing.on(exited("a", 1, attempt), now: now(101))
        }
        guard case .waiting("CrashLoopBackOff", _) = try record(crashing, "a").state else {
            Issue.record("it is not held back: \(crashing.containers)")
            return
        }
        let count = try record(crashing, "a").restartCount
        #expect(starts(crashing.on(edited(crashing, "a"), now: now(102))) == ["a.\(count + 1)"])

        var ended = running(.never)
        _ = ended.on(exited("a", 1), now: now(1))
        #expect(starts(ended.on(edited(ended, "a"), now: now(2))) == ["a.1"])
    }

    @Test func whatTheOperatorStoppedStaysStopped() throws {
        var machine = running()
        _ = machine.on(.control(.stop, containers: ["a"], grace: .seconds(5)), now: now(1))
        #expect(starts(machine.on(edited(machine, "a"), now: now(1))) == [])
        #expect(starts(machine.on(exited("a"), now: now(2))) == [])
        #expect(starts(machine.on(.control(.start, containers: ["a"], grace: .seconds(5)), now: now(3))) == ["a.1"])
        #expect(try record(machine, "a").image == "y")
    }

    @Test func onlyAPodThatIsThereTakesImagesAndNotForWorkThatIsDone() {
        var machine = running(.never)
        #expect(machine.canChangeImages(of: ["a", "b"]))
        #expect(!machine.canChangeImages(of: ["i"]), "others stand on what it did")
        _ = machine.on(exited("a"), now: now(1))
        _ = machine.on(exited("b"), now: now(1))
        #expect(!machine.canChangeImages(of: ["a"]), "the pod has ended")
        let before = machine.containers
        #expect(machine.on(edited(machine, "a"), now: now(2)) == [])
        #expect(machine.containers == before)
    }

    @Test func anInitContainerThatFailsIsRunWithItsNewImage() {
        var machine = PodMachine(Self.plan())
        _ = machine.begin()
        _ = machine.on(.sandboxReady, now: now(0))
        _ = machine.on(started("i"), now: now(0))
        #expect(signals(machine.on(edited(machine, "i"), now: now(1))) == ["i"])
        #expect(starts(machine.on(exited("i", 1), now: now(2))) == ["i.1"])
    }

    @Test func anEditThatAnAgentDidNotLiveToFinishIsFinishedByTheNext() throws {
        var before = running()
        _ = before.on(edited(before, "a"), now: now(1))
        var machine = PodMachine(before.plan, restoring: before.containers, finished: false)
        let found = ["a", "b"].map {
            AdoptedContainer(
                name: $0, attempt: 0,
                state: .running(
                    .init(containerID: "id", imageID: "img", startedAt: Timestamp(nanoseconds: 0), user: nil)))
        }
        #expect(signals(machine.on(.sandboxAdopted(found), now: now(2))) == ["a"])
        #expect(starts(machine.on(exited("a"), now: now(3))) == ["a.1"])
        #expect(try record(machine, "a").image == "y")
    }
}
