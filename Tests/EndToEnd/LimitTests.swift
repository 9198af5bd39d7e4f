import Base
import JSON

let limitSuite = Suite("limits", isOfKernel: true) {
    [
        Test("limits and requests stand in the kernel", needs: .limits) { node in
            let extra = """
                resources:
                  requests: {cpu: 250m, memory: 16Mi}
                  limits: {cpu: 500m, memory: 64Mi}
                """
            try node.drop("limits.yaml", shellPod("limits", hold, container: extra, restart: "Always"))
            try node.waitReady("limits")
            let folder = try node.containerCgroup("limits")
            try expectEqual(try Files.readText("\(folder)/memory.max"), "67108864", "memory.max")
            try expectEqual(try Files.readText("\(folder)/cpu.max"), "50000 100000", "cpu.max")
            // 250m are 256 shares, as the kubelet computes; runc's formula makes that a weight.
            let weight = Int(try Files.readText("\(folder)/cpu.weight")) ?? 0
            try expect((9...40).contains(weight), "cpu.weight is \(weight)")
            let pod = try node.podCgroup("limits")
            try expectContains(pod, "/burstable/", "the pod's cgroup")
            try expectEqual(try Files.readText("\(pod)/memory.max"), "67108864", "the pod's memory.max")
            try expectEqual(try Files.readText("\(pod)/cpu.max"), "50000 100000", "the pod's cpu.max")
            let again = try node.pod("limits")
            try expectEqual(again?.string("status.qosClass") ?? "", "Burstable", "qosClass")
        },
        Test("the QoS class decides the place in the tree", needs: .limits) { node in
            let guaranteed = "resources: {limits: {cpu: 100m, memory: 16Mi}}"
            try node.drop("sure.yaml", shellPod("sure", hold, container: guaranteed, restart: "Always"))
            try node.drop("effort.yaml", shellPod("effort", hold, restart: "Always"))
            try expectEqual(
                try node.waitReady("sure").string("status.qosClass") ?? "", "Guaranteed", "class with limits only")
            try expectEqual(
                try node.waitReady("effort").string("status.qosClass") ?? "", "BestEffort", "class without resources")
            try expectContains(try node.podCgroup("effort"), "/besteffort/", "cgroup of a BestEffort pod")
            let path = try node.podCgroup("sure")
            try expect(!path.contains("besteffort") && !path.contains("burstable"), "Guaranteed pod at \(path)")
        },
        Test("a container over its memory limit is OOMKilled and started again", needs: .limits) { node in
            let script = "dd if=/dev/zero of=/dev/null bs=96M count=1; echo survived"
            let extra = "resources: {limits: {memory: 24Mi}}"
            try node.drop("oom.yaml", shellPod("oom", script, container: extra, restart: "Always"))
            let pod = try node.wait("oom", "OOMKilled and restarted", seconds: 20) {
                let status = $0.container()
                return (status?.integer("restartCount") ?? 0) >= 1
                    && status?.string("lastState.terminated.reason") == "OOMKilled"
            }
            try expectEqual(
                pod.container()?.integer("lastState.terminated.exitCode") ?? 0, 137, "exit code")
            try expect(!(try node.logs("oom").contains("survived")), "the container survived")
        },
        Test("all processes of a container die in its OOM", needs: .limits) { node in
            let script = "sleep 1000 & dd if=/dev/zero of=/dev/null bs=96M count=1; sleep 1000"
            let extra = "resources: {limits: {memory: 24Mi}}"
            try node.drop("group.yaml", shellPod("group", script, container: extra))
            let pod = try node.waitPhase("group", "Failed")
            try expectEqual(pod.container()?.string("state.terminated.reason") ?? "", "OOMKilled", "reason")
        },
        Test("a container over its CPU limit is throttled", needs: .limits) { node in
            let extra = "resources: {limits: {cpu: 100m, memory: 16Mi}}"
            try node.drop("spin.yaml", shellPod("spin", "while true; do :; done", container: extra, restart: "Always"))
            try node.waitReady("spin")
            let file = "\(try node.containerCgroup("spin"))/cpu.stat"
            try node.eventually("nr_throttled grows", seconds: 10) { try keyed(file, "nr_throttled") > 3 }
            // What it gets is the limit, not more: usage over two seconds.
            let start = (try keyed(file, "usage_usec"), BootInstant.now)
            pause(milliseconds: 2000)
            let used = try keyed(file, "usage_usec") - start.0
            let elapsed = (BootInstant.now - start.1).count / 1000
            try expect(used * 100 / elapsed < 15, "used \(used) of \(elapsed) µs with a limit of a tenth")
        },
        Test("a fork bomb stops at pids.max and the machine goes on", needs: .limits) { node in
            let bomb = "b() { b | b & }; b; sleep 1000"
            try node.drop("bomb.yaml", shellPod("bomb", bomb, restart: "Always"))
            try node.wait("bomb", "started") { $0.string("status.phase") == "Running" }
            let pod = try node.podCgroup("bomb")
            let limit = try Files.readText("\(pod)/pids.max")
            try expect(Int(limit) != nil, "pids.max of the pod is \(limit)")
            try node.eventually("the limit is hit", seconds: 30) { try keyed("\(pod)/pids.events", "max") > 0 }
            try expect(
                (Int(try Files.readText("\(pod)/pids.current")) ?? 0) <= (Int(limit) ?? 0), "more pids than allowed")
            try node.ok("get", "pods")
            try node.remove("bomb.yaml")
            try node.waitGone("bomb", seconds: 20)
        },
        Test("where limits cannot be enforced the pod says so") { node in
            if node.machine.enforcesLimits { return }
            let extra = "resources: {limits: {cpu: 100m, memory: 16Mi}}"
            try node.drop("unforced.yaml", shellPod("unforced", hold, container: extra, restart: "Always"))
            try node.waitReady("unforced")
            try expect(try node.eventReasons("unforced").contains("LimitsNotEnforced"), "no event LimitsNotEnforced")
            try node.drop("free.yaml", shellPod("free", hold, restart: "Always"))
            try node.waitReady("free")
            try expect(
                !(try node.eventReasons("free").contains("LimitsNotEnforced")), "an event for a pod without limits")
        },
    ]
}
