import Base
import CLinux
import CNITypes
import JSON
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Each test has a host of its own: see `NetworkLaboratory`.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct PortmapTests {
    /// Calls the plugin as the container `id`, whose pod is the laboratory's.
    static func call(
        _ command: String, _ laboratory: borrowing NetworkLaboratory, _ mappings: String?, id: String = "c1",
        more: String = "", previous: String? = nil
    ) -> PluginCall.Outcome {
        let netns = laboratory.path(NetworkLaboratory.pod)
        let six = laboratory.hasIPv6 ? #",{"interface":2,"address":"fd01::5/64"}"# : ""
        let usual =
            #"{"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"vpod"},"#
            + #"{"name":"eth0","sandbox":"\#(netns)"}],"ips":[{"interface":2,"address":"10.1.0.5/24"}\#(six)]}"#
        var text = #"{"cniVersion":"1.1.0","name":"n","type":"portmap"\#(more)"#
        if let mappings { text += #","runtimeConfig":{"portMappings":\#(mappings)}"# }
        let result = previous ?? usual
        if !result.isEmpty { text += #","prevResult":\#(result)"# }
        let variables = [
            "CNI_COMMAND": command, "CNI_CONTAINERID": id, "CNI_NETNS": netns, "CNI_IFNAME": "eth0",
            "CNI_PATH": "/nowhere",
        ]
        let input = Array((text + "}").utf8)
        return PluginCall.run(Portmap(), variables: variables) { () throws(SystemError) in input }
    }

    static func expectSuccess(
        _ outcome: PluginCall.Outcome, at location: SourceLocation = #_sourceLocation
    ) {
        #expect(outcome.exitCode == 0, "\(text(outcome))", sourceLocation: location)
    }

    static func text(_ outcome: PluginCall.Outcome) -> String { String(decoding: outcome.output, as: UTF8.self) }

    /// Every element of the table as its set and owner.
    static func elements(_ table: String = "swiftlet_cni") throws -> [String] {
        var socket = try NftablesSocket()
        var list: [String] = []
        for set in HostportRules.sets() {
            let table = NftablesTable(.inet, table)
            for element in try socket.elements(of: set, in: table) ?? [] { list.append("\(set) \(element.comment)") }
        }
        return list
    }

    static let tcp = #"[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]"#
    static let both =
        #"[{"hostPort":8080,"containerPort":80,"protocol":"TCP"},"#
        + #"{"hostPort":8080,"containerPort":80,"protocol":"udp"}]"#

    @Test func everybodyReachesThePodByTheHostsPort() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapTests.reachFromEverywhere(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func reachFromEverywhere(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let outside = NetworkLaboratory.outside
        #expect(try laboratory.connect(.tcp, from: outside, to: .init("192.0.2.1", 8080)) == .refused, "before")
        expectSuccess(call("ADD", laboratory, both))
        expectSuccess(call("CHECK", laboratory, both))
        for kind in [NetworkSocket.Kind.tcp, .udp] {
            // The source is kept where the answer finds its way back by itself.
            let paths: [(String?, String, String)] = [
                (outside, "192.0.2.1", "192.0.2.2"),
                (outside, "10.1.0.1", "192.0.2.2"),
                (nil, "192.0.2.1", "192.0.2.1"),
                (nil, "10.1.0.1", "10.1.0.1"),
                (nil, "127.0.0.1", "10.1.0.1"),
                (nil, "127.0.0.7", "10.1.0.1"),
                (NetworkLaboratory.pod, "10.1.0.1", "10.1.0.1"),
                (NetworkLaboratory.pod, "192.0.2.1", "10.1.0.1"),
                (NetworkLaboratory.neighbour, "192.0.2.1", "10.1.0.1"),
            ]
            for (client, address, seen) in paths {
                let outcome = try laboratory.connect(kind, from: client, to: .init(address, 8080))
                #expect(outcome == .seenFrom(seen), "\(kind) from \(client ?? "the host") to \(address)")
            }
            #expect(try laboratory.connect(kind, from: outside, to: .init("192.0.2.1", 8081)) == .refused)
            guard laboratory.hasIPv6 else { continue }
            let paths6: [(String?, String, String)] = [
                (outside, "fd02::1", "fd02::2"), (nil, "fd02::1", "fd02::1"),
                (NetworkLaboratory.pod, "fd02::1", "fd01::1"), (NetworkLaboratory.neighbour, "fd01::1", "fd01::1"),
            ]
            for (client, address, seen) in paths6 {
                let outcome = try laboratory.connect(kind, from: client, to: .init(address, 8080))
                #expect(outcome == .seenFrom(seen), "\(kind) from \(client ?? "the host") to \(address)")
            }
            #expect(
                try laboratory.connect(kind, from: nil, to: .init("::1", 8080)) == .refused,
                "the kernel leads nothing away from ::1, so it is answered at once")
        }
        expectSuccess(call("DEL", laboratory, both))
        #expect(try laboratory.connect(.tcp, from: outside, to: .init("192.0.2.1", 8080)) == .refused, "after")
        #expect(try laboratory.connect(.tcp, from: nil, to: .init("127.0.0.1", 8080)) == .refused, "after")
        #expect(try elements() == [])
    }

    @Test func hostIPChoosesTheAddress() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapTests.chooseAddress(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func chooseAddress(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let outside = NetworkLaboratory.outside
        let mappings = """
            [{"hostPort":1000,"containerPort":80,"hostIP":"192.0.2.1"},
             {"hostPort":1001,"containerPort":80,"hostIP":"127.0.0.1"},
             {"hostPort":1002,"containerPort":80,"hostIP":"0.0.0.0"},
             {"hostPort":1003,"containerPort":80,"hostIP":"::ffff:192.0.2.1"},
             {"hostPort":1003,"containerPort":81}]
            """
        expectSuccess(call("ADD", laboratory, mappings))
        func reach(_ client: String?, _ address: String, _ port: UInt16, _ target: UInt16 = 80) throws
            -> NetworkLaboratory.Outcome
        {
            try laboratory.connect(.tcp, from: client, to: .init(address, port), target: target)
        }
        #expect(try reach(outside, "192.0.2.1", 1000) == .seenFrom("192.0.2.2"))
        #expect(try reach(outside, "10.1.0.1", 1000) == .refused)
        #expect(try reach(nil, "127.0.0.1", 1000) == .refused)
        #expect(try reach(nil, "127.0.0.1", 1001) == .seenFrom("10.1.0.1"))
        #expect(try reach(nil, "127.0.0.2", 1001) == .refused)
        #expect(try reach(outside, "192.0.2.1", 1001) == .refused)
        #expect(try reach(outside, "10.1.0.1", 1002) == .seenFrom("192.0.2.2"))
        #expect(try reach(outside, "192.0.2.1", 1003) == .seenFrom("192.0.2.2"), "the one of the very address")
        #expect(try reach(outside, "10.1.0.1", 1003, 81) == .seenFrom("192.0.2.2"), "the one of any")
        if laboratory.hasIPv6 { #expect(try reach(outside, "fd02::1", 1002) == .refused, "0.0.0.0 is IPv4") }
        // A local address only: what is on its way elsewhere is not led to the pod.
        #expect(try reach(NetworkLaboratory.neighbour, "192.0.2.2", 1002) == .refused)
        expectSuccess(call("DEL", laboratory, mappings))
        #expect(try elements() == [])
    }

    @Test func packetsToTheHostsLoopbackAreDroppedOnTheirWayIn() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapTests.spoofLoopback(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func spoofLoopback(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        expectSuccess(call("ADD", laboratory, tcp))
        #expect(try Files.readText("/proc/sys/net/ipv4/conf/br0/route_localnet") == "1")
        for interface in ["all", "vpod", "vout"] {
            #expect(try Files.readText("/proc/sys/net/ipv4/conf/\(interface)/route_localnet") == "0", "\(interface)")
        }
        // A pod that sends 127.0.0.1 to the host instead of itself.
        _ = try laboratory.inside(NetworkLaboratory.pod) {
            try laboratory.sh(
                """
                echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet
                ip route del local 127.0.0.0/8 dev lo table local
                ip route del local 127.0.0.1 dev lo table local
                ip route add 127.0.0.1 via 10.1.0.1
                """)
        }
        let victim = try NetworkSocket.server(.udp, .init("0.0.0.0", 9999))
        let attacker = try laboratory.inside(NetworkLaboratory.pod) { try NetworkSocket(.udp, isIPv6: false) }
        try attacker.send("spoofed", to: .init("127.0.0.1", 9999))
        try attacker.send("end", to: .init("10.1.0.1", 9999))
        #expect(try victim.receive().text == "end")
        // It is the rule that does it.
        var socket = try NftablesSocket()
        var transaction = NftablesTransaction()
        transaction.flush(NftablesChain("loopback_guard", of: NftablesTable(.inet, "swiftlet_cni")))
        try socket.commit(transaction)
        try attacker.send("spoofed", to: .init("127.0.0.1", 9999))
        try attacker.send("end", to: .init("10.1.0.1", 9999))
        #expect(try victim.receive().text == "spoofed")
    }

    @Test func loopbackIsRoutedOnlyWhereAMappingWantsIt() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapTests.keepLoopback(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func keepLoopback(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let only = #"[{"hostPort":1000,"containerPort":80,"hostIP":"192.0.2.1"}]"#
        expectSuccess(call("ADD", laboratory, only))
        expectSuccess(call("ADD", laboratory, tcp, id: "c2", more: #","snat":false"#))
        #expect(try Files.readText("/proc/sys/net/ipv4/conf/br0/route_localnet") == "0")
        let outcome = try laboratory.connect(.tcp, from: NetworkLaboratory.outside, to: .init("192.0.2.1", 8080))
        #expect(outcome == .seenFrom("192.0.2.2"), "snat or not")
        expectSuccess(
            call("ADD", laboratory, #"[{"hostPort":1001,"containerPort":80,"hostIP":"127.0.0.1"}]"#, id: "c3"))
        #expect(try Files.readText("/proc/sys/net/ipv4/conf/br0/route_localnet") == "1")
    }

    @Test func masqAllHidesEverySource() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapTests.masqueradeAll(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func masqueradeAll(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        expectSuccess(call("ADD", laboratory, tcp, more: #","masqAll":true"#))
        let outside = NetworkLaboratory.outside
        #expect(
            try laboratory.connect(.tcp, from: outside, to: .init("192.0.2.1", 8080)) == .seenFrom("10.1.0.1"))
        #expect(
            try laboratory.connect(.tcp, from: outside, to: .init("10.1.0.5", 80)) == .seenFrom("192.0.2.2"),
            "not what comes to the pod itself")
        expectSuccess(call("CHECK", laboratory, tcp, more: #","masqAll":true"#))
        expectSuccess(call("DEL", laboratory, tcp, more: #","masqAll":true"#))
        #expect(try elements() == [])
    }
}
