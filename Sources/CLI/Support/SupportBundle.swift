import Base
import HTTP
import JSON
import PodSources
import YAML

/// What is known of a node, gathered in a folder: files of the agent's answers, the machine's state and logs, without
/// secrets. What cannot be had is listed instead of ending it.
struct SupportBundle {
    private let tool: Tool
    private let folder: String
    /// Lines of each container's log; 0 for none.
    private let logLines: Int64
    private(set) var missing: [String] = []
    private(set) var count = 0

    /// - Parameter folder: is there, and empty.
    init(_ tool: Tool, folder: String, logLines: Int64) {
        self.tool = tool
        self.folder = folder
        self.logLines = logLines
    }

    mutating func gather() throws(CLIError) {
        try add("swiftlet.version", Array("\(Release.version)\n".utf8))
        try answers()
        try manifests()
        try machine()
        try programs()
        if !missing.isEmpty { try add("missing.txt", Array((missing.joined(separator: "\n") + "\n").utf8)) }
    }

    // MARK: The agent

    private mutating func answers() throws(CLIError) {
        do throws(CLIError) { _ = try tool.agent() } catch {
            missing.append("all of the agent: \(error.message)")
            return
        }
        // As a person would ask.
        let questions = [
            "status", "doctor", "why -A", "get pods -A -o wide", "get events -A", "get images", "get volumes -A",
            "top pods -A --containers", "config view --effective",
        ]
        for question in questions {
            let words = question.split(separator: " ").map(String.init)
            var said: [UInt8] = []
            var own = Tool(root: tool.root, output: Output { said += $0 }) { said += Array("\($0)\n".utf8) }
            own.now = tool.now
            own.pause = tool.pause
            _ = CommandLineTool.run(words, own)
            let name = words.filter { !$0.hasPrefix("-") && $0 != "wide" }.joined(separator: "-")
            try add("agent/\(name).txt", Redaction.bytes(said))
        }
        let ours = ["swiftlet", "v1"]
        try document("agent/pods.json", ours + ["pods"])
        try document("agent/events.json", ours + ["events"])
        try document("agent/problems.json", ours + ["problems"])
        try document("agent/config.json", ours + ["config"])
        try document("agent/summary.json", ["stats", "summary"])
        if let bytes = ask(["metrics"], "agent/metrics.txt") { try add("agent/metrics.txt", bytes) }
        if logLines > 0 { try logs() }
    }

    private mutating func ask(
        _ path: [String], _ name: String, query: [RequestTarget.Item] = []
    ) -> [UInt8]? {
        do throws(CLIError) {
            return try tool.agent().request("GET", RequestTarget(path: path, query: query))
        } catch {
            missing.append("\(name): \(error.message)")
            return nil
        }
    }

    private mutating func document(_ name: String, _ path: [String]) throws(CLIError) {
        guard let bytes = ask(path, name) else { return }
        do throws(CLIError) {
            let value = Redaction.value(try AgentClient.parse(bytes))
            try add(name, Array(Documents.json(value)))
        } catch {
            missing.append("\(name): \(error.message)")
        }
    }

    /// The last lines of every container's run, and of the run before.
    private mutating func logs() throws(CLIError) {
        guard let bytes = ask(["pods"], "logs"), let pods = try? AgentClient.parse(bytes) else { return }
        for pod in pods["items"]?.arrayValue ?? [] {
            let namespace = pod["metadata"]?["namespace"]?.stringValue ?? ""
            let name = pod["metadata"]?["name"]?.stringValue ?? ""
            for list in ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"] {
                for status in pod["status"]?[list]?.arrayValue ?? [] {
                    let container = status["name"]?.stringValue ?? ""
                    let path = ["containerLogs", namespace, name, container]
                    var query = [RequestTarget.Item("tailLines", String(logLines)), .init("timestamps", "true")]
                    let file = "logs/\(namespace)_\(name)_\(container)"
                    if let log = ask(path, file, query: query) { try add(file + ".log", Redaction.bytes(log)) }
                    guard status["restartCount"]?.integerValue ?? 0 > 0 else { continue }
                    query.append(.init("previous", "true"))
                    if let log = ask(path, file, query: query) {
                        try add(file + ".previous.log", Redaction.bytes(log))
                    }
                }
            }
        }
    }

    // MARK: Files

    private mutating func manifests() throws(CLIError) {
        let agent = try? tool.agent()
        guard let store = try? ManifestStore(tool, agent) else {
            return missing.append("manifests: the folder cannot be read")
        }
        for name in (try? Files.list(store.folder).filter(ManifestFolder.isManifestName)) ?? [] {
            let path = Path.join(store.folder, name)
            try document(path, as: "manifests/\(name)")
        }
        let configuration = tool.root + "/etc/swiftlet/config.yaml"
        if Files.exists(configuration) { try document(configuration, as: "config.yaml") }
    }

    /// A YAML file, by what its names tell. Of one that cannot be read as such it cannot be told what a secret is.
    private mutating func document(_ path: String, as name: String) throws(CLIError) {
        guard let bytes = try? Files.read(path, limit: 10 << 20) else {
            return missing.append("\(path): cannot be read")
        }
        guard let documents = try? YAML.documents(bytes) else {
            return missing.append("\(path): no YAML, and so its secrets cannot be found")
        }
        let text = documents.map { YAMLWriter.text(Redaction.value($0)) }.joined(separator: "---\n")
        try add(name, Array(text.utf8))
    }

    private mutating func file(_ path: String) throws(CLIError) {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.read(path, limit: 16 << 20) } catch {
            if error.errno != .noEntry { missing.append("\(path): \(error.errno)") }
            return
        }
        try add("machine" + path.replacing("/", with: "_"), Redaction.bytes(bytes))
    }

    private mutating func machine() throws(CLIError) {
        let files = [
            "/etc/os-release", "/proc/version", "/proc/cmdline", "/proc/meminfo", "/proc/loadavg", "/proc/uptime",
            "/proc/filesystems", "/proc/modules", "/proc/mounts", "/proc/cgroups", "/proc/pressure/cpu",
            "/proc/pressure/memory", "/proc/pressure/io", "/proc/net/dev", "/proc/net/route",
            "/proc/sys/net/ipv4/ip_forward",
            "/proc/sys/kernel/pid_max", "/sys/fs/cgroup/cgroup.controllers", "/sys/kernel/security/lsm",
            "/etc/resolv.conf",
        ]
        for path in files { try file(path) }
        for path in (try? Files.list("/etc/cni/net.d")) ?? [] { try file("/etc/cni/net.d/" + path) }
    }

    /// What programs of the machine say, of those that are there.
    private mutating func programs() throws(CLIError) {
        let calls = [
            ("journal.txt", "journalctl -u swiftletd -u swiftlet-pods --no-pager -o short-precise -n 5000"),
            ("units.txt", "systemctl status --no-pager -l swiftletd swiftlet-pods"),
            ("ip-address.txt", "ip -details address"), ("ip-route.txt", "ip route show table all"),
            ("nft.txt", "nft list ruleset"), ("df.txt", "df -h"), ("kernel.txt", "dmesg --ctime --nopager"),
        ]
        for (name, line) in calls {
            let words = line.split(separator: " ").map(String.init)
            guard let program = Programs.find(words[0]) else {
                missing.append("machine/\(name): no program \(words[0])")
                continue
            }
            let raw = Path.join(folder, "raw")
            if let problem = Programs.run(program, Array(words.dropFirst()), into: raw, within: .seconds(20)) {
                missing.append("machine/\(name): \(problem)")
            }
            let said = (try? Files.read(raw, limit: 64 << 20)) ?? []
            if !said.isEmpty { try add("machine/\(name)", Redaction.bytes(said)) }
            _ = try? Files.remove(raw)
        }
    }

    private mutating func add(_ name: String, _ bytes: [UInt8]) throws(CLIError) {
        let path = Path.join(folder, name)
        do throws(SystemError) {
            try Files.makeDirectories(Path.parent(path), mode: 0o700)
            try Files.replace(path, with: bytes, mode: 0o600, durable: false)
        } catch {
            throw .failed("cannot write \(path): \(error.errno)")
        }
        count += 1
    }
}
