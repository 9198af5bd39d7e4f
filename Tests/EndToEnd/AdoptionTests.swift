import Base
import CLinux
import JSON

/// The agent dies, ends or is replaced; nothing of the pods is to notice.
let adoptionSuite = Suite("adoption", freshNode: true) {
    [
        Test("processes, restart counts, log lines and open connections outlive every way an agent can go") { node in
            let listener = try Listener()
            try node.drop("count.yaml", shellPod("count", counter, restart: "Always"))
            let ticks = "while true; do echo tick; sleep 0.1; done | nc 127.0.0.1 \(listener.port)"
            try node.drop("talk.yaml", shellPod("talk", ticks, spec: "hostNetwork: true", restart: "Always"))
            let before = [try Fingerprint(node, "count"), try Fingerprint(node, "talk")]
            let connection = try listener.accept(within: .seconds(20 * node.machine.scale))
            func check(_ how: String) throws {
                try before[0].expectUnchanged(node, "count", how)
                try before[1].expectUnchanged(node, "talk", how)
                try connection.expectMore(how, within: .seconds(10 * node.machine.scale))
                try expectCounting(node, "count", how)
            }
            try node.kill()
            try node.start(.init(drainsOnExit: false))
            try check("after SIGKILL")
            try node.terminate()
            try connection.expectMore("without an agent", within: .seconds(10 * node.machine.scale))
            try node.start()
            try check("after SIGTERM")
            if node.machine.has(.nextVersion) {
                try node.kill()
                try node.start(.init(programs: node.machine.nextPrograms))
                try check("after an upgrade")
                try node.kill()
                try node.start()
                try check("after a downgrade")
            }
        },
        Test("the first answer of a new agent is whole, also of a pod whose supervisor has not answered yet") { node in
            try node.drop("mute.yaml", shellPod("mute", hold, restart: "Always"))
            let before = try Fingerprint(node, "mute")
            let pod = try node.pod("mute") ?? .null
            let supervisor = try supervisorPID(node, pod)
            guard CLinux.kill(supervisor, SIGSTOP) == 0 else { throw SystemError("stop", "\(supervisor)") }
            defer { _ = CLinux.kill(supervisor, SIGCONT) }
            try node.kill()
            try node.start()
            let first = try node.pod("mute") ?? .null
            try expectEqual(
                statusWithoutTimes(first), statusWithoutTimes(pod), "the status that the new agent gives first")
            _ = CLinux.kill(supervisor, SIGCONT)
            try before.expectUnchanged(node, "mute", "when the supervisor answers")
            try expectEqual(try node.exec("mute", "echo here").output, "here\n", "an exec in the pod")
        },
        Test("what ended while the agent was away is reported as it was") { node in
            let wait = "until test -e /out/go; do sleep 0.1; done; "
            try node.drop(
                "code.yaml",
                shellPod(
                    "code", wait + "echo last words > /dev/termination-log; exit 9", container: mountOut,
                    spec: outVolume(node)))
            try node.drop("killed.yaml", shellPod("killed", hold))
            try node.drop(
                "again.yaml",
                shellPod(
                    "again", "if test -e /out/go; then \(hold); fi; \(wait) exit 4", container: mountOut,
                    spec: outVolume(node),
                    restart: "Always"))
            let started = try node.waitReady("code").container()?.string("state.running.startedAt")
            try node.waitReady("killed")
            try node.waitReady("again")
            guard let victim = try node.processes("killed").first else { throw Failure("no process of killed") }
            try node.kill()
            let left = Timestamp.now
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            guard CLinux.kill(victim, SIGKILL) == 0 else { throw SystemError("kill", "\(victim)") }
            pause(milliseconds: Int32(1500 * node.machine.scale))
            let back = Timestamp.now
            try node.start()
            let code = try node.waitPhase("code", "Failed").container()?.at("state.terminated") ?? .null
            try expectEqual(code.integer("exitCode") ?? -1, 9, "exit code")
            try expectEqual(code.string("startedAt"), started, "start of what ended")
            try expectEqual(code.string("message"), "last words\n", "termination message")
            let killed = try node.waitPhase("killed", "Failed").container()?.at("state.terminated") ?? .null
            try expectEqual(killed.integer("exitCode") ?? -1, 137, "exit code of what was killed")
            try expectEqual(killed.integer("signal") ?? -1, 9, "signal")
            for end in [code, killed] {
                guard let time = end.string("finishedAt").flatMap({ Timestamp(rfc3339: $0) }) else {
                    throw Failure("no time of the end: \(end)")
                }
                // The API has whole seconds.
                try expect(
                    time.nanoseconds >= left.nanoseconds - 1_000_000_000 && time < back, "ended at \(time), not away")
            }
            // Before it runs, its last end is still its state.
            let again = try node.wait("again", "restarted") {
                $0.container()?.integer("restartCount") == 1 && $0.container()?.at("state.running") != nil
            }
            try expectEqual(
                again.container()?.integer("lastState.terminated.exitCode") ?? -1, 4, "the end before the restart")
        },
        Test("after a boot containers begin with empty layers, and those of before are gone") { node in
            let script = "if test -e /mark; then echo old; else echo new; fi; echo x > /mark; \(hold)"
            try node.drop("layer.yaml", shellPod("layer", script, restart: "Always"))
            let pod = try node.waitReady("layer")
            try node.eventually("it has written", seconds: 10) { try node.logs("layer") == "new\n" }
            let main = try node.processes("layer").first ?? 0
            let root = try Files.readText("/proc/\(main)/mountinfo", limit: 1 << 20).split(separator: "\n")
                .first { $0.contains(" / / ") }
            // Nothing of it waits for the disk.
            try expectContains(String(root ?? ""), "volatile", "the mount of the container's root")
            // What is in memory goes; what is on the disk stays.
            try node.kill()
            killCgroups(node.cgroup)
            for line in LeakCount.mentions(of: node.root) where line.hasPrefix("mount ") {
                _ = umount2(String(line.dropFirst(6)), Int32(MNT_DETACH))
            }
            try removeCgroups(node.cgroup)
            LeakCount.discardNetwork()
            try Files.removeTree("\(node.root)/run/swiftlet")
            try node.start()
            let again = try node.wait("layer", "runs again") {
                $0.container()?.integer("restartCount") == 1 && $0.container()?.at("ready")?.boolValue == true
            }
            try expectEqual(again.string("metadata.uid"), pod.string("metadata.uid"), "uid")
            try node.eventually("it has written again", seconds: 10) { try node.logs("layer") == "new\n" }
            let folder = "\(node.root)/var/lib/swiftlet/pods/\(again.string("metadata.uid") ?? "?")/containers/main"
            try expectEqual(try Files.list(folder), ["1", "termination-log"], "layers")
        },
        Test("what was killed for its memory while the agent was away is reported so", needs: .limits) { node in
            let script =
                "until test -e /out/go; do sleep 0.1; done; tail /dev/zero"
            let extra = mountOut + "\nresources: {limits: {memory: 32Mi}}"
            try node.drop("greedy.yaml", shellPod("greedy", script, container: extra, spec: outVolume(node)))
            try node.waitReady("greedy")
            try node.kill()
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            pause(milliseconds: Int32(2000 * node.machine.scale))
            try node.start()
            let end = try node.waitPhase("greedy", "Failed").container()?.at("state.terminated") ?? .null
            try expectEqual(end.string("reason"), "OOMKilled", "reason")
            try expectEqual(end.integer("exitCode") ?? -1, 137, "exit code")
        },
        Test("an exec session ends with the agent that carries it, on both sides") { node in
            try node.drop("room.yaml", shellPod("room", hold, restart: "Always"))
            try node.waitReady("room")
            var spawn = Spawn(
                "\(node.machine.programs)/swiftlet",
                ["--root", node.root, "exec", try node.fullName("room"), "--", "sleep", "4321"])
            spawn.parentDeathSignal = SIGKILL
            let client = try spawn.start()
            let procs = try node.containerCgroup("room") + "/cgroup.procs"
            func guests() throws -> Int {
                let pids = try Files.readText(procs).split(separator: "\n")
                let commands = pids.map { (try? Files.read("/proc/\($0)/cmdline")) ?? [] }
                return commands.count { $0.starts(with: Array("sleep\u{0}4321".utf8)) }
            }
            try node.eventually("the session runs", seconds: 10) { try guests() == 1 }
            try node.kill()
            var exit: ChildProcess.Exit?
            try node.eventually("the client ends", seconds: 10) {
                exit = try client.wait(block: false)
                return exit != nil
            }
            try expect(exit?.code != 0, "the client of a lost session says that all is well")
            // The supervisor ends the process: nobody is there to read what it says.
            try node.eventually("the session's process ends", seconds: 10) { try guests() == 0 }
            try node.start()
            try expectEqual(try node.exec("room", "echo again").output, "again\n", "exec after the restart")
        },
        Test("an image that was removed stays under the pods that stand on it, whatever comes and goes") { node in
            try node.drop("stand.yaml", shellPod("stand", hold, restart: "Always"))
            try node.drop("leave.yaml", shellPod("leave", hold, restart: "Always"))
            try node.waitReady("stand")
            try node.waitReady("leave")
            try node.ok("image", "rm", "busybox")
            func stands(_ when: String) throws {
                try expectEqual(try node.exec("stand", "ls /bin/busybox").output, "/bin/busybox\n", when)
                let layers = try Files.list("\(node.root)/var/lib/swiftlet/images/layers")
                try expectEqual(layers.count, 1, "layers \(when)")
            }
            try node.remove("leave.yaml")
            try node.waitGone("leave")
            try stands("after another pod has ended")
            try node.kill()
            try node.start()
            try node.waitReady("stand")
            try stands("after a restart of the agent")
        },
    ]
}

/// A script that prints numbers, one more each time.
let counter = "i=0; while true; do echo $i; i=$((i + 1)); sleep 0.05; done"

/// Throws unless the log of the pod holds every number from 0 once, and goes on.
func expectCounting(_ node: Node, _ name: String, _ when: String) throws {
    let path = try logFile(node, name)
    func numbers() throws -> [Int] {
        // A line that is being written is not looked at.
        let lines = try text(path).split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
    }
    let found = try numbers()
    try expectEqual(found, Array(0..<found.count), "numbers in the log \(when)")
    try node.eventually("the log goes on \(when)", seconds: 10) { try numbers().count > found.count }
}

/// What of a pod must stay as it is whatever the agent does.
struct Fingerprint: Equatable {
    var uid: String
    var process: pid_t
    var containerID: String
    var imageID: String
    var startedAt: String
    var restartCount: Int64
    var isReady: Bool
    var address: String

    /// Throws, naming what is not as it was. Nothing is waited for: what the agent answers now is looked at.
    func expectUnchanged(_ node: Node, _ name: String, _ when: String, container: String = "main") throws {
        guard let pod = try node.pod(name) else { throw Failure("there is no pod \(name) \(when)") }
        let now = try Fingerprint(node, name, pod, container)
        if now == self { return }
        let pairs = zip(Mirror(reflecting: self).children, Mirror(reflecting: now).children)
        let changed = pairs.filter { "\($0.value)" != "\($1.value)" }
        let words = changed.map { "\($0.label ?? "") was \($0.value), is \($1.value)" }
        throw Failure("\(name) has changed \(when): \(words.joined(separator: "; "))")
    }

    /// Of a pod that is ready, or soon will be.
    init(_ node: Node, _ name: String, container: String = "main") throws {
        try self.init(node, name, try node.waitReady(name), container)
    }

    private init(_ node: Node, _ name: String, _ pod: JSONValue, _ containerName: String) throws {
        let container = pod.container(containerName) ?? .null
        uid = pod.string("metadata.uid") ?? ""
        process = try node.processes(name, containerName).first ?? 0
        containerID = container.string("containerID") ?? ""
        imageID = container.string("imageID") ?? ""
        startedAt = container.string("state.running.startedAt") ?? ""
        restartCount = container.integer("restartCount") ?? -1
        isReady = container.at("ready")?.boolValue ?? false
        address = pod.string("status.podIP") ?? ""
    }
}

/// The pod's status as text, without when its conditions changed: an agent counts that from its start.
func statusWithoutTimes(_ pod: JSONValue) -> String {
    func stripped(_ value: JSONValue) -> JSONValue {
        if let list = value.arrayValue { return .array(list.map(stripped)) }
        guard let object = value.objectValue else { return value }
        var result = JSONObject()
        for member in object.members where member.key != "lastTransitionTime" {
            result.append(member.key, stripped(member.value))
        }
        return .object(result)
    }
    return JSONWriter(indent: 1).text(stripped(pod.at("status") ?? .null))
}

/// A TCP socket on loopback that a pod connects to.
struct Listener {
    let socket: SharedDescriptor
    let port: UInt16

    init() throws {
        socket = SharedDescriptor(
            FileDescriptor(
                adopting: CLinux.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)))
        let raw = socket.raw
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer -> Int32 in
                if bind(raw, __CONST_SOCKADDR_ARG(__sockaddr__: pointer), size) != 0 || listen(raw, 1) != 0 {
                    return -1
                }
                return getsockname(raw, __SOCKADDR_ARG(__sockaddr__: pointer), &size)
            }
        }
        guard result == 0 else { throw SystemError("listen on", "127.0.0.1") }
        port = UInt16(bigEndian: address.sin_port)
    }

    func accept(within time: Nanoseconds) throws -> Connection {
        var wait = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&wait, 1, Int32(clamping: time.count / 1_000_000)) == 1 else { throw Failure("nobody connects") }
        let raw = swl_accept(socket.raw)
        guard raw >= 0 else { throw SystemError("accept", "127.0.0.1") }
        return Connection(socket: SharedDescriptor(FileDescriptor(adopting: raw)))
    }

    struct Connection {
        let socket: SharedDescriptor

        /// Throws unless something new comes over the connection.
        func expectMore(_ when: String, within time: Nanoseconds) throws {
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            // What has come so far is old.
            while true {
                let count = recv(socket.raw, &buffer, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 { continue }
                if count == 0 { throw Failure("the connection was closed \(when)") }
                break
            }
            var wait = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&wait, 1, Int32(clamping: time.count / 1_000_000)) == 1,
                recv(socket.raw, &buffer, buffer.count, 0) > 0
            else { throw Failure("nothing comes over the connection \(when)") }
        }
    }
}
