import Base
import Kube
import Testing

@testable import NodeAgent

@Suite struct PodStatusBuilderTests {
    static func time(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }

    static func pod(
        _ names: [String] = ["a"], initContainers: [String] = [], restartPolicy: RestartPolicy = .always
    ) -> Pod {
        var spec = PodSpec(containers: names.map { Container(name: $0, image: "busybox") })
        spec.initContainers = initContainers.map { Container(name: $0, image: "busybox") }
        spec.restartPolicy = restartPolicy
        return Pod(metadata: ObjectMeta(name: "p", namespace: "ns", uid: "u"), spec: spec)
    }

    static func record(
        _ name: String, _ state: ContainerRecord.State, isInit: Bool = false, last: ContainerRecord.Termination? = nil,
        restarts: Int = 0
    ) -> ContainerRecord {
        var record = ContainerRecord(name: name, image: "busybox", isInit: isInit)
        record.state = state
        record.isStarted = record.isRunning
        record.isReady = record.isRunning && !isInit
        record.lastTermination = last
        record.restartCount = restarts
        record.hasBegun = state != .waiting(reason: nil, message: nil) || last != nil
        return record
    }

    static func end(_ code: Int32, _ reason: String? = nil) -> ContainerRecord.Termination {
        .init(
            exitCode: code, reason: reason ?? (code == 0 ? "Completed" : "Error"), startedAt: time(10),
            finishedAt: time(20), containerID: "id1")
    }

    static func status(
        _ pod: Pod, _ records: [ContainerRecord], ready: Bool = true, previous: PodStatus? = nil, now: Int64 = 100
    ) -> PodStatus {
        PodStatusBuilder(
            pod: pod, records: records, isSandboxReady: ready, startTime: time(1), nodeAddresses: ["192.0.2.1"]
        ).status(previous: previous, now: time(now))
    }

    static func summary(_ status: PodStatus) -> [String] {
        status.conditions.map { condition in
            [condition.type, condition.status.rawValue, condition.reason, condition.message].compactMap { $0 }
                .joined(separator: " ")
        }
    }

    private static let notYet = ContainerRecord.State.waiting(reason: nil, message: nil)
    private static let crashed = ContainerRecord.State.waiting(reason: "CrashLoopBackOff", message: "back-off")

    // MARK: Phase

    private struct Phase: Sendable {
        var policy: RestartPolicy
        var initContainers: [ContainerRecord]
        var containers: [ContainerRecord]
        var phase: PodPhase
        init(
            _ policy: RestartPolicy, _ initContainers: [ContainerRecord] = [], _ containers: [ContainerRecord],
            _ phase: PodPhase
        ) {
            (self.policy, self.initContainers, self.containers, self.phase) =
                (policy, initContainers, containers, phase)
        }
    }

    private static let running = ContainerRecord.State.running(since: time(5))

    @Test func aPodIsReadyWhenItsGatesAreOpenToo() {
        var pod = Self.pod()
        pod.spec.readinessGates = ["x/up", "x/known"]
        var builder = PodStatusBuilder(
            pod: pod, records: [Self.record("a", Self.running)], isSandboxReady: true, startTime: Self.time(1),
            nodeAddresses: [])
        func ready(_ now: Int64) -> PodCondition? {
            builder.status(previous: nil, now: Self.time(now)).conditions.first { $0.type == "Ready" }
        }
        #expect(ready(6)?.reason == "ReadinessGatesNotReady")
        builder.others = [PodCondition(type: "x/up", status: .false)]
        #expect(
            ready(7)?.message == "the status of pod readiness gate \"x/up\" is not \"True\", but False, "
                + "corresponding condition of pod readiness gate \"x/known\" does not exist.")
        builder.others = [PodCondition(type: "x/up", status: .true), PodCondition(type: "x/known", status: .true)]
        let status = builder.status(previous: nil, now: Self.time(8))
        #expect(ready(8)?.status == .true && status.conditions.suffix(2) == builder.others[...])
        // Containers come first.
        builder.records[0].isReady = false
        #expect(ready(9)?.reason == "ContainersNotReady")
    }
    private static func done(_ code: Int32) -> ContainerRecord.State { .terminated(end(code)) }
    private static func start(_ state: ContainerRecord.State, last: Int32? = nil) -> ContainerRecord {
        record("i", state, isInit: true, last: last.map { end($0) })
    }

    @Test(arguments: [
        Phase(.always, [], [record("a", notYet)], .pending),
        Phase(.always, [], [record("a", .starting)], .pending),
        Phase(.always, [], [record("a", .waiting(reason: "ErrImageNeverPull", message: nil))], .pending),
        Phase(.always, [], [record("a", running)], .running),
        Phase(.always, [], [record("a", running), record("b", notYet)], .pending),
        Phase(.always, [], [record("a", running), record("b", done(1))], .running),
        Phase(.always, [], [record("a", crashed, last: end(1))], .running),
        Phase(.always, [], [record("a", .starting, last: end(0))], .running),
        Phase(.onFailure, [], [record("a", done(0)), record("b", done(0))], .succeeded),
        Phase(.onFailure, [], [record("a", done(0)), record("b", crashed, last: end(1))], .running),
        Phase(.never, [], [record("a", done(0))], .succeeded),
        Phase(.never, [], [record("a", done(0)), record("b", done(3))], .failed),
        Phase(.never, [], [record("a", running), record("b", done(3))], .running),
        Phase(.never, [start(running)], [record("a", notYet)], .pending),
        Phase(.never, [start(done(1))], [record("a", notYet)], .failed),
        Phase(.always, [start(crashed, last: 1)], [record("a", notYet)], .pending),
        Phase(.always, [start(done(0))], [record("a", running)], .running),
        Phase(.always, [start(notYet)], [record("a", notYet)], .pending),
    ])
    private func thePhaseIsTheKubelets(case: Phase) {
        let pod = Self.pod(
            `case`.containers.map(\.name), initContainers: `case`.initContainers.map(\.name),
            restartPolicy: `case`.policy)
        #expect(Self.status(pod, `case`.initContainers + `case`.containers).phase == `case`.phase)
    }

    @Test func aPodThatEndedNeverLeavesItsPhase() {
        var previous = PodStatus()
        previous.phase = .failed
        #expect(Self.status(Self.pod(), [Self.record("a", Self.running)], previous: previous).phase == .failed)
    }

    // MARK: Conditions

    @Test func aNewPodWaits() {
        let status = Self.status(Self.pod(["a", "b"]), [], ready: false)
        #expect(
            Self.summary(status) == [
                "PodReadyToStartContainers False", "Initialized True",
                "Ready False ContainersNotReady containers with unready status: [a b]",
                "ContainersReady False ContainersNotReady containers with unready status: [a b]", "PodScheduled True",
            ])
        #expect(status.containerStatuses.map(\.state.waiting?.reason) == ["ContainerCreating", "ContainerCreating"])
        #expect(status.qosClass == .bestEffort && status.startTime == Self.time(1))
        #expect(status.hostIP == "192.0.2.1" && status.podIP == nil && status.podIPs == [])
    }

    @Test func aPodWithInitContainersIsInitialisedAfterThem() {
        let pod = Self.pod(["a"], initContainers: ["i", "j"])
        let waiting = Self.status(
            pod, [Self.start(.terminated(Self.end(0))), Self.record("j", Self.running, isInit: true)])
        #expect(
            Self.summary(waiting) == [
                "PodReadyToStartContainers True",
                "Initialized False ContainersNotInitialized containers with incomplete status: [j]",
                "Ready False ContainersNotReady containers with unready status: [a]",
                "ContainersReady False ContainersNotReady containers with unready status: [a]", "PodScheduled True",
            ])
        #expect(waiting.containerStatuses.first?.state.waiting?.reason == "PodInitializing")
        #expect(waiting.initContainerStatuses.map(\.ready) == [true, false])
        #expect(waiting.initContainerStatuses.map(\.started) == [false, true])
    }

    @Test func aRunningPodIsReadyAndOneThatEndedSaysHow() {
        let running = Self.status(Self.pod(), [Self.record("a", Self.running)])
        #expect(
            Self.summary(running) == [
                "PodReadyToStartContainers True", "Initialized True", "Ready True", "ContainersReady True",
                "PodScheduled True",
            ])
        let succeeded = Self.status(Self.pod(restartPolicy: .never), [Self.record("a", Self.done(0))], ready: false)
        #expect(
            Self.summary(succeeded) == [
                "PodReadyToStartContainers False", "Initialized True PodCompleted", "Ready False PodCompleted",
                "ContainersReady False PodCompleted", "PodScheduled True",
            ])
        let failed = Self.status(Self.pod(restartPolicy: .never), [Self.record("a", Self.done(1))], ready: false)
        #expect(
            Self.summary(failed) == [
                "PodReadyToStartContainers False", "Initialized True", "Ready False PodFailed",
                "ContainersReady False PodFailed", "PodScheduled True",
            ])
    }

    @Test func aConditionKeepsItsTimeUntilItChanges() {
        let pod = Self.pod()
        let first = Self.status(pod, [], now: 100)
        let second = Self.status(pod, [], previous: first, now: 200)
        #expect(second == first)
        let third = Self.status(pod, [Self.record("a", Self.running)], previous: second, now: 300)
        func time(_ type: String) -> Timestamp? { third.conditions.first { $0.type == type }?.lastTransitionTime }
        #expect(time("Ready") == Self.time(300))
        #expect(time("PodScheduled") == Self.time(100))
    }

    // MARK: Containers

    @Test func aContainerInBackOffShowsItsLastEnd() throws {
        var record = Self.record(
            "a",
            .waiting(
                reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container=a pod=p_ns(u)"),
            last: Self.end(137, "OOMKilled"), restarts: 2)
        record.containerID = "id1"
        record.imageID = "docker.io/library/busybox@sha256:1"
        let status = try #require(Self.status(Self.pod(), [record]).containerStatuses.first)
        #expect(status.state.waiting?.reason == "CrashLoopBackOff")
        #expect(status.lastState?.terminated?.reason == "OOMKilled")
        #expect(status.lastState?.terminated?.containerID == "swiftlet://id1")
        #expect(status.restartCount == 2 && !status.ready && status.started == false)
        #expect(status.containerID == "swiftlet://id1" && status.imageID == "docker.io/library/busybox@sha256:1")
    }

    @Test func betweenTwoRunsTheLastEndIsShown() throws {
        let record = Self.record("a", .starting, last: Self.end(3), restarts: 1)
        let status = try #require(Self.status(Self.pod(), [record]).containerStatuses.first)
        #expect(status.state.terminated?.exitCode == 3)
        #expect(status.lastState == nil)
    }

    @Test func aRunningContainerShowsItsUserAndMounts() throws {
        var pod = Self.pod()
        pod.spec.containers[0].volumeMounts = [VolumeMount(name: "v", mountPath: "/v", readOnly: true)]
        pod.spec.containers[0].resources.requests = ["cpu": Quantity(1)]
        var record = Self.record("a", Self.running)
        record.containerID = "id2"
        record.user = .init(uid: 1000, gid: 1000, groups: [1000, 5])
        let status = try #require(Self.status(pod, [record]).containerStatuses.first)
        #expect(status.ready && status.started == true)
        #expect(status.state == .running(startedAt: Self.time(5)))
        #expect(status.user == LinuxContainerUser(uid: 1000, gid: 1000, supplementalGroups: [1000, 5]))
        #expect(
            status.volumeMounts == [
                VolumeMountStatus(name: "v", mountPath: "/v", readOnly: true, recursiveReadOnly: .disabled)
            ])
        #expect(status.allocatedResources == ["cpu": Quantity(1)])
    }

    @Test func onTheHostsNetworkThePodHasTheNodesAddresses() {
        var pod = Self.pod()
        pod.spec.hostNetwork = true
        let status = Self.status(pod, [])
        #expect(status.podIP == "192.0.2.1" && status.podIPs == ["192.0.2.1"])
    }

    @Test func aRecordOfAnInitContainerIsNotThatOfAContainerOfItsName() {
        let status = Self.status(Self.pod(["x"], initContainers: ["i"]), [Self.record("x", Self.running, isInit: true)])
        #expect(status.containerStatuses.first?.ready == false)
    }

    @Test(arguments: [RestartPolicy.never, .onFailure], [Int32(0), 143])
    func aPodThatARebootInterruptedHasNotEnded(policy: RestartPolicy, code: Int32) {
        var builder = PodStatusBuilder(
            pod: Self.pod(restartPolicy: policy),
            records: [Self.record("a", .waiting(reason: nil, message: nil), last: Self.end(code))],
            isSandboxReady: false, startTime: Self.time(1), nodeAddresses: [])
        builder.isGoingOn = true
        let between = builder.status(previous: nil, now: Self.time(30))
        #expect(between.phase != .succeeded && between.phase != .failed)
        builder.records = [Self.record("a", .running(since: Self.time(31)), last: Self.end(code))]
        builder.isGoingOn = false
        #expect(builder.status(previous: between, now: Self.time(32)).phase == .running)
    }

    @Test func onlyAPodWithARunToComeGoesOn() {
        let plan = PodPlan(display: "p", restartPolicy: .never, containers: [.init(name: "a", image: "a")])
        func machine(_ state: ContainerRecord.State, finished: Bool = false) -> PodMachine {
            PodMachine(
                plan,
                restoring: [
                    {
                        var record = ContainerRecord(name: "a", image: "a", isInit: false)
                        (record.state, record.hasBegun) = (state, true)
                        return record
                    }()
                ], finished: finished)
        }
        #expect(machine(.waiting(reason: nil, message: nil)).isGoingOn)
        #expect(!machine(.terminated(Self.end(0))).isGoingOn)
        #expect(!machine(.waiting(reason: nil, message: nil), finished: true).isGoingOn)
        #expect(!PodMachine(plan).isGoingOn, "it has never begun")
    }

    @Test func aContainerIsAsStartedAndAsReadyAsItsProbesSay() {
        var unready = Self.record("a", .running(since: Self.time(10)))
        unready.isReady = false
        var starting = Self.record("b", .running(since: Self.time(10)))
        (starting.isStarted, starting.isReady) = (false, false)
        let running = Self.record("c", .running(since: Self.time(10)))
        let pod = Self.pod(["a", "b", "c"])
        let status = Self.status(pod, [unready, starting, running], now: 50)
        #expect(status.containerStatuses.map(\.started) == [true, false, true])
        #expect(status.containerStatuses.map(\.ready) == [false, false, true])
        #expect(status.phase == .running)
        let why = "False ContainersNotReady containers with unready status: [a b]"
        #expect(Self.summary(status).contains("Ready \(why)"))
        #expect(Self.summary(status).contains("ContainersReady \(why)"))
        // Another container that is not ready is no transition of the pod.
        unready.isReady = true
        let later = Self.status(pod, [unready, starting, running], previous: status, now: 60)
        let ready = later.conditions.first { $0.type == "Ready" }
        #expect(ready?.message == "containers with unready status: [b]")
        #expect(ready?.lastTransitionTime == Self.time(50))
    }
}
