import Base
import CLinux
import JSON

/// One agent under a scratch root, driven as a user does: by files in its manifest folder and by the command line.
final class Node {
    let machine: Machine
    /// The prefix given as `--root`.
    let root: String
    /// The folder of the cgroup given as `--cgroup-root`.
    let cgroup: String
    /// The name the node is given; it ends the names of pods from the manifest folder.
    static let name = "e2e"
    private let scratch: String
    private var agent: ChildProcess?
    /// How the agent ended, once that is known.
    private var exit: ChildProcess.Exit?
    private var logMark = 0
    private var dropped: Set<String> = []

    /// Starts an agent and loads images into it.
    init(_ machine: Machine, images: [String] = []) throws {
        self.machine = machine
        scratch = try scratchFolder()
        root = "\(scratch)/root"
        cgroup = "\(machine.cgroup)/\(Path.name(scratch))"
        try Files.makeDirectories("\(root)/etc/podspecs")
        do {
            try start()
            for image in images { try ok("image", "load", "\(machine.images)/\(image)") }
        } catch {
            print(diagnosis())
            discard()
            throw error
        }
    }

    // MARK: the agent

    /// The cgroup as the agent is given it: below the mount point.
    var cgroupPath: String { String(cgroup.dropFirst(machine.cgroupMount.count)) }
    var podspecs: String { "\(root)/etc/podspecs" }
    var isRunning: Bool { ((try? ended()) ?? nil) == nil && agent != nil }
    var agentPID: pid_t { agent?.pid ?? 0 }

    /// How an agent is started.
    struct Start {
        /// The folder of its programs; the machine's own when nil.
        var programs: String?
        var drainsOnExit = true
        /// To run it under strace with these arguments.
        var strace: [String]?
    }

    /// Starts the agent and waits until it answers.
    func start(_ how: Start = Start()) throws {
        try launch(how)
        try eventually("the agent answers", seconds: 10) {
            if try self.ended() != nil { throw Failure("the agent has ended: \(agentLog().suffix(1000))") }
            return self.answers
        }
    }

    /// Whether the agent answers now.
    var answers: Bool { (try? swiftlet("status").status) == 0 }

    /// How the agent ended; nil while it runs.
    func ended() throws -> ChildProcess.Exit? {
        if exit == nil { exit = try agent?.wait(block: false) }
        return exit
    }

    /// Starts the agent.
    func launch(_ how: Start) throws {
        let program = "\(how.programs ?? machine.programs)/swiftletd"
        var arguments = ["--root", root, "--cgroup-root", cgroupPath, "--node-name", Node.name, "--log-level", "debug"]
        if how.drainsOnExit { arguments.append("--drain-on-exit") }
        if !machine.enforcesLimits { arguments.append("--limits=unenforced") }
        // Nothing of the world is asked for an image: what is not on this machine is behind a proxy that is not there.
        let environment = [
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HTTPS_PROXY=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1",
            "NO_PROXY=127.0.0.1",
        ]
        var spawn = Spawn(program, arguments, environment: environment)
        if let strace = how.strace {
            // With -D the agent is our child, and strace a process aside.
            spawn = Spawn("/usr/bin/strace", ["-D"] + strace + [program] + arguments, environment: environment)
        }
        let log = SharedDescriptor(
            try FileDescriptor.open("\(scratch)/agent.log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600))
        spawn.standardOutput = log
        spawn.standardError = log
        spawn.newSession = true
        agent = try spawn.start()
        exit = nil
    }

    /// Asks the agent to end and waits for it; its pods go on unless it was started to drain.
    func terminate() throws {
        guard let agent else { return }
        try agent.send(SIGTERM)
        try eventually("the agent ends after SIGTERM", seconds: 20) { try self.ended() != nil }
        self.agent = nil
    }

    /// Ends the agent without a chance to do anything.
    func kill() throws {
        guard let agent else { return }
        try agent.send(SIGKILL)
        if try ended() == nil { exit = try agent.wait(block: true) }
        self.agent = nil
    }

    /// Stops the agent, which drains, and checks that nothing of it is left.
    func end() throws {
        guard let agent else { return }
        try agent.send(SIGTERM)
        try eventually("the agent ends after SIGTERM", seconds: 20) { try self.ended() != nil }
        self.agent = nil
        try expectEqual(exit?.code ?? -1, 0, "the agent's exit status")
        try expectEqual(LeakCount.mentions(of: root), [], "what is left of the node")
        try expect(!Files.exists(cgroup), "the agent's cgroup \(cgroup) is still there")
        try Files.removeTree(scratch)
    }

    /// Kills whatever there still is, after a failure.
    func discard() {
        try? kill()
        killCgroups(cgroup)
        for line in LeakCount.mentions(of: root) where line.hasPrefix("mount ") {
            _ = umount2(String(line.dropFirst(6)), Int32(MNT_DETACH))
        }
        try? removeCgroups(cgroup)
        LeakCount.discardNetwork()
        try? Files.removeTree(scratch)
    }

    /// What the agents said since the last `markLog`.
    var lastLog: String { String(agentLog().utf8.dropFirst(logMark)) ?? "" }
    func markLog() { logMark = agentLog().utf8.count }

    func agentLog() -> String { (try? text("\(scratch)/agent.log")) ?? "" }

    /// What a person needs to see why a test failed.
    func diagnosis() -> String {
        let pods = (try? swiftlet("get", "pods", "-o", "wide"))?.output ?? ""
        let events = (try? swiftlet("events"))?.output.suffix(3000) ?? ""
        let end = ((try? ended()) ?? nil).map { " (ended with status \($0.code), signal \($0.signal))" } ?? ""
        return "--- pods\n\(pods)--- events\n\(events)--- agent\(end)\n\(agentLog().suffix(5000))---"
    }

    // MARK: the command line

    /// Runs `swiftlet --root ROOT arguments`.
    @discardableResult
    func swiftlet(_ arguments: String..., input: [UInt8]? = nil, seconds: Int64 = 20) throws -> CommandResult {
        try swiftlet(arguments, input: input, seconds: seconds)
    }

    func swiftlet(_ arguments: [String], input: [UInt8]? = nil, seconds: Int64 = 20) throws -> CommandResult {
        try run(
            "\(machine.programs)/swiftlet", ["--root", root] + arguments, input: input,
            timeout: .seconds(seconds * machine.scale))
    }

    /// The same, throwing unless it succeeds; what it printed.
    @discardableResult
    func ok(_ arguments: String...) throws -> String {
        let result = try swiftlet(arguments)
        if result.status != 0 {
            throw Failure("swiftlet \(arguments.joined(separator: " ")): \(result.status): \(result.errors)")
        }
        return result.output
    }

    /// Asks again until `condition` holds.
    ///
    /// - Throws: `Failure` when it does not within `seconds`, scaled; what `condition` throws.
    func eventually(_ what: String, seconds: Int64, _ condition: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(seconds * machine.scale)
        while !(try condition()) {
            if BootInstant.now > deadline { throw Failure("not within \(seconds * machine.scale) s: \(what)") }
            pause(milliseconds: Int32(clamping: 20 * machine.scale))
        }
    }

    // MARK: manifests

    /// Puts a file into the manifest folder in one step, as an editor or a configuration tool does.
    func drop(_ file: String, _ contents: String) throws {
        try Files.replace("\(podspecs)/.\(file)", with: contents.utf8, mode: 0o644, durable: false)
        guard rename("\(podspecs)/.\(file)", "\(podspecs)/\(file)") == 0 else { throw SystemError("rename", file) }
        dropped.insert(file)
    }

    /// Removes a file from the manifest folder.
    func remove(_ file: String) throws {
        try Files.remove("\(podspecs)/\(file)")
        dropped.remove(file)
    }

    /// Removes all manifests and waits until their pods are gone.
    func removeAllPods() throws {
        for file in try Files.list(podspecs) where !file.hasPrefix(".") { try Files.remove("\(podspecs)/\(file)") }
        dropped = []
        try eventually("all pods are gone", seconds: 20) { try pods().isEmpty }
    }

    // MARK: pods

    func pods() throws -> [JSONValue] {
        let list = try JSONParser.parse(Array(try ok("get", "pods", "-o", "json").utf8))
        return list.at("items")?.arrayValue ?? []
    }

    /// The pod of a manifest with this name.
    func pod(_ name: String) throws -> JSONValue? {
        try pods().first {
            let found = $0.string("metadata.name")
            return found == "\(name)-\(Node.name)" || found == name
        }
    }

    /// The name the node knows the pod by.
    func fullName(_ name: String) throws -> String {
        guard let found = try pod(name)?.string("metadata.name") else { throw Failure("there is no pod \(name)") }
        return found
    }

    /// Waits until the pod is there and `condition` holds of it.
    @discardableResult
    func wait(
        _ name: String, _ what: String, seconds: Int64 = 20, until condition: (JSONValue) throws -> Bool
    ) throws -> JSONValue {
        var last: JSONValue?
        do {
            try eventually("pod \(name): \(what)", seconds: seconds) {
                last = try pod(name)
                return try last.map(condition) ?? false
            }
        } catch let failure as Failure {
            let status = last?.at("status").map { JSONWriter(indent: 1).text($0) } ?? "no such pod"
            throw Failure("\(failure); its status is \(status)")
        }
        guard let last else { throw Failure("no pod \(name)") }
        return last
    }

    @discardableResult
    func waitPhase(_ name: String, _ phase: String, seconds: Int64 = 20) throws -> JSONValue {
        try wait(name, "phase \(phase)", seconds: seconds) { $0.string("status.phase") == phase }
    }

    /// Waits until all containers of the pod are running and ready.
    @discardableResult
    func waitReady(_ name: String, seconds: Int64 = 20) throws -> JSONValue {
        try wait(name, "ready", seconds: seconds) { pod in
            let statuses = pod.at("status.containerStatuses")?.arrayValue ?? []
            return !statuses.isEmpty && statuses.allSatisfy { $0.at("ready")?.boolValue == true }
        }
    }

    func waitGone(_ name: String, seconds: Int64 = 20) throws {
        try eventually("pod \(name) is gone", seconds: seconds) { try pod(name) == nil }
    }

    /// Drops the pod, waits until it has succeeded and gives its container's log.
    func runToEnd(_ name: String, _ manifest: String, container: String = "main") throws -> String {
        try drop("\(name).yaml", manifest)
        try waitPhase(name, "Succeeded")
        return try logs(name, container)
    }

    func logs(_ name: String, _ container: String = "main") throws -> String {
        try ok("logs", try fullName(name), "-c", container)
    }

    /// Runs a shell script in a container.
    func exec(_ name: String, _ script: String, container: String = "main") throws -> CommandResult {
        try swiftlet("exec", try fullName(name), "-c", container, "--", "/bin/sh", "-c", script)
    }

    /// Reasons of the events of a pod.
    func eventReasons(_ name: String) throws -> [String] { try events(name).compactMap { $0.string("reason") } }

    func events(_ name: String) throws -> [JSONValue] {
        let list = try JSONParser.parse(Array(try ok("events", "-o", "json").utf8))
        let items = list.at("items")?.arrayValue ?? []
        return items.filter {
            let object = $0.string("involvedObject.name")
            return object == name || object == "\(name)-\(Node.name)"
        }
    }

    // MARK: the kernel's side

    /// The cgroup folder of a pod.
    func podCgroup(_ name: String) throws -> String {
        guard let uid = try pod(name)?.string("metadata.uid") else { throw Failure("pod \(name) has no uid") }
        guard let folder = findFolder(in: cgroup, containing: uid) else {
            throw Failure("no cgroup of pod \(name) (\(uid)) under \(cgroup)")
        }
        return folder
    }

    func containerCgroup(_ name: String, _ container: String = "main") throws -> String {
        let folder = try podCgroup(name) + "/" + container
        try expect(Files.isDirectory(folder), "no cgroup \(folder)")
        return folder
    }

    /// The pids of a container on the host, the first one first.
    func processes(_ name: String, _ container: String = "main") throws -> [pid_t] {
        try Files.readText("\(containerCgroup(name, container))/cgroup.procs").split(separator: "\n")
            .compactMap { pid_t($0) }.sorted { Self.startTime($0) < Self.startTime($1) }
    }

    /// When a process began, in ticks since boot. Its number says nothing: numbers begin anew.
    private static func startTime(_ pid: pid_t) -> Int64 {
        let stat = (try? Files.readText("/proc/\(pid)/stat")) ?? ""
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        return fields.count > 20 ? Int64(fields[20]) ?? .max : .max
    }
}
