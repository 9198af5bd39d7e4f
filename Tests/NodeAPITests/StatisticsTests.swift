import Base
import JSON
import Kube
import NodeAPITestSupport
import Testing

@testable import NodeAPI

@Suite struct StatisticsTests {
    private func usage(at seconds: Int64, cpu: UInt64) -> NodeUsage {
        var resources = NodeUsage.Resources()
        (resources.cpu, resources.memory, resources.workingSet) = (cpu, 3000, 2000)
        let container = NodeUsage.Container(
            name: "c", started: Timestamp(nanoseconds: 5_500_000_000), image: "i", id: "swiftlet://1",
            resources: resources)
        let pod = NodeUsage.Pod(
            namespace: "default", name: "odd\"name", uid: "u", started: Timestamp(nanoseconds: 5_000_000_000),
            resources: resources, containers: [container])
        return NodeUsage(
            nodeName: "node", time: Timestamp(nanoseconds: seconds * 1_000_000_000),
            instant: BootInstant(nanoseconds: seconds * 1_000_000_000), booted: Timestamp(nanoseconds: 0),
            resources: resources, availableMemory: 7,
            fileSystem: .init(capacity: 10, available: 4, used: 6, inodes: 3, freeInodes: 1), imageFileSystem: nil,
            pods: [pod])
    }

    @Test func resourceMetricsHaveTheKubeletsNamesAndEscapedLabels() throws {
        let harness = try Harness()
        harness.node.usageNow = usage(at: 10, cpu: 1_500_000_000)
        let text = try harness.get("/metrics/resource").text
        #expect(text.contains("node_cpu_usage_seconds_total 1.5\n"))
        #expect(text.contains("pod_memory_working_set_bytes{namespace=\"default\",pod=\"odd\\\"name\"} 2000\n"))
        #expect(
            text.contains(
                "container_start_time_seconds{container=\"c\",namespace=\"default\",pod=\"odd\\\"name\"} 5.5\n"))
        #expect(text.contains("# TYPE container_cpu_usage_seconds_total counter\n"))
    }

    @Test func anEventIsCountedOnce() throws {
        var counters = NodeCounters()
        func event(_ reason: String, _ message: String, _ field: String) {
            counters.count(
                Event(
                    metadata: ObjectMeta(), involvedObject: ObjectReference(kind: "Pod", fieldPath: field),
                    type: .normal, reason: reason, message: message, at: Timestamp(nanoseconds: 0),
                    component: "kubelet", host: "node"))
        }
        event("Started", "Started container a", "spec.initContainers{a}")
        event("Started", "Started container b", "spec.containers{b}")
        event("Started", "Started container b", "spec.containers{b}")
        event("Failed", "Failed to pull image \"x\": not found", "spec.containers{b}")
        event("Failed", "Error: ErrImagePull", "spec.containers{b}")
        event("Killing", "Stopping container b", "spec.containers{b}")
        #expect(counters.startedInitContainers == 1 && counters.startedContainers == 2 && counters.startErrors == 1)
    }

    @Test func whatPodsHaveWrittenStandsInTheSummary() throws {
        let harness = try Harness()
        var usage = usage(at: 10, cpu: 1)
        var (own, logs, volume) = (DiskUsage(), DiskUsage(), DiskUsage())
        (own.bytes, own.inodes, logs.bytes, logs.inodes, volume.bytes, volume.inodes) = (100, 3, 20, 2, 4, 1)
        usage.pods[0].containers[0].rootFolder = own
        usage.pods[0].containers[0].logs = logs
        usage.pods[0].volumes = [("data", volume)]
        harness.node.usageNow = usage
        let pod = try #require(
            try JSONParser.parse(try harness.get("/stats/summary").body)["pods"]?.arrayValue?.first)
        let container = pod["containers"]?.arrayValue?.first
        #expect(container?["rootfs"]?["usedBytes"] == 100 && container?["rootfs"]?["capacityBytes"] == 10)
        #expect(container?["logs"]?["inodesUsed"] == 2)
        #expect(pod["volume"]?.arrayValue?.first?["name"] == "data")
        #expect(pod["ephemeral-storage"]?["usedBytes"] == 124 && pod["ephemeral-storage"]?["inodesUsed"] == 6)
    }

    @Test func whatTheKernelDoesNotCountIsLeftOut() throws {
        let harness = try Harness()
        var usage = usage(at: 10, cpu: 1)
        usage.pods[0].containers[0].resources = .init()
        harness.node.usageNow = usage
        let text = try harness.get("/metrics/cadvisor").text
        #expect(!text.contains("container_memory_rss{"))
        #expect(!text.contains("container_cpu_usage_seconds_total{"))
    }

    @Test func theSummaryTellsCPUUseOfTheTimeSinceItWasLastAsked() throws {
        let harness = try Harness()
        harness.node.usageNow = usage(at: 10, cpu: 1_000_000_000)
        let first = try JSONParser.parse(try harness.get("/stats/summary").body)
        #expect(first["node"]?["cpu"]?["usageNanoCores"] == nil)
        harness.node.usageNow = usage(at: 12, cpu: 2_000_000_000)
        let second = try JSONParser.parse(try harness.get("/stats/summary").body)
        #expect(second["node"]?["cpu"]?["usageNanoCores"]?.integerValue == 500_000_000)
        let pod = second["pods"]?.arrayValue?.first
        #expect(pod?["podRef"]?["uid"] == "u")
        #expect(pod?["containers"]?.arrayValue?.first?["memory"]?["workingSetBytes"]?.integerValue == 2000)
        #expect(second["node"]?["fs"]?["inodesUsed"]?.integerValue == 2)
    }

    @Test func twoWhoAskAtTheSameTimeAreBothToldOfATimeThatMeansSomething() throws {
        let harness = try Harness()
        harness.node.usageNow = usage(at: 10, cpu: 1_000_000_000)
        _ = try harness.get("/stats/summary")
        harness.node.usageNow = usage(at: 20, cpu: 2_000_000_000)
        let one = try JSONParser.parse(try harness.get("/stats/summary").body)
        let other = try JSONParser.parse(try harness.get("/stats/summary").body)
        #expect(one["node"]?["cpu"]?["usageNanoCores"]?.integerValue == 100_000_000)
        #expect(other["node"]?["cpu"]?["usageNanoCores"]?.integerValue == 100_000_000)
    }

    @Test func theAgentsMetricsCountPodsContainersAndStarts() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        harness.node.setPod("b", phase: "Pending")
        harness.node.countersNow.startedPods = 4
        harness.node.countersNow.startDuration.observe(0.007)
        harness.node.countersNow.startDuration.observe(9999)
        let text = try harness.get("/metrics").text
        #expect(text.contains("kubelet_node_name{node=\"node\"} 1\n"))
        #expect(text.contains("kubelet_running_pods 1\n"))
        #expect(text.contains("kubelet_started_pods_total 4\n"))
        #expect(text.contains("kubelet_pod_start_duration_seconds_bucket{le=\"0.005\"} 0\n"))
        #expect(text.contains("kubelet_pod_start_duration_seconds_bucket{le=\"0.01\"} 1\n"))
        #expect(text.contains("kubelet_pod_start_duration_seconds_bucket{le=\"+Inf\"} 2\n"))
        #expect(text.contains("kubelet_pod_start_duration_seconds_count 2\n"))
        #expect(try harness.get("/metrics/nothing").status == 404)
    }
}
