import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Beside the distribution's reference plugins, and as programs.
@Suite(
    .enabled(
        if: BridgeLaboratory.isPossible && Caller.hasReference("bridge") && Caller.hasReference("host-local"),
        "makes namespaces, with IPv6, and needs the package containernetworking-plugins"))
struct BridgeReferenceTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// What an ADD has made: of the result and the kernel's state all that is not chosen at random.
    private static func outcome(
        _ laboratory: Laboratory, _ id: String, _ call: (Caller) throws -> PluginCall.Outcome
    ) throws -> [String] {
        let caller = try laboratory.container(id)
        let added = try call(caller)
        try #require(added.exitCode == 0, "\(added.text)")
        let result = try CNIResult(json: added.json)
        var facts = [
            "\(result.interfaces.map { [$0.name.hasPrefix("veth") ? "veth" : $0.name, $0.sandbox ?? "-"] })",
            "\(result.ips)", "\(result.routes)", "\(result.dns)", added.json["cniVersion"]?.stringValue ?? "",
        ]
        let host = try #require(try laboratory.link(result.interfaces[1].name))
        facts.append("\(host.isUp) \(host.mtu) \(host.port?.hairpin as Any) \(host.kind ?? "")")
        for name in ["br9", host.name] { facts.append(try laboratory.setting("ipv6/conf/\(name)/accept_ra")) }
        facts.append("\(try laboratory.addresses("br9")) \(try laboratory.link("br9")?.isPromiscuous as Any)")
        for name in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] { facts.append(try laboratory.setting(name)) }
        try laboratory.inside(id) { () throws in
            let link = try #require(try laboratory.link("eth0"))
            facts.append("\(link.isUp) \(link.mtu) \(try laboratory.addresses("eth0")) \(try laboratory.routes())")
            for name in ["ipv6/conf/eth0/accept_dad", "ipv4/conf/eth0/arp_notify", "ipv6/conf/eth0/disable_ipv6"] {
                facts.append(try laboratory.setting(name))
            }
        }
        return facts.map { $0.replacing("/\(id).netns", with: "/netns") }
    }

    private static let four = #""subnet":"10.9.0.0/24""#
    private static let dual = #""ranges":[[{"subnet":"10.9.0.0/24","gateway":"10.9.0.254"}],[{"subnet":"fd09::/64"}]]"#
    private static let routed = four + #","routes":[{"dst":"0.0.0.0/0"},{"dst":"10.77.0.0/16","gw":"10.9.0.9"}]"#

    @Test(arguments: [
        ("", four, "1.0.0"), (#","isGateway":true,"mtu":1400"#, dual, "0.4.0"),
        (#","isDefaultGateway":true,"hairpinMode":true"#, dual, "0.3.1"), (#","isGateway":true"#, routed, "1.0.0"),
        (
            #","isDefaultGateway":true,"promiscMode":true,"dns":{"nameservers":["10.0.0.2"],"search":["a.b"]}"#, dual,
            "1.0.0"
        ),
    ])
    func theSameIsMadeAndSaidAsByTheReference(_ keys: String, _ ipam: String, _ version: String) async throws {
        await #expect(processExitsWith: .success) {
            [path = folder.path as String, keys = keys as String, ipam = ipam as String, version = version as String] in
            var facts: [[String]] = []
            for (index, isOurs) in [true, false].enumerated() {
                // A host for each: the second sees nothing of the first.
                let part = "\(path)/\(index)"
                try Files.makeDirectories(part)
                let laboratory = try Laboratory(in: part)
                let configuration = laboratory.configuration(keys, ipam: ipam, version: version)
                let outcome = try BridgeReferenceTests.outcome(laboratory, "a") { caller in
                    var caller = caller
                    caller.path = isOurs ? "\(part)/own" : Caller.referenceFolder
                    return try isOurs
                        ? caller.ours("bridge", "ADD", configuration)
                        : caller.reference("bridge", "ADD", configuration)
                }
                facts.append(outcome.map { $0.replacing(part, with: "") })
            }
            #expect(facts[0] == facts[1])
        }
    }

    @Test func bridgeAndIPAMOfDifferentMakersWorkTogether() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(#","isDefaultGateway":true"#)
            // Our program and theirs, each with both; the other one of the same sort takes away what the one made.
            let ours = "\(path)/program/bridge"
            let theirs = "\(Caller.referenceFolder)/bridge"
            for (index, (bridge, delegates, other)) in [
                (ours, Laboratory.Delegates.reference, ours), (theirs, .program, theirs), (ours, .program, theirs),
                (theirs, .reference, ours),
            ].enumerated() {
                let caller = try laboratory.container("c\(index)", delegates)
                let added = try caller.program(bridge, "ADD", configuration)
                #expect(added.exitCode == 0, "\(index): \(added.text)")
                #expect(laboratory.leases == ["10.9.0.\(index + 2)"])
                let previous = Laboratory.previous(configuration, added)
                let checked = try caller.program(bridge, "CHECK", previous)
                #expect(checked == PluginCall.Outcome(), "\(index): \(checked.text)")
                let deleted = try caller.program(other, "DEL", previous)
                #expect(deleted == PluginCall.Outcome(), "\(index): \(deleted.text)")
                #expect(try laboratory.links() == ["br9", "lo"])
                #expect(try laboratory.inside("c\(index)") { try laboratory.links() } == ["lo"])
                #expect(laboratory.leases.isEmpty)
            }
            // An error of the other plugin comes through as it is.
            let full = laboratory.configuration(ipam: #""subnet":"10.9.0.0/31""#)
            for delegates in [Laboratory.Delegates.reference, .program, .inProcess] {
                var caller = laboratory.caller("c0", delegates)
                let alone = try caller.program("\(caller.path)/host-local", "ADD", full)
                if delegates == .inProcess { caller.path = "\(path)/program" }
                let inner = delegates == .inProcess ? caller.ours("host-local", "ADD", full) : alone
                let outer = laboratory.caller("c0", delegates).ours("bridge", "ADD", full)
                #expect(outer.code == inner.code && outer.json["msg"] == inner.json["msg"], "\(outer.text)")
            }
        }
    }

    @Test func callsAtTheSameTimeDoNotDisturbEachOther() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(#","isDefaultGateway":true"#)
            for command in ["ADD", "DEL"] {
                var children: [ChildProcess] = []
                for index in 0..<12 {
                    let id = "c\(index)"
                    let caller = command == "ADD" ? try laboratory.container(id) : laboratory.caller(id)
                    try Files.replace("\(path)/conf", with: configuration.utf8, durable: false)
                    var spawn = Spawn(
                        "\(path)/program/bridge", [],
                        environment: [
                            "CNI_COMMAND=\(command)", "CNI_CONTAINERID=\(id)", "CNI_NETNS=\(caller.netns)",
                            "CNI_IFNAME=eth0", "CNI_PATH=\(path)/program",
                        ])
                    spawn.standardInput = SharedDescriptor(try FileDescriptor.open("\(path)/conf", O_RDONLY))
                    spawn.standardOutput = SharedDescriptor(
                        try FileDescriptor.open("\(path)/\(id).out", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
                    children.append(try spawn.start())
                }
                for (index, child) in children.enumerated() {
                    let code = try child.wait(block: true)?.code
                    let said = try Files.readText("\(path)/c\(index).out")
                    #expect(code == 0, "\(said)")
                }
                if command == "ADD" {
                    var seen: Set<String> = []
                    for index in 0..<12 {
                        try laboratory.inside("c\(index)") { () throws in
                            seen.formUnion(try laboratory.addresses("eth0"))
                        }
                    }
                    #expect(seen.count == 12 && laboratory.leases.count == 12)
                    #expect(try laboratory.links().count == 14)
                }
            }
            #expect(try laboratory.links() == ["br9", "lo"] && laboratory.leases.isEmpty)
        }
    }

    @Test func hostileConfigurationsNeverCrashAndLeaveNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            try BridgeReferenceTests.fuzz(try Laboratory(in: path))
        }
    }

    private static func fuzz(_ laboratory: Laboratory) throws {
        let seed = laboratory.configuration(
            #","isDefaultGateway":true,"mtu":1400,"hairpinMode":false,"dns":{"search":["a"]},"args":{"cni":{"mac":"0a:00:00:00:00:02","ips":["10.9.0.7"]}},"runtimeConfig":{"ips":["fd09::5"]},"cni.dev/valid-attachments":[{"containerID":"a","ifname":"eth0"}],"prevResult":{"interfaces":[{"name":"eth0","sandbox":"x"}],"ips":[{"interface":0,"address":"10.9.0.7/24"}]}"#,
            ipam:
                #""ranges":[[{"subnet":"10.9.0.0/24","rangeStart":"10.9.0.5"}],[{"subnet":"fd09::/64"}]],"routes":[{"dst":"0.0.0.0/0","mtu":1300,"scope":0}]"#,
            version: "1.1.0")
        let tree = try JSONParser.parse(Array(seed.utf8))
        var random = Random(state: 7)
        let caller = try laboratory.container("a")
        var successes = 0
        for _ in 0..<250 {
            var mutated = tree
            for _ in 0...random.below(3) { mutate(&mutated, &random) }
            // Leases stay in the test's folder, and the only plugin that is executed is ours.
            if var ipam = mutated["ipam"]?.objectValue, var root = mutated.objectValue {
                ipam["dataDir"] = .string("\(laboratory.folder)/leases")
                root["ipam"] = .object(ipam)
                mutated = .object(root)
            }
            var bytes = JSONWriter().bytes(mutated)
            if random.below(10) == 0 { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            let text = String(decoding: bytes, as: UTF8.self)
            for command in ["ADD", "CHECK", "STATUS", "GC", "DEL"] {
                let outcome = caller.ours("bridge", command, text)
                #expect(outcome.exitCode == 0 || outcome.code != nil, "\(command) \(text)")
                if command == "ADD", outcome.exitCode == 0 { successes += 1 }
                let alone = caller.ours("host-local", command, text)
                #expect(alone.exitCode == 0 || alone.code != nil, "\(command) \(text)")
            }
            // What DEL could not be told by what is no configuration any more.
            _ = caller.ours("bridge", "DEL", seed)
        }
        #expect(successes > 10, "some are still good")
        var socket = try RouteSocket()
        #expect(try socket.links().allSatisfy { $0.kind != "veth" })
        #expect(try laboratory.inside("a") { try laboratory.links() } == ["lo"])
    }

    /// A small generator, the same numbers in each run (splitmix64).
    private struct Random {
        var state: UInt64
        mutating func below(_ limit: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ z >> 31) % UInt64(max(limit, 1)))
        }
    }

    /// Changes one value somewhere.
    private static func mutate(_ value: inout JSONValue, _ random: inout Random) {
        let strangers: [JSONValue] = [
            .null, true, 0, -1, .integer(Int64.max), "", "x", "10.9.0.0/33", "fd09::/64", "::/0", "0.0.0.0/0", [], [[]],
            .object(JSONObject()), "\u{0}", .string(String(repeating: "a", count: 5000)), "../../etc",
            "255.255.255.255/1",
            "0.0.0.0/30",
        ]
        switch value.content {
        case .object(var object) where !object.isEmpty && random.below(8) > 0:
            let key = object.members[random.below(object.count)].key
            guard var member = object[key] else { return }
            mutate(&member, &random)
            object[key] = member
            value = .object(object)
        case .array(var list) where !list.isEmpty && random.below(4) > 0:
            let index = random.below(list.count)
            if random.below(4) == 0 { list.append(list[index]) } else { mutate(&list[index], &random) }
            value = .array(list)
        default: value = strangers[random.below(strangers.count)]
        }
    }
}
