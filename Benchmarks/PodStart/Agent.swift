import Base
import CLinux

/// A swiftletd under a scratch root, with the image `first` loaded.
final class Agent {
    let programs: String
    let root: String
    private let fifoPath: String
    private let fifo: Fifo
    let process: ChildProcess
    /// Whether pods are on the host's network; otherwise on the built-in one.
    private let isOnHost: Bool

    init(programs: String, root: String, cgroup: String, fifo path: String, onHost: Bool) throws {
        self.programs = programs
        isOnHost = onHost
        self.root = root
        fifoPath = path
        fifo = try Fifo(path)
        try Files.makeDirectories("\(root)/etc/podspecs")
        var arguments = ["--root", root, "--cgroup-root", cgroup, "--drain-on-exit", "--node-name", "bench"]
        if !(try Agent.enforcesLimits()) { arguments.append("--limits=unenforced") }
        var spawn = Spawn("\(programs)/swiftletd", arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        let log = SharedDescriptor(
            try FileDescriptor.open("\(root)/agent.log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600))
        spawn.standardOutput = log
        spawn.standardError = log
        process = try spawn.start()
        try waitUntil("swiftletd answers") { try self.swiftlet("status") == 0 }
        guard try swiftlet("image", "load", "\(Path.parent(path))/first.tar") == 0 else {
            throw Problem("loading the image failed")
        }
    }

    func end() {
        _ = try? process.send(SIGTERM)
        _ = try? process.wait(block: true)
    }

    /// One pod after the other; each is gone before the next comes.
    func measureStarts(_ count: Int) throws -> [Nanoseconds] {
        var durations: [Nanoseconds] = []
        for index in 0..<(count + 5) {
            let begin = try drop("p\(index)", stays: false)
            let first = try fifo.next(within: .seconds(30))
            if index >= 5 { durations.append(first - begin) }
            try remove("p\(index)")
            try waitUntil("pod \(index) is gone") { try self.podFolders() == 0 }
        }
        return durations
    }

    /// Many pods of one container that are dropped at once: the time until all are Running, and what they cost at rest.
    func measureBurst(_ count: Int, idle seconds: UInt32) throws {
        let begin = BootInstant.now
        for index in 0..<count { _ = try drop("m\(index)", stays: true) }
        for _ in 0..<count { _ = try fifo.next(within: .seconds(120)) }
        let first = BootInstant.now
        try waitUntil("all \(count) pods are Running") { try self.runningPods() == count }
        print("BENCH burst\(count)_first_instruction_of_all \((first - begin).count / 1_000_000) ms")
        print("BENCH burst\(count)_all_running \((BootInstant.now - begin).count / 1_000_000) ms")
        try reportMemory(count, idle: seconds)
        for index in 0..<count { try remove("m\(index)") }
        try waitUntil("all pods are gone") { try self.podFolders() == 0 }
    }

    /// Private memory of the agent and of the supervisors: what they wrote, and (clean) pages of files that no other
    /// process has mapped, which the kernel can take back at any time. Then what they do in `seconds` of rest.
    private func reportMemory(_ count: Int, idle seconds: UInt32) throws {
        let supervisors = try supervisors()
        guard supervisors.count >= count else {
            throw Problem("\(supervisors.count) supervisors of \(count) pods were found")
        }
        // At rest: a supervisor gives back what its start took when it has been idle.
        sleep(15)
        for kind in ["dirty", "clean"] {
            let field = kind == "dirty" ? "Private_Dirty:" : "Private_Clean:"
            let each = try supervisors.map { try Agent.kilobytes(field, of: $0) }.sorted()
            print("BENCH supervisor_private_\(kind)_of_\(count) \(each[each.count / 2]) kB")
            print("BENCH supervisors_private_\(kind)_all_\(count) \(each.reduce(0, +)) kB")
            print("BENCH agent_private_\(kind)_with_\(count) \(try Agent.kilobytes(field, of: process.pid)) kB")
        }
        let processes = [process.pid] + supervisors
        let before = try processes.map { try Agent.activity(of: $0) }
        sleep(seconds)
        let after = try processes.map { try Agent.activity(of: $0) }
        let written = zip(after, before).map { $0.written - $1.written }.reduce(0, +)
        let wakeups = zip(after, before).map { $0.wakeups - $1.wakeups }.reduce(0, +)
        print("BENCH idle_written_with_\(count)_in_\(seconds)s \(written) bytes")
        print("BENCH idle_wakeups_with_\(count)_in_\(seconds)s \(wakeups) switches")
    }

    /// The supervisors of its pods.
    func supervisors() throws -> [pid_t] {
        try Files.list("/proc").compactMap { pid_t($0) }.filter { pid in
            let command = (try? Files.read("/proc/\(pid)/cmdline")) ?? []
            let words = command.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first.map { Path.name($0) == "swiftlet-pod" } == true && words.contains { $0.hasPrefix(root) }
        }
    }

    /// Bytes sent to the disk, and how often its threads went to sleep, since the process began.
    static func activity(of pid: pid_t) throws -> (written: Int64, wakeups: Int64) {
        func number(_ field: String, in path: String) throws -> Int64 {
            for line in try Files.readText(path).split(separator: "\n") where line.hasPrefix(field) {
                return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).compactMap { Int64($0) }.first ?? 0
            }
            throw Problem("\(path) has no \(field)")
        }
        var wakeups: Int64 = 0
        for thread in try Files.list("/proc/\(pid)/task") {
            wakeups += try number("voluntary_ctxt_switches:", in: "/proc/\(pid)/task/\(thread)/status")
        }
        return (try number("write_bytes:", in: "/proc/\(pid)/io"), wakeups)
    }

    private func runningPods() throws -> Int {
        try output("get", "pods").split(separator: "\n").count { $0.contains(" Running ") }
    }

    /// What `swiftlet arguments` prints.
    func output(_ arguments: String...) throws -> String {
        let file = SharedDescriptor(
            try FileDescriptor.open("\(root)/output.txt", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        var spawn = Spawn("\(programs)/swiftlet", ["--root", root] + arguments)
        spawn.standardOutput = file
        _ = try spawn.start().wait(block: true)
        return try Files.readText("\(root)/output.txt", limit: 1 << 20)
    }

    // MARK: helpers

    /// Renames a manifest into the folder; the moment just before.
    private func drop(_ name: String, stays: Bool) throws -> BootInstant {
        try drop(
            name,
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              hostNetwork: \(isOnHost)
              restartPolicy: Never
              terminationGracePeriodSeconds: 1
              containers:
                - name: main
                  image: first
                  imagePullPolicy: Never
                  command: ["/first"\(stays ? ", \"stay\"" : "")]
                  volumeMounts: [{name: out, mountPath: /out}]
              volumes:
                - {name: out, hostPath: {path: "\(Path.parent(fifoPath))"}}
            """)
    }

    /// Renames a manifest into the folder; the moment just before.
    func drop(_ name: String, _ manifest: String) throws -> BootInstant {
        let folder = "\(root)/etc/podspecs"
        try Files.replace("\(folder)/.\(name)", with: manifest.utf8, mode: 0o644, durable: false)
        let begin = BootInstant.now
        guard rename("\(folder)/.\(name)", "\(folder)/\(name).yaml") == 0 else { throw SystemError("rename", name) }
        return begin
    }

    func remove(_ name: String) throws { try Files.remove("\(root)/etc/podspecs/\(name).yaml") }

    func podFolders() throws -> Int {
        try Files.list("\(root)/var/lib/swiftlet/pods").count + Files.list("\(root)/run/swiftlet/pods").count
    }

    func swiftlet(_ arguments: String...) throws -> Int32 {
        let child = try Spawn("\(programs)/swiftlet", ["--root", root] + arguments).start()
        return try child.wait(block: true)?.code ?? -1
    }

    func waitUntil(_ what: String, seconds: Int64 = 30, _ condition: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(seconds)
        while !(try condition()) {
            if BootInstant.now > deadline { throw Problem("not within \(seconds) s: \(what)") }
            _ = poll(nil, 0, 1)
        }
    }

    /// Whether cpu, memory and pids are on cgroup v2 here.
    private static func enforcesLimits() throws -> Bool {
        guard Files.exists("/sys/fs/cgroup/cgroup.controllers") else { return false }
        let found = try Files.readText("/sys/fs/cgroup/cgroup.controllers").split(separator: " ")
        return ["cpu", "memory", "pids"].allSatisfy { found.contains(Substring($0)) }
    }

    static func kilobytes(_ field: String, of pid: pid_t) throws -> Int64 {
        for line in try Files.readText("/proc/\(pid)/smaps_rollup").split(separator: "\n")
        where line.hasPrefix(field) {
            return line.split(separator: " ").compactMap { Int64($0) }.first ?? 0
        }
        throw Problem("no \(field) of process \(pid)")
    }
}
