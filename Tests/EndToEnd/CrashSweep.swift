import Base
import CLinux
import JSON

/// Runs a scenario again and again under strace, which at the N-th system call of those that change the world kills the
/// agent or lets the call fail, and looks each time at what must hold afterwards:
///
/// - a pod beside (the bystander) goes on untouched,
/// - an agent without strace makes the pods that the manifests ask for, none is run twice,
/// - when the scenario's manifests are gone, nothing of them is left.
///
/// SWIFTLET_SWEEP: how many calls are tried of each kind, or `all`. SWIFTLET_SEED: which.
struct CrashSweep {
    /// Calls that change what others see. strace counts each thread's own.
    static let calls =
        "clone,clone3,vfork,execve,execveat,mount,umount2,open_tree,move_mount,fsopen,fsconfig,fsmount,mount_setattr,"
        + "mkdir,mkdirat,rmdir,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mknod,mknodat,"
        + "openat,openat2,write,pwrite64,writev,ftruncate,fsync,fdatasync,fchmod,fchmodat,fchown,fchownat,lchown,setns,unshare,"
        + "sendto,sendmsg,bind,listen,connect,socket,pidfd_open,pidfd_send_signal,kill,bpf,setsockopt"

    /// What the agent goes through. `network` is what of the pods' spec says where they have their network.
    struct Scenario {
        var name: String
        var manifests: [(name: String, text: String)]
    }

    let node: Node
    let scenario: Scenario
    private let bystander: Fingerprint
    private let empty: Snapshot
    private let descriptors: Int

    /// Starts the bystander, and runs the scenario once undisturbed.
    init(_ node: Node, _ scenario: Scenario) throws {
        self.node = node
        self.scenario = scenario
        try Files.makeDirectories("\(node.root)/out")
        try node.drop("bystander.yaml", shellPod("bystander", counter, restart: "Always"))
        _ = try node.waitReady("bystander")
        try Self.drop(scenario, node)
        try Self.expectWanted(scenario, node)
        try Self.remove(scenario, node)
        bystander = try Fingerprint(node, "bystander")
        empty = try Snapshot(node)
        try node.kill()
        try node.start()
        _ = try node.waitReady("bystander")
        descriptors = descriptorCount(node.agentPID)
    }

    // MARK: the scenario

    private static func drop(_ scenario: Scenario, _ node: Node) throws {
        for (name, text) in scenario.manifests { try node.drop("\(name).yaml", text) }
    }

    private static func remove(_ scenario: Scenario, _ node: Node) throws {
        for (name, _) in scenario.manifests where Files.exists("\(node.podspecs)/\(name).yaml") {
            try node.remove("\(name).yaml")
        }
        for (name, _) in scenario.manifests { try node.waitGone(name, seconds: 40) }
        try Files.remove("\(node.root)/out/runs")
    }

    /// All pods are as their manifests say: `once` has run a single time and failed with code 3, others run and can be
    /// entered.
    private static func expectWanted(_ scenario: Scenario, _ node: Node) throws {
        for (name, _) in scenario.manifests {
            if name == "once" {
                let pod = try node.waitPhase("once", "Failed", seconds: 40)
                try expectEqual(pod.container()?.integer("state.terminated.exitCode") ?? -1, 3, "exit code of once")
                try expectEqual(try text("\(node.root)/out/runs"), "run\n", "runs of a pod that is never restarted")
                let uid = pod.string("metadata.uid") ?? "?"
                try node.eventually("a finished pod is released", seconds: 10) {
                    !LeakCount.processes().contains { $0.command.contains(uid) }
                }
            } else {
                let pod = try node.waitReady(name, seconds: 40)
                try expectEqual(try node.exec(name, "echo in").output, "in\n", "exec in \(name)")
                try expectEqual(pod.container()?.integer("restartCount") ?? -1, 0, "restarts of \(name)")
            }
        }
    }

    /// The scenario, as far as the agent lives to see it.
    private func run() throws {
        try Self.drop(scenario, node)
        for (name, _) in scenario.manifests {
            try node.eventually("\(name) is there", seconds: 40) {
                if try node.ended() != nil { return true }
                guard let pod = try? node.pod(name) else { return false }
                return name == "once"
                    ? pod.string("status.phase") == "Failed" : pod.container()?.at("ready")?.boolValue == true
            }
            if try node.ended() != nil { return }
            _ = try? node.exec(name, "echo in")
        }
        for (name, _) in scenario.manifests { try node.remove("\(name).yaml") }
        for (name, _) in scenario.manifests {
            try node.eventually("\(name) is gone", seconds: 40) {
                if try node.ended() != nil { return true }
                guard let pods = try? node.pods() else { return false }
                return !pods.contains { ($0.string("metadata.name") ?? "").hasPrefix(name) }
            }
        }
    }

    // MARK: the sweep

    /// The calls of each thread of the agent in the scenario, by their names.
    func count() throws -> [[String]] {
        let file = "\(Path.parent(node.root))/strace.out"
        try node.kill()
        try node.start(.init(strace: ["-f", "-b", "execve", "-qq", "-o", file, "-e", "trace=\(Self.calls)"]))
        try run()
        try node.kill()
        try node.start()
        try Self.remove(scenario, node)
        var threads: [Substring: [String]] = [:]
        for line in try text(file).split(separator: "\n") {
            // `4711  openat(AT_FDCWD, ...`; the second half of an interrupted line says `<... openat resumed>`.
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let end = words[1].firstIndex(of: "("), !words[1].contains("<...") else { continue }
            threads[words[0], default: []].append(words[1][..<end].filter { $0 != " " })
        }
        try Files.remove(file)
        return Array(threads.values)
    }

    /// Kills the agent at the call's start.
    func kill(at number: Int) throws {
        try disturbed("SIGKILL at call \(number)", "signal=KILL:when=\(number)") { exit in
            if let exit { try expectEqual(exit.signal, SIGKILL, "signal that ended the agent") }
        }
    }

    /// Lets one call fail. The agent has to live on, or, when it is still starting, to say why not.
    func fail(_ calls: String, _ error: String, at number: Int) throws {
        try disturbed("\(error) at call \(number) of \(calls)", "error=\(error):when=\(number)", calls) { exit in
            guard let exit else { return }
            // 127: the loader, which has not come as far as the agent.
            try expect(
                exit.signal == 0 && (exit.code == 1 || exit.code == 127) && !node.lastLog.contains("ready: "),
                "the agent ended with status \(exit.code), signal \(exit.signal)")
            try expectContains(node.lastLog, "swiftletd: ", "last words of an agent that could not start")
        }
    }

    private func disturbed(
        _ what: String, _ injection: String, _ calls: String = CrashSweep.calls,
        end: (ChildProcess.Exit?) throws -> Void
    ) throws {
        do {
            try node.kill()
            node.markLog()
            try node.launch(
                .init(strace: [
                    "-f", "-b", "execve", "-qq", "-o", "/dev/null", "-e", "trace=\(calls)", "-e",
                    "inject=\(calls):\(injection)",
                ]))
            try run()
            let exit = try node.ended()
            try end(exit)
            try node.kill()
            try node.start()
            try checkBystander()
            // What the manifests still ask for is made, by an agent that nothing disturbs.
            let left = Scenario(
                name: scenario.name,
                manifests: scenario.manifests.filter { Files.exists("\(node.podspecs)/\($0.name).yaml") })
            try Self.expectWanted(left, node)
            try Self.remove(scenario, node)
            try checkNothingIsLeft()
            try checkBystander()
        } catch {
            throw Failure("\(scenario.name): \(what): \(error)")
        }
    }

    private func checkBystander() throws {
        try bystander.expectUnchanged(node, "bystander", "though it was only beside")
        try expectCounting(node, "bystander", "of the pod beside")
    }

    private func checkNothingIsLeft() throws {
        var (added, removed): ([String], [String]) = ([], [])
        do {
            try node.eventually("the node is as it was", seconds: 10) {
                let now = try Snapshot(node)
                (added, removed) = (now.added(since: empty), now.removed(since: empty))
                return added.isEmpty && removed.isEmpty
            }
            try node.eventually("the agent's descriptors are closed", seconds: 10) {
                let count = descriptorCount(node.agentPID)
                added = ["\(count) descriptors, were \(descriptors)"]
                return count <= descriptors
            }
        } catch {
            throw Failure("\(error): left \(added), missing \(removed)")
        }
    }
}

/// Numbers drawn without repetition, the same for the same seed.
struct Draw {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// `count` of the numbers from 1 to `last`, spread over the range, in order; all of them when `count` is nil.
    mutating func numbers(upTo last: Int, count: Int?) -> [Int] {
        guard let count, count < last, count > 0 else { return Array(1...max(1, last)) }
        // One of each part, so that no part of the range is left out.
        return (0..<count).map { part in
            let (low, high) = (last * part / count, last * (part + 1) / count)
            return low + 1 + Int(next() % UInt64(max(1, high - low)))
        }
    }
}
