import Base
import CLinux

/// Kills the CNI plugins that attach or release a pod at any of their calls, or lets that call fail. The agent then
/// asks for DEL and tries again: the pod gets its network, and nothing of the attempt is left.
///
/// The agent finds programs of ours in the plugins' place, which run the real ones under strace where a file asks for
/// it, once.
struct PluginSweep {
    /// What happens to which call of which plugin.
    struct Disturbance: CustomStringConvertible {
        var plugin: String
        var command: String
        var injection: String
        var moment: SweepMoment

        var description: String { "\(plugin) \(command), \(injection) at \(moment)" }
    }

    /// Calls that change the world, and how they fail.
    private static let kinds: [(calls: String, injection: String)] = [
        (CrashSweep.calls, "signal=KILL"), ("openat,write", "error=ENOSPC"), ("openat,unlinkat", "error=EIO"),
        ("sendto,sendmsg", "error=EAGAIN"),
    ]
    private static let plugins = ["bridge", "host-local", "portmap"]
    private static let commands = ["ADD", "DEL"]
    private static let port: UInt16 = 8120

    private let node: Node
    private let folder: String
    private let bystander: Bystander
    private let empty: Snapshot

    init(_ node: Node) throws {
        self.node = node
        folder = "\(Path.parent(node.root))/programs"
        let real = node.machine.programs
        try Files.makeDirectories("\(folder)/cni")
        // Programs look for others beside themselves, whatever link they were called by.
        for name in ["swiftletd", "swiftlet-pod"] {
            try Files.replace(
                "\(folder)/\(name)", with: try Files.read("\(real)/\(name)", limit: 256 << 20), mode: 0o755,
                durable: false)
        }
        for name in Self.plugins + ["loopback"] {
            let script = """
                #!/bin/sh
                wish=\(folder)/\(name)-$CNI_COMMAND
                if /bin/mv $wish $wish.taken 2>/dev/null; then
                    exec /usr/bin/strace -qq -o $wish.out $(/bin/cat $wish.taken) \(real)/cni/\(name)
                fi
                exec \(real)/cni/\(name)

                """
            try Files.replace("\(folder)/cni/\(name)", with: script.utf8, mode: 0o755, durable: false)
        }
        try node.kill()
        try node.start(.init(programs: folder))
        bystander = try Bystander(node)
        try Self.run(node)
        empty = try Snapshot(node)
    }

    /// A pod that comes, is reached, and goes.
    private static func run(_ node: Node) throws {
        let script = "mkdir /tmp/w; echo guest > /tmp/w/index.html; httpd -p 80 -h /tmp/w; \(hold)"
        let ports = "ports: [{containerPort: 80, hostPort: \(port)}]"
        try node.drop("guest.yaml", shellPod("guest", script, container: ports, restart: "Always"))
        try node.waitReady("guest", seconds: 40)
        try node.eventually("it is reached by hostPort", seconds: 10) {
            (try? HTTPPeer.fetch("127.0.0.1", port)) == "guest"
        }
        try node.remove("guest.yaml")
        try node.waitGone("guest", seconds: 40)
    }

    private func wish(_ plugin: String, _ command: String, _ arguments: [String]) throws {
        let text = arguments.joined(separator: " ")
        try Files.replace("\(folder)/\(plugin)-\(command)", with: text.utf8, durable: false)
    }

    /// Everything that can happen.
    func disturbances() throws -> [Disturbance] {
        for plugin in Self.plugins {
            for command in Self.commands { try wish(plugin, command, ["-e", "trace=\(CrashSweep.calls)"]) }
        }
        try Self.run(node)
        var found: [Disturbance] = []
        for plugin in Self.plugins {
            for command in Self.commands {
                let moments = SweepMoments(try text("\(folder)/\(plugin)-\(command).out"))
                for (calls, injection) in Self.kinds {
                    found += moments.list(calls).map {
                        Disturbance(plugin: plugin, command: command, injection: injection, moment: $0)
                    }
                }
            }
        }
        try expect(!found.isEmpty, "strace saw no call of a plugin")
        return found
    }

    func disturb(_ disturbance: Disturbance) throws {
        let (plugin, command) = (disturbance.plugin, disturbance.command)
        do {
            try wish(plugin, command, disturbance.moment.strace(disturbance.injection))
            try Self.run(node)
            try expect(!Files.exists("\(folder)/\(plugin)-\(command)"), "the plugin was not called")
            try empty.expectAgain(node)
            try bystander.expectUnchanged("though another pod's plugin had trouble")
        } catch {
            throw Failure("\(disturbance): \(error)")
        }
    }
}
