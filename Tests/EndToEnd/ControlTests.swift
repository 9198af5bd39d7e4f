import Base
import CLinux
import JSON

/// Pods that the operator stops, starts and restarts.
let controlSuite = Suite("stop, start, restart", freshNode: true) {
    [
        Test("a stopped pod stays stopped over a kill of the agent, and starts when it is told to") { node in
            try node.drop("held.yaml", shellPod("held", "echo run; " + hold, restart: "Always"))
            let before = try node.waitReady("held").string("metadata.uid")
            try expectEqual(try node.ok("stop", "held"), "pod/held stopped\n", "stop")
            try expectEqual(try node.processes("held"), [], "processes of a stopped pod")
            try expectContains(try node.ok("get", "pods"), "Stopped", "get pods")
            try expectEqual(try node.ok("why", "held", "-o", "name"), "stopped\n", "why")
            try node.kill()
            try node.start()
            try node.wait("held", "taken up and stopped") {
                $0.container()?.string("state.waiting.reason") == "Stopped"
            }
            try expectEqual(try node.processes("held"), [], "processes after the agent's restart")
            try expectEqual(try node.ok("start", "held"), "pod/held started\n", "start")
            let after = try node.waitReady("held")
            try expectEqual(after.string("metadata.uid"), before, "the instance")
            try expectEqual(after.container()?.integer("restartCount"), 1, "restart count")
        },
        Test("a stopped pod stays stopped when the agent is drained and started, as at a reboot") { node in
            try node.drop("asleep.yaml", shellPod("asleep", hold, restart: "Always"))
            try node.waitReady("asleep")
            try node.ok("stop", "asleep")
            // The agent's end without a drain, then the end of all that ran, as a power cut leaves it.
            try node.kill()
            killCgroups(node.cgroup)
            try node.start()
            try node.wait("asleep", "stopped in a new sandbox") {
                $0.container()?.string("state.waiting.reason") == "Stopped"
                    && ($0.at("status.conditions")?.arrayValue ?? []).contains {
                        $0.string("type") == "PodReadyToStartContainers" && $0.string("status") == "True"
                    }
            }
            // Nothing of the container was made: there is not even a cgroup of it.
            try expectEqual((try? node.processes("asleep")) ?? [], [], "processes")
            try node.ok("start", "asleep")
            try node.waitReady("asleep")
        },
        Test("a container that must be killed runs again, also where processes are shared") { node in
            // The shell's child outlives it where it is not the first process of a namespace.
            let script = "trap '' TERM; sleep 4243 & while true; do sleep 1; done"
            for share in [false, true] {
                let name = "deaf\(share)"
                try node.drop(
                    "\(name).yaml",
                    shellPod(name, script, spec: "shareProcessNamespace: \(share)", restart: "Always"))
                try node.waitReady(name)
                try node.ok("restart", try node.fullName(name), "--grace-period", "1")
                let again = try node.wait(name, "runs again") {
                    $0.container()?.integer("restartCount") == 1 && $0.container()?.at("state.running") != nil
                }
                try expectEqual(again.container()?.integer("lastState.terminated.exitCode"), 137, "exit code")
            }
        },
        Test("one container is restarted while the other goes on") { node in
            let manifest = podManifest(
                "pair", "containers:\n" + shellContainer("main", hold) + shellContainer("side", hold))
            try node.drop("pair.yaml", manifest)
            try node.waitReady("pair")
            let side = try node.processes("pair", "side")
            try node.ok("restart", "pair", "-c", "main")
            try node.wait("pair", "main runs again") {
                $0.container("main")?.integer("restartCount") == 1
                    && $0.container("main")?.at("ready")?.boolValue == true
            }
            try expectEqual(try node.processes("pair", "side").first, side.first, "the other's process")
            try node.ok("stop", "pair", "-c", "side")
            let pod = try node.pod("pair")
            try expect(pod?.container("main")?.at("state.running") != nil, "main was stopped too")
            // A manifest that goes ends a pod that is half stopped.
            try node.ok("delete", "pod", try node.fullName("pair"))
        },
        Test("a pod that has ended is run once more") { node in
            try node.drop("once.yaml", shellPod("once", "echo done"))
            let before = try node.waitPhase("once", "Succeeded").string("metadata.uid")
            try expect(try node.swiftlet("stop", "once").status == 1, "a pod that has ended was stopped")
            try node.ok("restart", "once")
            try node.wait("once", "another instance has ended") {
                $0.string("metadata.uid") != before && $0.string("status.phase") == "Succeeded"
            }
        },
    ]
}
