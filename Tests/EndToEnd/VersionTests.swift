import Base
import CLinux
import JSON

/// Old and new: an agent and supervisors, or an agent and files, of different versions.
let versionSuite = Suite("versions", freshNode: true) {
    [
        Test("an agent works with the running supervisors of the version before and after", needs: .nextVersion) {
            node in
            let next = node.machine.nextPrograms
            // Supervisors of this version under the next agent ...
            try node.drop("old.yaml", versionPod("old"))
            let old = try Fingerprint(node, "old")
            try node.kill()
            try node.start(.init(programs: next))
            try old.expectUnchanged(node, "old", "under the next agent")
            try expectContains(
                node.agentLog(), "protocol next: version 1 answers unsupported", "a request that was not known")
            try node.drop("new.yaml", versionPod("new"))
            let new = try Fingerprint(node, "new")
            try expectContains(node.agentLog(), "protocol next: version 2 answers done", "a request that is known")
            try everythingWorks(node, "old", log: "old")
            // ... and supervisors of the next version under this agent.
            try node.kill()
            try node.start()
            try new.expectUnchanged(node, "new", "under the agent before")
            try everythingWorks(node, "new", log: "new")
            try expectEqual(try node.exec("old", "exit 6").status, 6, "an exec in the pod that saw both")
            try node.remove("old.yaml")
            try node.remove("new.yaml")
            try node.waitGone("old")
            try node.waitGone("new")
            // And once more the other way: the next agent ends what this one's supervisors run.
            try node.drop("last.yaml", versionPod("last"))
            try node.waitReady("last")
            try node.kill()
            try node.start(.init(programs: next))
            try node.waitReady("last")
            try node.remove("last.yaml")
            try node.waitGone("last")
        },
        Test("what a newer agent wrote is not touched by an older one, and not run a second time") { node in
            try node.drop("kept.yaml", shellPod("kept", counter, restart: "Always"))
            try node.drop("other.yaml", shellPod("other", hold, restart: "Always"))
            let kept = try Fingerprint(node, "kept")
            let other = try Fingerprint(node, "other")
            let record = "\(node.root)/var/lib/swiftlet/state/pods/\(kept.uid).json"
            try node.kill()
            let written = try text(record)
            try expectContains(written, "\"schema\":1,", "the record")
            try Files.replace(
                record, with: written.replacing("\"schema\":1,", with: "\"schema\":99,").utf8, durable: false)
            try node.start()
            try other.expectUnchanged(node, "other", "beside a record of a newer agent")
            try expect(try node.pod("kept") == nil, "the older agent shows a pod that it cannot know")
            try expectContains(try node.ok("status"), "schema 99 is newer than 1", "status")
            try expectContains(try node.ok("status"), "default/kept", "status")
            try expect(CLinux.kill(kept.process, 0) == 0, "the pod was ended")
            let supervisors = LeakCount.processes().filter {
                $0.command.contains("swiftlet-pod") && $0.command.contains(node.root)
            }
            try expectEqual(supervisors.count, 2, "supervisors")
            try node.ok("drain")
            try expect(CLinux.kill(kept.process, 0) == 0, "the pod was drained by an agent that cannot know it")
            try node.kill()
            try Files.replace(record, with: written.utf8, durable: false)
            try node.start()
            try kept.expectUnchanged(node, "kept", "under the agent that knows it")
            try expectCounting(node, "kept", "after all")
        },
    ]
}

/// A pod whose container ends with exit code 7 when /tmp/go is made in it, and is restarted.
private func versionPod(_ name: String) -> String {
    let script = "echo \(name) speaks; until test -e /tmp/go; do echo waiting; sleep 0.1; done; exit 7"
    return shellPod(name, script, restart: "Always")
}

/// Exec, logs, the end of a container with its exit code, and the start of the next attempt.
private func everythingWorks(_ node: Node, _ name: String, log: String) throws {
    try expectContains(try node.logs(name), "\(log) speaks", "log of \(name)")
    let exec = try node.exec(name, "echo in; echo out >&2; exit 3")
    try expect(exec.output == "in\n" && exec.errors.contains("out") && exec.status == 3, "exec in \(name): \(exec)")
    let attached = try node.terminal("attach", try node.fullName(name))
    try node.see(attached, "waiting\r\n")
    try expectEqual(try node.exec(name, "touch /tmp/go").status, 0, "touch in \(name)")
    try expectEqual(try node.exitCode(attached), 7, "exit code of who is attached to \(name)")
    let pod = try node.wait(name, "started again", seconds: 30) {
        $0.container()?.integer("restartCount") == 1 && $0.container()?.at("state.running") != nil
    }
    try expectEqual(pod.container()?.integer("lastState.terminated.exitCode") ?? -1, 7, "exit code of \(name)")
}
