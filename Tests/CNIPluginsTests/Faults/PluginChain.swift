import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import Testing

@testable import CNIPlugins

/// The chain of a network, its plugins called as programs.
final class PluginChain {
    let laboratory: BridgeLaboratory
    private let bridge: String
    private var ports: [String: Int] = [:]
    private var results: [String: PluginCall.Outcome] = [:]
    /// How long a program takes to start, and a plugin to be done, by plugin and command.
    private let start: Nanoseconds
    private var durations: [String: Nanoseconds] = [:]

    private static let plugins = ["bridge", "portmap"]

    init(_ laboratory: BridgeLaboratory) throws {
        self.laboratory = laboratory
        _ = swl_interface_up("lo")
        for name in ["iptables", "ip6tables"] where Files.exists("/proc/sys/net/bridge/bridge-nf-call-\(name)") {
            try Files.writeExisting("/proc/sys/net/bridge/bridge-nf-call-\(name)", "0")
        }
        bridge = laboratory.configuration(
            #","isDefaultGateway":true,"ipMasq":true"#,
            ipam: #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]]"#, version: "1.1.0")
        let caller = laboratory.caller("none", .program)
        let begin = BootInstant.now
        for _ in 0..<3 { _ = try caller.program("\(caller.path)/bridge", "VERSION", bridge) }
        start = Nanoseconds((.now - begin).count / 3)
    }

    private func portmap(_ id: String) -> String {
        let port = ports[id] ?? 8080 + ports.count
        ports[id] = port
        let mappings = ["tcp", "udp"].map { #"{"hostPort":\#(port),"containerPort":80,"protocol":"\#($0)"}"# }
        return #"{"cniVersion":"1.1.0","name":"net","type":"portmap","runtimeConfig":{"portMappings":["#
            + mappings.joined(separator: ",") + "]}}"
    }

    // MARK: calls

    /// Makes a namespace and attaches it.
    func attach(_ id: String) throws {
        _ = try laboratory.container(id, .program)
        try attachAgain(id)
    }

    func attachAgain(_ id: String) throws {
        let attached = try call("bridge", "ADD", id, bridge)
        try #require(attached.exitCode == 0, "\(attached.text)")
        results[id] = attached
        let mapped = try call("portmap", "ADD", id, BridgeLaboratory.previous(portmap(id), attached))
        try #require(mapped.exitCode == 0, "\(mapped.text)")
    }

    /// As a runtime does: in reverse, with the result where ADD has given one.
    func detach(_ id: String) throws {
        for plugin in Self.plugins.reversed() {
            let deleted = try call(plugin, "DEL", id, configuration(plugin, id))
            try #require(deleted == PluginCall.Outcome(), "\(plugin): \(deleted.text)")
        }
        results[id] = nil
    }

    func check(_ id: String) throws {
        for plugin in Self.plugins {
            let checked = try call(plugin, "CHECK", id, configuration(plugin, id))
            #expect(checked == PluginCall.Outcome(), "\(plugin) of \(id): \(checked.text)")
        }
    }

    /// All but the living are gone.
    func collectGarbage() throws {
        let valid = results.keys.filter { $0.hasPrefix("living") }.sorted()
            .map { #"{"containerID":"\#($0)","ifname":"eth0"}"# }.joined(separator: ",")
        for plugin in Self.plugins {
            let whole = plugin == "bridge" ? bridge : portmap("none")
            let collected = try call(
                plugin, "GC", "none", BridgeLaboratory.with(whole, #""cni.dev/valid-attachments":[\#(valid)]"#))
            try #require(collected == PluginCall.Outcome(), "\(plugin): \(collected.text)")
        }
        results = results.filter { $0.key.hasPrefix("living") }
    }

    private func configuration(_ plugin: String, _ id: String) -> String {
        let configuration = plugin == "bridge" ? bridge : portmap(id)
        return results[id].map { BridgeLaboratory.previous(configuration, $0) } ?? configuration
    }

    private func call(
        _ plugin: String, _ command: String, _ id: String, _ configuration: String
    ) throws -> PluginCall.Outcome {
        let begin = BootInstant.now
        let caller = laboratory.caller(id, .program)
        let outcome = try caller.program("\(caller.path)/\(plugin)", command, configuration)
        durations["\(plugin) \(command)"] = .now - begin
        return outcome
    }

    // MARK: kills

    /// Attaches `id` (for DEL: as a whole), and kills one of the plugins that do `command`.
    ///
    /// - Parameter moment: of a thousand, from when the first has started until the last is done.
    /// - Returns: which was killed; nil when all were done before.
    func kill(_ command: String, _ id: String, at moment: Int) throws -> String? {
        if command == "ADD" { _ = try laboratory.container(id, .program) } else { try attach(id) }
        let order = command == "ADD" ? Self.plugins : Self.plugins.reversed()
        // Most of the time is bridge's.
        let victim = moment % 4 == 0 ? "portmap" : "bridge"
        for plugin in order {
            guard plugin == victim else {
                let outcome = try call(plugin, command, id, configuration(plugin, id))
                try #require(outcome.exitCode == 0, "\(outcome.text)")
                if command == "ADD" { results[id] = outcome }
                continue
            }
            let whole = (durations["\(plugin) \(command)"] ?? start).count - start.count / 2
            let delay = Nanoseconds(start.count / 2 + whole * Int64(moment) / 1000)
            return try killed(plugin, command, id, after: delay) ? "\(plugin) \(command)" : nil
        }
        return nil
    }

    private func killed(_ plugin: String, _ command: String, _ id: String, after delay: Nanoseconds) throws -> Bool {
        let caller = laboratory.caller(id, .program)
        let input = "\(laboratory.folder)/input"
        try Files.replace(input, with: configuration(plugin, id).utf8, durable: false)
        var spawn = Spawn(
            "\(caller.path)/\(plugin)", [],
            environment: [
                "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(id)", "CNI_NETNS=\(caller.netns)", "CNI_IFNAME=eth0",
                "CNI_PATH=\(caller.path)",
            ])
        spawn.standardInput = SharedDescriptor(try FileDescriptor.open(input, O_RDONLY))
        let end = BootInstant.now + delay
        let child = try spawn.start()
        // Not asleep: the moments are fractions of a millisecond apart.
        while BootInstant.now < end, !child.hasEnded {}
        try child.send(SIGKILL)
        return try #require(try child.wait(block: true)).signal == SIGKILL
    }

    // MARK: what is there

    /// What all attachments have of the host: interfaces, leases, and the owners of elements in every set.
    func state() throws -> [String] {
        var facts = try laboratory.links() + laboratory.leases.sorted()
        var socket = try NftablesSocket()
        let table = NftablesTable(.inet, NftTableName.usual)
        for set in try socket.sets(of: table) {
            let owners = try socket.elements(of: set, in: table)?.map(\.comment) ?? []
            facts += owners.map { "\(set) \($0)" }.sorted()
        }
        return facts
    }

    /// Traffic between two attachments, and from the host to the second.
    func traffic(from client: String, to server: String) throws -> SteadyTraffic {
        typealias Endpoint = NetworkSocket.Endpoint
        let target = Endpoint("10.9.0.1", UInt16(ports[server] ?? 0))
        let sender = try laboratory.insideSocket(client) { try NetworkSocket(.udp, isIPv6: false) }
        try sender.connect(to: target)
        return try SteadyTraffic(
            server: laboratory.insideSocket(server) { try NetworkSocket.server(.tcp, Endpoint("0.0.0.0", 80)) },
            target: target, client: sender,
            peer: laboratory.insideSocket(server) { try NetworkSocket.server(.udp, Endpoint("0.0.0.0", 80)) })
    }
}
