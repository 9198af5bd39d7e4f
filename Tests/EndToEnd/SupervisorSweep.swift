import Base
import CLinux
import JSON

/// Kills supervisors at any moment. What they ran is killed with them, reported as the kubelet reports what it cannot
/// find, and started again by the pod's policy, with the same port of the host. A pod beside goes on.
struct SupervisorSweep {
    private let node: Node
    private let bystander: Bystander
    private let empty: Snapshot
    private static let port: UInt16 = 8110

    init(_ node: Node) throws {
        self.node = node
        bystander = try Bystander(node)
        // What the first pod of a node leaves for all (a compiled seccomp program) is not the pods'.
        try node.drop("victim.yaml", Self.manifest)
        try node.waitReady("victim")
        try Self.remove(node)
        empty = try Snapshot(node)
    }

    /// A container that serves its name, and ends with exit code 7 when /tmp/go is made.
    static let manifest = shellPod(
        "victim",
        "mkdir /tmp/w; echo victim > /tmp/w/index.html; httpd -p 80 -h /tmp/w; "
            + "until test -e /tmp/go; do sleep 0.05; done; exit 7",
        container: "ports: [{containerPort: 80, hostPort: \(port)}]", restart: "Always")

    private static func remove(_ node: Node) throws {
        try node.remove("victim.yaml")
        try node.waitGone("victim", seconds: 40)
    }

    /// What a supervisor does in a pod's life: an exec, the end of a container, the start of the next.
    private func live() throws {
        _ = try? node.exec("victim", "echo in")
        _ = try? node.exec("victim", "touch /tmp/go")
        try node.wait("victim", "started again", seconds: 40) {
            ($0.container()?.integer("restartCount") ?? 0) >= 1 && $0.container()?.at("state.running") != nil
        }
    }

    /// The calls that a supervisor makes in its life.
    func moments() throws -> SweepMoments {
        try node.drop("victim.yaml", Self.manifest)
        let supervisor = try supervisorPID(node, try node.waitReady("victim"))
        let strace = try Strace(supervisor, node, follows: false, ["-e", "trace=\(CrashSweep.calls)"])
        try live()
        let moments = SweepMoments(strace.output)
        try strace.detach()
        try Self.remove(node)
        return moments
    }

    /// Kills the supervisor at one of its calls.
    func kill(at moment: SweepMoment) throws {
        do {
            try node.drop("victim.yaml", Self.manifest)
            let before = try node.waitReady("victim")
            let supervisor = try supervisorPID(node, before)
            let strace = try Strace(supervisor, node, follows: false, moment.strace("signal=KILL"))
            try live()
            // From here on it is not killed any more; it may have been a moment ago, which is not known yet.
            try strace.detach()
            var (pod, now) = (JSONValue.null, pid_t(0))
            try node.eventually("the pod has a supervisor", seconds: 40) {
                pod = try node.waitReady("victim", seconds: 40)
                now = (try? supervisorPID(node, pod)) ?? 0
                return now != 0
            }
            if now != supervisor {
                let last = pod.container()?.at("lastState.terminated") ?? .null
                // Either it had ended before, or it was killed with its supervisor.
                let isKnown = last.integer("exitCode") == 7 && last.string("reason") == "Error"
                let isLost = last.integer("exitCode") == 137 && last.string("reason") == "ContainerStatusUnknown"
                try expect(isKnown || isLost, "the run before is said to have ended so: \(last)")
                try expect(try node.eventReasons("victim").contains("SupervisorLost"), "no event SupervisorLost")
            }
            try expectEqual(try node.exec("victim", "echo in").output, "in\n", "exec afterwards")
            try checkOneRun()
            try removed()
        } catch {
            throw Failure("supervisor killed at \(moment): \(error)")
        }
    }

    /// Kills the supervisor some time after its pod was dropped.
    func kill(afterMilliseconds time: Int32) throws {
        do {
            try node.drop("victim.yaml", Self.manifest)
            pause(milliseconds: time)
            for process in LeakCount.processes()
            where process.command.contains("swiftlet-pod") && process.command.contains(node.root)
                && !process.command.contains(bystander.uid)
            {
                _ = CLinux.kill(process.pid, SIGKILL)
            }
            // Ready may still be said of the pod before.
            try node.eventually("the pod can be entered", seconds: 40) {
                _ = try node.waitReady("victim", seconds: 40)
                return try node.exec("victim", "echo in").output == "in\n"
            }
            try checkOneRun()
            try removed()
        } catch {
            throw Failure("supervisor killed \(time) ms after the manifest: \(error)")
        }
    }

    private func checkOneRun() throws {
        // A shell that forks is two for a moment.
        try node.eventually("one shell is in the container", seconds: 10) {
            try node.processes("victim").count {
                ((try? Files.read("/proc/\($0)/cmdline")) ?? []).starts(with: Array("/bin/sh".utf8))
            } == 1
        }
        try node.eventually("it is reached by hostPort", seconds: 10) {
            (try? HTTPPeer.fetch("127.0.0.1", Self.port)) == "victim"
        }
    }

    private func removed() throws {
        try Self.remove(node)
        try empty.expectAgain(node)
        try bystander.expectUnchanged("though another pod's supervisor was killed")
    }
}
