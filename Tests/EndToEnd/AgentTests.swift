import Base
import CLinux
import JSON

let agentSuite = Suite("agent", freshNode: true) {
    [
        Test("pods go on when the agent is killed, and the next agent takes them over") { node in
            try node.drop(
                "steady.yaml", shellPod("steady", "while true; do date +%s; sleep 0.2; done", restart: "Always"))
            let before = try node.waitReady("steady")
            let pid = try node.processes("steady").first
            let log = try logFile(node, "steady")
            try node.kill()
            let size = try Files.read(log).count
            pause(milliseconds: Int32(500 * node.machine.scale))
            try expect(try Files.read(log).count > size, "the log did not grow without the agent")
            try node.start()
            let after = try node.waitReady("steady")
            try expectEqual(try node.processes("steady").first, pid, "pid")
            try expectEqual(
                after.string("metadata.uid") ?? "", before.string("metadata.uid") ?? "none", "the pod's uid")
            try expectEqual(after.container()?.integer("restartCount") ?? -1, 0, "restarts")
        },
        Test("what ended while the agent was away is reported with its exit code") { node in
            try node.drop(
                "away.yaml",
                shellPod(
                    "away", "until test -e /out/go; do sleep 0.1; done; exit 9",
                    container: mountOut, spec: outVolume(node)))
            try node.waitReady("away")
            try node.kill()
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            pause(milliseconds: Int32(500 * node.machine.scale))
            try node.start()
            let pod = try node.waitPhase("away", "Failed")
            try expectEqual(pod.container()?.integer("state.terminated.exitCode") ?? -1, 9, "exit code")
        },
        Test("a pod that was being ended when agent and supervisor were killed does not run again") { node in
            try node.drop(
                "ending.yaml",
                shellPod(
                    "ending", "echo run >> /out/runs; trap '' TERM; while true; do sleep 1; done",
                    container: mountOut, spec: outVolume(node) + "\nterminationGracePeriodSeconds: 30",
                    restart: "Always"))
            let pod = try node.waitReady("ending")
            let supervisor = try supervisorPID(node, pod)
            try node.remove("ending.yaml")
            try node.eventually("it is being ended", seconds: 10) {
                try node.eventReasons("ending").contains("Killing")
            }
            try node.eventually("that is on record", seconds: 10) {
                try text("\(node.root)/var/lib/swiftlet/state/pods/\(pod.string("metadata.uid") ?? "").json")
                    .contains("\"ending\":true")
            }
            try node.kill()
            guard CLinux.kill(supervisor, SIGKILL) == 0 else { throw SystemError("kill", "\(supervisor)") }
            try node.start()
            try node.waitGone("ending")
            try expectEqual(try text("\(node.root)/out/runs"), "run\n", "runs")
        },
        Test("a pod whose manifest went while the agent was away is ended") { node in
            try node.drop("gone.yaml", shellPod("gone", hold, restart: "Always"))
            try node.waitReady("gone")
            try node.kill()
            try node.remove("gone.yaml")
            try node.start()
            try node.waitGone("gone")
        },
        Test("drain ends all pods and leaves nothing") { node in
            for index in 0..<3 {
                try node.drop("d\(index).yaml", shellPod("d\(index)", hold, restart: "Always"))
            }
            for index in 0..<3 { try node.waitReady("d\(index)") }
            try node.ok("drain")
            try node.eventually("no supervisor is left", seconds: 10) {
                LeakCount.processes().allSatisfy {
                    !($0.command.contains("swiftlet-pod") && $0.command.contains(node.root))
                }
            }
            try expect(
                findFolder(in: node.cgroup, containing: "pod") == nil
                    || (try Files.readText("\(node.cgroup)/cgroup.events")).contains("populated"), "cgroups")
        },
        Test("a node that drains while its pods are being made leaves nothing of them") { node in
            for index in 0..<12 {
                try node.drop("early\(index).yaml", shellPod("early\(index)", hold, restart: "Always"))
            }
            try node.ok("drain")
            try expectEqual(try node.ok("get", "pods", "-o", "name"), "", "pods after the drain")
            for folder in ["/var/lib/swiftlet/pods", "/run/swiftlet/pods", "/run/swiftlet/mounts"] {
                try expectEqual(try Files.list(node.root + folder), [], "what is left in \(folder)")
            }
        },
        Test("thirty pods come and go at once and nothing is left", needs: .limits) { node in
            let count = 30
            for index in 0..<count { try node.drop("m\(index).yaml", shellPod("m\(index)", hold, restart: "Always")) }
            try node.eventually("all are running", seconds: 60) {
                let pods = try node.pods()
                return pods.count == count && pods.allSatisfy { $0.string("status.phase") == "Running" }
            }
            try node.removeAllPods()
            try expect(
                findFolder(in: node.cgroup, containing: "pod") == nil
                    || findFolder(in: "\(node.cgroup)/kubepods/besteffort", containing: "pod") == nil,
                "a cgroup is left")
            try expectEqual(try Files.list("\(node.root)/run/swiftlet/pods"), [], "folders of pods in /run")
            try expectEqual(try Files.list("\(node.root)/var/lib/swiftlet/pods"), [], "folders of pods")
        },
        Test("the agent at rest does nothing: no thread of it wakes up, and nothing is written") { node in
            for index in 0..<3 {
                try node.drop("rest\(index).yaml", shellPod("rest\(index)", hold, restart: "Always"))
            }
            for index in 0..<3 { try node.waitReady("rest\(index)") }
            // The last of what belongs to the start is done some time later: memory is given back.
            try node.eventually("it is at rest", seconds: 60) {
                let before = try activity(of: node.agentPID)
                pause(milliseconds: 3000)
                return try activity(of: node.agentPID) == before
            }
        },
        Test("the preflight passes where the agent runs") { node in
            var arguments = ["--root", node.root, "--cgroup-root", node.cgroupPath, "--check"]
            if !node.machine.enforcesLimits { arguments.append("--limits=unenforced") }
            let result = try run(
                "\(node.machine.programs)/swiftletd", arguments, timeout: .seconds(10 * node.machine.scale))
            try expectEqual(result.status, 0, "status of --check (\(result.output)\(result.errors))")
        },
    ]
}

/// How often the threads of a process went to sleep, and what it has sent to the disk.
private func activity(of pid: pid_t) throws -> [String] {
    var found: [String] = []
    for thread in try Files.list("/proc/\(pid)/task") {
        let lines = try Files.readText("/proc/\(pid)/task/\(thread)/status").split(separator: "\n")
        found += lines.filter { $0.hasPrefix("Name:") || $0.hasPrefix("voluntary_ctxt_switches:") }.map(String.init)
    }
    let written = try Files.readText("/proc/\(pid)/io").split(separator: "\n").filter { $0.hasPrefix("write_bytes:") }
    return found + written.map(String.init)
}
