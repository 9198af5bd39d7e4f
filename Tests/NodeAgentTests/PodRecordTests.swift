import Base
import JSON
import Kube
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct PodRecordTests {
    var record: PodRecord {
        var container = ContainerRecord(name: "c", image: "busybox", isInit: false)
        container.restartCount = 7
        container.hasBegun = true
        container.containerID = "swiftlet://ab"
        container.imageID = "sha256:cd"
        container.backOff = CrashLoopBackOff(last: .seconds(40))
        container.isPostStarting = true
        container.hasPreStopped = true
        container.heldUntil = BootInstant(nanoseconds: 77)
        container.layers = ["/layers/a", "/layers/b"]
        container.user = .init(uid: 1, gid: 2, groups: [2, 3])
        container.lastTermination = .init(
            exitCode: 137, signal: 9, reason: "OOMKilled", message: "m", startedAt: Timestamp(nanoseconds: 1),
            finishedAt: Timestamp(nanoseconds: 2), containerID: "x")
        container.state = .waiting(reason: "CrashLoopBackOff", message: "back-off")
        var record = PodRecord(
            uid: "u", source: "/etc/podspecs/a.yaml", manifest: ["kind": "Pod"], generation: 4,
            startTime: Timestamp(nanoseconds: 3), isFinished: false, failure: .deadlineExceeded, containers: [container]
        )
        (record.isSuccessor, record.isRestartingAll) = (true, true)
        record.conditions = [
            PodCondition(
                type: "example.com/up", status: .unknown, reason: "R", message: "m",
                lastTransitionTime: Timestamp(nanoseconds: 5_000_000_000))
        ]
        return record
    }

    @Test func aRecordReadsBackAsItWasWritten() throws {
        let states: [ContainerRecord.State] = [
            .waiting(reason: nil, message: nil), .waiting(reason: "r", message: "m"),
            .starting, .running(since: Timestamp(nanoseconds: 8)),
            .terminated(.init(exitCode: 1, reason: "Error", finishedAt: Timestamp(nanoseconds: 9))),
        ]
        for state in states {
            var record = self.record
            record.containers[0].state = state
            record.isEnding = state == .starting
            if state == .starting { record.failure = nil }
            let text = JSONWriter().bytes(record.json)
            #expect(try PodRecord(JSONParser.parse(text)) == record)
        }
    }

    @Test func whetherAContainerIsStartedAndReadyIsKeptAsLongAsItRuns() throws {
        var record = self.record
        record.containers[0].state = .running(since: Timestamp(nanoseconds: 8))
        for (started, ready) in [(true, true), (true, false), (false, false)] {
            (record.containers[0].isStarted, record.containers[0].isReady) = (started, ready)
            #expect(try PodRecord(JSONParser.parse(JSONWriter().bytes(record.json))) == record)
        }
        record.containers[0].isStarted = true
        record.containers[0].state = .waiting(reason: nil, message: nil)
        #expect(!record.containers[0].isStarted)
    }

    @Test func aContainerThatAnAgentWithoutProbesWroteOfIsReadyAsItWas() throws {
        let value: JSONValue = [
            "name": "c", "image": "i", "restartCount": 0, "runningSince": 8,
        ]
        let container = try ContainerRecord(value)
        #expect(container.isStarted && container.isReady)
    }

    @Test func aRecordOfANewerVersionIsRefused() throws {
        guard case .object(var object) = record.json.content else { return }
        object["schema"] = .integer(PodRecord.schema + 1)
        #expect(throws: JSONError.self) { try PodRecord(.object(object)) }
    }

    @Test func aDamagedRecordIsRefusedWithoutHarm() {
        let text = JSONWriter().bytes(record.json)
        var random = SplitMix(1)
        for _ in 0..<2000 {
            var damaged = text
            damaged[random.next(damaged.count)] = UInt8(random.next(256))
            if random.chance(30) { damaged = Array(damaged.prefix(random.next(damaged.count))) }
            guard let value = try? JSONParser.parse(damaged) else { continue }
            _ = try? PodRecord(value)
        }
    }
}
