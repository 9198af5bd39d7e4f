import Base
import CLinux
import JSON

/// Supervisors that live and cannot be spoken with: what they run goes on.
let reconnectSuite = Suite("reconnect", freshNode: true) {
    [
        Test(
            "a connection that breaks is made again, and what ended meanwhile is reported as it was", needs: .strace
        ) { node in
            let script = "if test -e /out/go; then \(hold); fi; until test -e /out/go; do sleep 0.05; done; exit 7"
            let spec =
                "restartPolicy: Always\n" + outVolume(node) + "\ncontainers:\n" + shellContainer("beside", hold)
                + shellContainer("main", script, mountOut)
            try node.drop("torn.yaml", podManifest("torn", spec))
            let before = try Fingerprint(node, "torn", container: "beside")
            // The agent receives with recvfrom(2) from supervisors only.
            let strace = try Strace(
                node.agentPID, node, follows: true,
                ["-e", "trace=recvfrom", "-e", "inject=recvfrom:error=ECONNRESET:when=1"])
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            let after = try node.wait("torn", "restarted", seconds: 30) {
                $0.container()?.integer("restartCount") == 1 && $0.container()?.at("state.running") != nil
            }
            try expectContains(strace.output, "(INJECTED)", "strace")
            try strace.detach()
            let end = after.container()?.at("lastState.terminated") ?? .null
            try expectEqual(end.integer("exitCode") ?? -1, 7, "exit code")
            try expectEqual(end.string("reason"), "Error", "reason")
            try before.expectUnchanged(node, "torn", "after its connection broke", container: "beside")
            let reasons = try node.eventReasons("torn")
            try expect(reasons.contains("SupervisorUnreachable"), "no event SupervisorUnreachable: \(reasons)")
            try expect(!reasons.contains("SupervisorLost"), "the supervisor is said to be lost")
            try expectEqual(try node.exec("torn", "echo here").output, "here\n", "an exec in the pod")
        },
        Test("a supervisor that does not answer keeps its pod running, and holds its end up only for a while") { node in
            try node.drop("mute.yaml", shellPod("mute", counter, restart: "Always"))
            let before = try Fingerprint(node, "mute")
            let supervisor = try supervisorPID(node, try node.pod("mute") ?? .null)
            func stop() throws {
                guard CLinux.kill(supervisor, SIGSTOP) == 0 else { throw SystemError("stop", "\(supervisor)") }
            }
            try stop()
            defer { _ = CLinux.kill(supervisor, SIGCONT) }
            try node.kill()
            try node.start()
            try node.eventually("the event", seconds: 30) {
                try node.eventReasons("mute").contains("SupervisorUnreachable")
            }
            try expectContains(try node.ok("status"), "the supervisor has not answered", "status")
            try before.expectUnchanged(node, "mute", "without its supervisor")
            _ = CLinux.kill(supervisor, SIGCONT)
            try node.eventually("it is taken up again", seconds: 30) {
                try !node.ok("status").contains("the supervisor has not answered")
            }
            try before.expectUnchanged(node, "mute", "when its supervisor goes on")
            try expectCounting(node, "mute", "when its supervisor goes on")
            try stop()
            try node.remove("mute.yaml")
            try node.waitGone("mute", seconds: 40)
            // One that is dead and not yet reaped has no command line any more.
            try node.eventually("its process has ended", seconds: 10) {
                (try? Files.read("/proc/\(before.process)/cmdline"))?.isEmpty ?? true
            }
        },
        Test("a supervisor that speaks another language is left alone until it can be spoken with") { node in
            try node.drop("old.yaml", shellPod("old", counter, restart: "Always"))
            try node.drop("other.yaml", shellPod("other", hold, restart: "Always"))
            let before = try Fingerprint(node, "old")
            let other = try Fingerprint(node, "other")
            try node.kill()
            for (way, words) in [
                ("tomorrow", "speaks protocol versions 98 to 99, this agent"),
                ("garbage", "does not speak the protocol"),
            ] {
                let fake = try FakeSupervisor(node, before.uid, way)
                try node.start()
                try node.eventually("the event", seconds: 20) {
                    try node.events("old").contains {
                        $0.string("reason") == "SupervisorUnreachable" && $0.string("message")?.contains(words) == true
                    }
                }
                try expectContains(try node.ok("status"), words, "status")
                try before.expectUnchanged(node, "old", "under an agent that hears \(way)")
                try other.expectUnchanged(node, "other", "beside it")
                try node.kill()
                try fake.end()
            }
            try node.start()
            try before.expectUnchanged(node, "old", "under the agent that knows it")
            try expectCounting(node, "old", "after all")
            try node.eventually("it can be entered", seconds: 10) {
                try node.exec("old", "echo here").output == "here\n"
            }
        },
        Test("a supervisor whose socket somebody took away is not taken for dead") { node in
            try node.drop("deaf.yaml", shellPod("deaf", counter, restart: "Always"))
            let before = try Fingerprint(node, "deaf")
            try node.kill()
            let socket = "\(node.root)/run/swiftlet/pods/\(before.uid)/supervisor.sock"
            guard rename(socket, socket + ".away") == 0 else { throw SystemError("rename", socket) }
            try node.start()
            try node.eventually("the event", seconds: 20) {
                try node.eventReasons("deaf").contains("SupervisorUnreachable")
            }
            guard rename(socket + ".away", socket) == 0 else { throw SystemError("rename", socket) }
            try node.eventually("it can be entered", seconds: 40) {
                try node.exec("deaf", "echo here").output == "here\n"
            }
            try before.expectUnchanged(node, "deaf", "when its socket is there again")
            try expectCounting(node, "deaf", "after all")
        },
    ]
}

/// A process in a supervisor's cgroup that listens in its place and speaks another language. The supervisor lives on.
struct FakeSupervisor {
    private let process: ChildProcess
    private let socket: String

    init(_ node: Node, _ uid: String, _ way: String) throws {
        let socket = "\(node.root)/run/swiftlet/pods/\(uid)/supervisor.sock"
        self.socket = socket
        guard rename(socket, socket + ".away") == 0 else { throw SystemError("rename", socket) }
        var spawn = Spawn("/proc/self/exe", ["--fake-supervisor", socket, way])
        spawn.cgroup = SharedDescriptor(
            try FileDescriptor.open("\(node.cgroup)/supervisors/\(uid)", O_RDONLY | O_DIRECTORY))
        spawn.parentDeathSignal = SIGKILL
        process = try spawn.start()
        try node.eventually("the fake listens", seconds: 10) { Files.exists(socket) }
    }

    /// Puts the supervisor's own socket back.
    func end() throws {
        try process.send(SIGKILL)
        _ = try process.wait(block: true)
        guard rename(socket + ".away", socket) == 0 else { throw SystemError("rename", socket) }
    }

    /// What the process does.
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 2 else { return 2 }
        let listener = swl_unix_socket(arguments[0], 1, 0)
        guard listener >= 0 else { return 1 }
        var greeting: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 1, 2, 3]
        if arguments[1] == "tomorrow" {
            let hello = Array(#"{"type":"hello","version":99,"oldest":98,"program":"swiftlet-pod 99.0"}"#.utf8)
            greeting = [0, 0, 0, UInt8(hello.count + 1), 0] + hello
        }
        while true {
            let raw = swl_accept(listener)
            guard raw >= 0 else { continue }
            let connection = FileDescriptor(adopting: raw)
            try? connection.writeAll(greeting)
            // The other side hangs up.
            var wait = pollfd(fd: connection.raw, events: Int16(POLLRDHUP), revents: 0)
            _ = poll(&wait, 1, 60_000)
        }
    }
}
