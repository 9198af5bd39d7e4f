import Base
import JSON
import Kube
import NodeAPITestSupport
import Testing

@testable import NodeAPI

@Suite struct TimelineTests {
    private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(nanoseconds: milliseconds * 1_000_000) }

    private func event(_ reason: String, _ message: String, at milliseconds: Int64, container: String? = nil) -> Event {
        Event(
            metadata: ObjectMeta(),
            involvedObject: ObjectReference(kind: "Pod", fieldPath: container.map { "spec.containers{\($0)}" }),
            type: reason == "BackOff" ? .warning : .normal, reason: reason, message: message, at: time(milliseconds),
            component: "kubelet", host: "node")
    }

    @Test func whatHappenedIsToldInOrderAndOnce() {
        var pod = Pod(["metadata": ["name": "web"]])
        pod.status.startTime = time(1000)
        pod.status.podIP = "10.85.0.2"
        pod.status.conditions = [
            PodCondition(type: "Ready", status: .true, lastTransitionTime: time(1013)),
            PodCondition(type: "PodReadyToStartContainers", status: .true, lastTransitionTime: time(1008)),
            PodCondition(type: "PodScheduled", status: .true, lastTransitionTime: time(1000)),
        ]
        var status = ContainerStatus(["name": "main"])
        status.lastState = .terminated(
            ContainerStateTerminated([
                "exitCode": 3, "reason": "Error", "startedAt": "1970-01-01T00:00:02Z",
                "finishedAt": "1970-01-01T00:00:04Z",
            ]))
        status.state = .running(startedAt: time(9000))
        pod.status.containerStatuses = [status]
        var backOff = event("BackOff", "Back-off", at: 5000, container: "main")
        backOff.count = 2
        backOff.lastTimestamp = time(6000)
        let events = [event("Started", "Container started", at: 1012, container: "main"), backOff]
        let entries = PodTimeline(pod, events: events).entries
        #expect(
            entries.map(\.message) == [
                "Manifest accepted", "Sandbox ready, address 10.85.0.2", "Ready", "Started",
                "Ended: Error, exit code 3", "BackOff: Back-off", "BackOff: Back-off (time 2)", "Started",
            ])
        #expect(entries.map(\.isWarning) == [false, false, false, false, true, true, true, false])
        #expect(entries.map(\.container)[3...] == ["main", "main", "main", "main", "main"])
    }

    @Test func theAPITellsItToTheNanosecond() throws {
        let harness = try Harness()
        harness.node.podsByName["web"] = ["metadata": ["name": "web"], "status": ["startTime": "2026-01-01T00:00:00Z"]]
        let answer = try JSONParser.parse(try harness.get("/swiftlet/v1/pods/default/web/timeline").body)
        #expect(answer["items"]?.arrayValue?.first?["time"] == "2026-01-01T00:00:00.000000000Z")
        #expect(try harness.get("/swiftlet/v1/pods/default/nobody/timeline").status == 404)
    }
}
