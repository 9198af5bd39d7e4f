import Base
import JSON

let metricsSuite = Suite("metrics") {
    [
        Test("all metrics are as Prometheus reads them", needs: .promtool) { node in
            try node.drop("counted.yaml", shellPod("counted", hold, restart: "Always"))
            try node.waitReady("counted")
            for path in ["/metrics", "/metrics/resource", "/metrics/cadvisor"] {
                let text = try node.get(path)
                let verdict = try run(
                    "/usr/bin/promtool", ["check", "metrics"], input: Array(text.utf8), timeout: .seconds(60))
                try expect(verdict.status == 0, "\(path): \(verdict.errors)\(verdict.output)")
            }
        },
        Test("what was started, and what could not be, is counted once each") { node in
            func counter(_ name: String) throws -> Int {
                let line = try node.get("/metrics").split(separator: "\n").first {
                    $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{container_type=\"container\"}")
                }
                return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
            }
            let (started, failed) = ("kubelet_started_containers_total", "kubelet_started_containers_errors_total")
            let before = (try counter(started), try counter(failed))
            try node.drop("counted-up.yaml", shellPod("counted-up", hold, restart: "Always"))
            try node.waitReady("counted-up")
            let after = try counter(started)
            try expect(after == before.0 + 1, "started: \(before.0), then \(after)")
            try node.drop(
                "no-image.yaml",
                shellPod("no-image", hold, restart: "Never").replacing("image: ", with: "image: localhost/none/"))
            try node.eventually("the failure is counted", seconds: 20) { try counter(failed) == before.1 + 1 }
        },
        Test("a pod's CPU use is counted, and told as a rate") { node in
            try node.drop("busy.yaml", shellPod("busy", "while :; do :; done", restart: "Always"))
            try node.waitReady("busy")
            var last = 0.0
            try node.eventually("the counter of the pod rises", seconds: 20) {
                let lines = try node.get("/metrics/resource").split(separator: "\n")
                let sample = lines.first {
                    $0.hasPrefix("container_cpu_usage_seconds_total{") && $0.contains("pod=\"busy\"")
                }
                let value = sample?.split(separator: " ").last.flatMap { Double($0) } ?? 0
                defer { last = value }
                return last > 0 && value > last
            }
            _ = try node.get("/stats/summary")
            try node.eventually("the summary has a rate", seconds: 20) {
                let summary = try JSONParser.parse(Array(try node.get("/stats/summary").utf8))
                let pods = summary["pods"]?.arrayValue ?? []
                let pod = pods.first { $0["podRef"]?.string("name") == "busy" }
                return pod?["cpu"]?["usageNanoCores"]?.integerValue ?? 0 > 1_000_000
            }
            let line = try node.ok("top", "pods", "busy", "--no-headers")
            try expect(line.hasPrefix("busy") && !line.contains(" 0m "), "top: \(line)")
        },
        Test("the summary tells what containers have written") { node in
            let script =
                "head -c 3000000 /dev/zero >/big; head -c 2000000 /dev/zero >/v/big; echo said; touch /v/done; sleep 1000"
            try node.drop(
                "writer.yaml",
                shellPod(
                    "writer", script, container: "volumeMounts: [{name: v, mountPath: /v}]",
                    spec: "volumes: [{name: v, emptyDir: {}}]", restart: "Always"))
            try node.waitReady("writer")
            try node.eventually("it has written", seconds: 10) {
                try node.exec("writer", "test -e /v/done").status == 0
            }
            let summary = try JSONParser.parse(Array(try node.get("/stats/summary").utf8))
            let pod = summary["pods"]?.arrayValue?.first { $0["podRef"]?.string("name") == "writer" }
            let container = pod?["containers"]?.arrayValue?.first
            func used(_ value: JSONValue?) -> Int64 { value?["usedBytes"]?.integerValue ?? -1 }
            try expect((3_000_000..<3_200_000).contains(used(container?["rootfs"])), "rootfs: \(summary)")
            try expect((1..<100_000).contains(used(container?["logs"])), "logs: \(summary)")
            let volume = pod?["volume"]?.arrayValue?.first
            try expect(
                volume?.string("name") == "v" && (2_000_000..<2_200_000).contains(used(volume)), "volume: \(summary)")
            try expect(used(pod?["ephemeral-storage"]) > 5_000_000, "ephemeral-storage: \(summary)")
        },
        Test("memory is told as the cgroup counts it", needs: .limits) { node in
            try node.drop("held.yaml", shellPod("held", hold, restart: "Always"))
            try node.waitReady("held")
            let summary = try JSONParser.parse(Array(try node.get("/stats/summary").utf8))
            let pod = summary["pods"]?.arrayValue?.first { $0["podRef"]?.string("name") == "held" }
            let memory = pod?["containers"]?.arrayValue?.first?["memory"]
            let workingSet = memory?["workingSetBytes"]?.integerValue ?? 0
            try expect(workingSet > 0 && workingSet < 64 << 20, "workingSetBytes: \(workingSet)")
        },
    ]
}

extension Node {
    /// What the node's API answers on `path`, asked by curl.
    func get(_ path: String) throws -> String {
        let socket = "\(root)/run/swiftlet/swiftlet.sock"
        let answer = try run(
            "/usr/bin/curl", ["-sS", "--fail", "--unix-socket", socket, "http://node\(path)"], timeout: .seconds(60))
        try expect(answer.status == 0, "GET \(path): \(answer.errors)")
        return answer.output
    }
}
