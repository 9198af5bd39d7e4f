import Base
import CLinux
import JSON

/// Runs a scenario again and again under strace, which at the N-th of each of the system calls that change the world
/// kills the agent or lets the call fail, and looks each time at what must hold afterwards:
///
/// - a pod beside (the bystander) goes on untouched, its ports of the host and its connections too,
/// - an agent without strace makes the pods that the manifests ask for, none is run twice,
/// - when the scenario's manifests are gone, nothing of them is left.
///
/// SWIFTLET_SWEEP: how many calls are tried of each kind, or `all`. SWIFTLET_SEED: which.
struct CrashSweep {
    /// Calls that change what others see.
    static let calls =
        "clone,clone3,vfork,execve,execveat,mount,umount2,open_tree,move_mount,fsopen,fsconfig,fsmount,mount_setattr,"
        + "mkdir,mkdirat,rmdir,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mknod,mknodat,"
        + "openat,openat2,write,pwrite64,writev,ftruncate,fsync,fdatasync,fchmod,fchmodat,fchown,fchownat,lchown,setns,unshare,"
        + "sendto,sendmsg,bind,listen,connect,socket,pidfd_open,pidfd_send_signal,kill,bpf,setsockopt"

    /// What the agent goes through. A pod with a `port` of the host serves its own name there.
    struct Scenario {
        var manifests: [(name: String, text: String, port: UInt16?)]
    }

    let node: Node
    let scenario: Scenario
    private let bystander: Bystander?
    private let empty: Snapshot
    private let network: HostNetwork
    /// Of the agent with the bystander alone.
    private let descriptors: Int

    /// Starts the bystander, and runs the scenario once undisturbed.
    ///
    /// - Parameter isAlone: there is no bystander: with the scenario's pods the network of the node comes, and goes
    ///   again.
    init(_ node: Node, _ scenario: Scenario, isAlone: Bool = false) throws {
        self.node = node
        self.scenario = scenario
        try Files.makeDirectories("\(node.root)/out")
        let before = try HostNetwork.now()
        bystander = isAlone ? nil : try Bystander(node)
        try Self.drop(scenario, node)
        try Self.expectWanted(scenario, node)
        try Self.remove(scenario, node)
        if isAlone {
            try node.eventually("the network is as it was", seconds: 10) { try HostNetwork.now() == before }
        }
        network = try HostNetwork.now()
        empty = try Snapshot(node)
        try node.kill()
        try node.start()
        try bystander?.expectUnchanged("after a restart of the agent")
        descriptors = openDescriptors(node.agentPID).count
    }

    // MARK: the scenario

    private static func drop(_ scenario: Scenario, _ node: Node) throws {
        for (name, text, _) in scenario.manifests { try node.drop("\(name).yaml", text) }
    }

    private static func remove(_ scenario: Scenario, _ node: Node) throws {
        for (name, _, _) in scenario.manifests where Files.exists("\(node.podspecs)/\(name).yaml") {
            try node.remove("\(name).yaml")
        }
        for (name, _, _) in scenario.manifests { try node.waitGone(name, seconds: 40) }
        try Files.remove("\(node.root)/out/runs")
    }

    /// All pods are as their manifests say: `once` has run a single time and failed with code 3, others run and can be
    /// entered.
    private static func expectWanted(_ scenario: Scenario, _ node: Node) throws {
        for (name, _, port) in scenario.manifests {
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
                guard let port else { continue }
                // A program that serves needs a moment after its start.
                try node.eventually("\(name) is reached by hostPort \(port)", seconds: 10) {
                    (try? HTTPPeer.fetch("127.0.0.1", port)) == name
                }
            }
        }
    }

    /// The scenario, as far as the agent lives to see it.
    ///
    /// - Parameter patience: nil where pods need not come, or go, in this agent's life: it is not waited long for them.
    private func run(patience: Int64? = 40) throws {
        func wait(_ what: String, _ condition: () throws -> Bool) throws {
            do {
                try node.eventually(what, seconds: patience ?? 12) { try node.ended() != nil || condition() }
            } catch { if patience != nil { throw error } }
        }
        try Self.drop(scenario, node)
        for (name, _, _) in scenario.manifests {
            try wait("\(name) is there") {
                guard let pod = try? node.pod(name) else { return false }
                return name == "once"
                    ? pod.string("status.phase") == "Failed" : pod.container()?.at("ready")?.boolValue == true
            }
            if try node.ended() != nil { return }
            _ = try? node.exec(name, "echo in")
        }
        for (name, _, _) in scenario.manifests { try node.remove("\(name).yaml") }
        for (name, _, _) in scenario.manifests {
            try wait("\(name) is gone") {
                guard let pods = try? node.pods() else { return false }
                return !pods.contains { ($0.string("metadata.name") ?? "").hasPrefix(name) }
            }
        }
        // Without pods for a while, the agent takes the network down.
        if bystander == nil { try wait("the network is gone") { (try? HostNetwork.now()) == network } }
    }

    // MARK: the sweep

    /// The calls of the agent in the scenario.
    func moments() throws -> SweepMoments {
        let file = "\(Path.parent(node.root))/strace.out"
        try node.kill()
        try node.start(.init(strace: ["-f", "-b", "execve", "-qq", "-o", file, "-e", "trace=\(Self.calls)"]))
        try run()
        try node.kill()
        try node.start()
        try Self.remove(scenario, node)
        let moments = SweepMoments(try text(file))
        try Files.remove(file)
        return moments
    }

    /// Kills the agent at the call's start.
    func kill(at moment: SweepMoment) throws {
        try disturbed("SIGKILL at \(moment)", moment.strace("signal=KILL")) { exit in
            if let exit { try expectEqual(exit.signal, SIGKILL, "signal that ended the agent") }
        }
    }

    /// Lets the call fail. The agent has to live on, or, when it is still starting, to say why not. Where each attempt
    /// is made by a thread of its own, strace lets every one fail: then it is the next agent that has better luck.
    func fail(_ error: String, at moment: SweepMoment) throws {
        try disturbed("\(error) at \(moment)", moment.strace("error=\(error)"), patience: nil) { exit in
            guard let exit else { return }
            // 127: the loader, which has not come as far as the agent.
            try expect(
                exit.signal == 0 && (exit.code == 1 || exit.code == 127) && !node.lastLog.contains("ready: "),
                "the agent ended with status \(exit.code), signal \(exit.signal)")
            try expectContains(node.lastLog, "swiftletd: ", "last words of an agent that could not start")
        }
    }

    private func disturbed(
        _ what: String, _ injection: [String], patience: Int64? = 40, end: (ChildProcess.Exit?) throws -> Void
    ) throws {
        do {
            try node.kill()
            node.markLog()
            try node.launch(.init(strace: ["-f", "-b", "execve", "-qq", "-o", "/dev/null"] + injection))
            try run(patience: patience)
            let exit = try node.ended()
            try end(exit)
            try node.kill()
            try node.start()
            // What the manifests still ask for is made, by an agent that nothing disturbs.
            let left = Scenario(
                manifests: scenario.manifests.filter { Files.exists("\(node.podspecs)/\($0.name).yaml") })
            try Self.expectWanted(left, node)
            try bystander?.expectUnchanged("though it was only beside")
            try Self.remove(scenario, node)
            try empty.expectAgain(node)
            try expectDescriptorsClosed()
            try bystander?.expectUnchanged("though only others were removed")
        } catch {
            throw Failure("\(what): \(error)")
        }
    }

    private func expectDescriptorsClosed() throws {
        var open: [String] = []
        do {
            try node.eventually("the agent's descriptors are closed", seconds: 10) {
                open = openDescriptors(node.agentPID)
                return open.count <= descriptors
            }
        } catch {
            throw Failure("\(error): there were \(descriptors), now \(open.count): \(open)")
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
