import Base
import CLinux
import JSON

/// `bridge` with `host-local`, and `portmap` behind it, called as a runtime calls them: each a program, with its
/// configuration on standard input and what the ones before have made.
final class PluginLane: Lane {
    let name: String
    let host: String
    private let programs: String
    private let bridge: JSONValue
    private let portmap: JSONValue
    private var results: [String: JSONValue] = [:]
    /// How many calls of DEL had to be made again.
    private(set) var failures = 0

    /// - Parameters:
    ///   - programs: the folder of plugins.
    ///   - leases: a folder for `host-local`.
    init(_ name: String, programs: String, host: String, leases: String) {
        self.name = name
        self.host = host
        self.programs = programs
        // The newest version that all have.
        let common: [JSONObject.Member] = [
            .init(key: "cniVersion", value: "1.0.0"), .init(key: "name", value: "bench"),
        ]
        let range: JSONValue = ["subnet": "10.88.0.0/20"]
        bridge = .object(
            JSONObject(
                common + [
                    .init(key: "type", value: "bridge"), .init(key: "bridge", value: .string(Self.bridge)),
                    .init(key: "isGateway", value: true), .init(key: "ipMasq", value: true),
                    .init(
                        key: "ipam",
                        value: [
                            "type": "host-local", "dataDir": .string(leases), "ranges": [[range]],
                            "routes": [["dst": "0.0.0.0/0"]],
                        ]),
                ]))
        portmap = .object(
            JSONObject(
                common + [
                    .init(key: "type", value: "portmap"), .init(key: "capabilities", value: ["portMappings": true]),
                ]))
    }

    private static let bridge = "bench0"

    func add(_ sandbox: Sandbox) throws -> Cost {
        let start = BootInstant.now
        let attached = try parse(try call("bridge", "ADD", sandbox, sandbox.path, bridge))
        let middle = BootInstant.now
        let previous = with(portmap, ports(sandbox), attached)
        results[sandbox.path] = try parse(try call("portmap", "ADD", sandbox, sandbox.path, previous))
        return Cost(whole: .now - start, ports: .now - middle)
    }

    func link(of sandbox: Sandbox) -> String {
        let interfaces = results[sandbox.path]?["interfaces"]?.arrayValue ?? []
        return interfaces.count > 1 ? interfaces[1]["name"]?.stringValue ?? "" : ""
    }

    func delete(_ sandbox: Sandbox, isGone: Bool) throws -> Cost {
        guard let result = results.removeValue(forKey: sandbox.path) else {
            throw Problem("\(sandbox.path) was not attached")
        }
        let namespace = isGone ? "" : sandbox.path
        let failed = failures
        let start = BootInstant.now
        try retry("portmap", sandbox, namespace, with(portmap, ports(sandbox), result))
        let middle = BootInstant.now
        try retry("bridge", sandbox, namespace, with(bridge, nil, result))
        return Cost(whole: .now - start, ports: middle - start, isRepeated: failures > failed)
    }

    /// DEL, again where it fails, as a runtime does: the reference's does at times, by iptables.
    private func retry(
        _ plugin: String, _ sandbox: Sandbox, _ namespace: String, _ configuration: JSONValue
    ) throws {
        for _ in 0..<20 {
            do {
                _ = try call(plugin, "DEL", sandbox, namespace, configuration)
                return
            } catch {
                failures += 1
            }
        }
        _ = try call(plugin, "DEL", sandbox, namespace, configuration)
    }

    /// The start of a plugin that has nothing to do.
    func start() throws -> Nanoseconds {
        let start = BootInstant.now
        _ = try call("portmap", "VERSION", Sandbox(index: 0, path: ""), "", ["cniVersion": "1.0.0"])
        return .now - start
    }

    private func ports(_ sandbox: Sandbox) -> JSONValue {
        let mappings = (0..<sandbox.ports).map { number -> JSONValue in
            [
                "hostPort": .integer(20_000 + sandbox.index + number), "containerPort": .integer(80 + number),
                "protocol": "tcp",
            ]
        }
        return ["portMappings": .array(mappings)]
    }

    private func with(_ configuration: JSONValue, _ runtime: JSONValue?, _ result: JSONValue) -> JSONValue {
        var object = configuration.objectValue ?? JSONObject()
        object.append("runtimeConfig", ifPresent: runtime)
        object.append("prevResult", result)
        return .object(object)
    }

    private func parse(_ output: [UInt8]) throws -> JSONValue { try JSONParser.parse(output) }

    private func call(
        _ plugin: String, _ command: String, _ sandbox: Sandbox, _ namespace: String, _ configuration: JSONValue
    ) throws -> [UInt8] {
        let path = Path.join(programs, plugin)
        let input = try Self.memory()
        try input.descriptor.writeAll(JSONWriter().bytes(configuration), name: "the input of \(plugin)")
        _ = lseek(input.raw, 0, SEEK_SET)
        let output = try Self.memory()
        var spawn = Spawn(
            path, [],
            environment: [
                "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(sandbox.id)", "CNI_NETNS=\(namespace)",
                "CNI_IFNAME=eth0", "CNI_PATH=\(programs)", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            ])
        spawn.standardInput = input
        spawn.standardOutput = output
        spawn.standardError = SharedDescriptor(FileDescriptor(adopting: dup(2)))
        let exit = try spawn.start().wait(block: true)
        _ = lseek(output.raw, 0, SEEK_SET)
        let printed = try output.descriptor.readAll(limit: 4 << 20)
        guard exit?.code == 0 else {
            throw Problem("\(path) \(command) of \(sandbox.id): \(String(decoding: printed, as: UTF8.self))")
        }
        return printed
    }

    private static func memory() throws -> SharedDescriptor {
        SharedDescriptor(
            FileDescriptor(adopting: try retrying("create", "memory") { swl_memfd_create("cni", UInt32(MFD_CLOEXEC)) }))
    }
}
