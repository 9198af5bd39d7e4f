import Base
import CLinux
import JSON

/// What the node has room for.
let admissionSuite = Suite("admission", freshNode: true) {
    [
        Test("a pod beyond maxPods or the node's CPUs fails with the kubelet's words, and begins when there is room") {
            node in
            try configure(node, "maxPods: 1")
            try node.drop("a.yaml", shellPod("a", hold, restart: "Always"))
            try node.waitReady("a")
            try node.drop("b.yaml", shellPod("b", hold, restart: "Always"))
            let pod = try node.waitPhase("b", "Failed")
            try expectEqual(pod.string("status.reason"), "OutOfpods", "reason")
            let message = "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1"
            try expectEqual(pod.string("status.message"), "Pod was rejected: " + message, "message")
            try expectEqual(try node.ok("why", "b", "-o", "name"), "node-full\n", "why")
            try expect(
                try node.events("b").contains {
                    $0.string("reason") == "OutOfpods" && $0.string("message") == message
                }, "no event says so")
            // An agent that comes anew keeps who runs, and judges the others again.
            try node.kill()
            try node.start()
            try node.waitReady("a")
            try node.waitPhase("b", "Failed")
            try node.remove("a.yaml")
            try node.waitReady("b")
            let greedy = "resources: {requests: {cpu: 1000000, memory: 1Mi}}"
            try configure(node, "maxPods: 10", restarts: false)
            try node.drop("c.yaml", shellPod("c", hold, container: greedy, restart: "Always"))
            let refused = try node.waitPhase("c", "Failed")
            try expectEqual(refused.string("status.reason"), "OutOfcpu", "reason")
            try expectContains(refused.string("status.message") ?? "", "cpu, requested: 1000000000, used: 0", "message")
        },
        Test("below the disk floor nothing is unpacked and nothing starts, and what runs goes on") { node in
            try node.drop("here.yaml", shellPod("here", hold, restart: "Always"))
            let before = try node.waitReady("here")
            try configure(node, "minimumFreeDisk: 1000Ti", restarts: false)
            try node.drop("more.yaml", shellPod("more", hold, restart: "Always"))
            try node.eventually("event FailedCreatePodSandBox", seconds: 10) {
                try node.events("more").contains {
                    $0.string("reason") == "FailedCreatePodSandBox"
                        && $0.string("message")?.contains("minimumFreeDisk") == true
                }
            }
            try expectEqual(try node.ok("why", "more", "-o", "name"), "node-disk-full\n", "why")
            let load = try node.swiftlet("image", "load", "\(node.machine.images)/users.tar")
            try expect(load.status != 0, "an image is unpacked")
            try expectContains(load.errors, "minimumFreeDisk", "what image load says")
            let rootImport = try node.swiftlet(
                "image", "import", "\(node.machine.images)/users.tar", "example.com/root:1")
            try expect(rootImport.status != 0, "a root file system is unpacked")
            try expectContains(rootImport.errors, "minimumFreeDisk", "what image import says")
            let after = try node.waitReady("here")
            try expectEqual(
                after.container()?.string("containerID"), before.container()?.string("containerID"), "what runs")
            try configure(node, "minimumFreeDisk: 0")
            try node.waitReady("more", seconds: 30)
            try node.ok("image", "load", "\(node.machine.images)/users.tar")
        },
    ]
}
