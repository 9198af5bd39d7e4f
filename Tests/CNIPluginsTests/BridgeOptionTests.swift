import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Single options, and CHECK. Each test in a process of its own.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6")) struct BridgeOptionTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    @Test func optionsReachTheKernel() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            func attach(_ id: String, _ keys: String, _ arguments: String = "") throws -> (Link, Link) {
                var caller = try laboratory.container(id)
                caller.arguments = arguments
                let outcome = caller.ours("bridge", "ADD", laboratory.configuration("," + keys))
                try #require(outcome.exitCode == 0, "\(outcome.text)")
                let name = try #require(outcome.json["interfaces"]?.arrayValue?[1]["name"]?.stringValue)
                let previous = Laboratory.previous(laboratory.configuration("," + keys), outcome)
                #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome())
                let inside = try laboratory.inside(id) { try laboratory.link("eth0") }
                return (try #require(try laboratory.link(name)), try #require(inside))
            }
            let plain = try attach("a", #""preserveDefaultVlan":true,"nftTable":"x""#)
            #expect(plain.0.port?.hairpin == false && plain.0.port?.isolated == false)
            #expect(try laboratory.link("br9")?.isPromiscuous == false)
            #expect(try laboratory.setting("ipv4/ip_forward") == "0" && laboratory.addresses("br9").isEmpty)
            #expect(try attach("b", #""hairpinMode":true"#).0.port?.hairpin == true)
            #expect(try attach("c", #""portIsolation":true"#).0.port?.isolated == true)
            _ = try attach("d", #""promiscMode":true"#)
            #expect(try laboratory.link("br9")?.isPromiscuous == true)
            let small = try attach("e", #""mtu":1300"#)
            #expect(small.0.mtu == 1300 && small.1.mtu == 1300)
            // The runtime's word counts most.
            let macs = [
                (#""x":1"#, "IgnoreUnknown=1;MAC=0a:00:00:00:00:01", "0a:00:00:00:00:01"),
                (#""args":{"cni":{"mac":"0A:00:00:00:00:02"}}"#, "MAC=0a:00:00:00:00:01", "0a:00:00:00:00:02"),
                (
                    #""args":{"cni":{"mac":"0a:00:00:00:00:02"}},"runtimeConfig":{"mac":"0a:00:00:00:00:03"}"#, "",
                    "0a:00:00:00:00:03"
                ),
            ]
            for (index, (keys, arguments, mac)) in macs.enumerated() {
                #expect(try attach("m\(index)", keys, arguments).1.mac?.description == mac)
            }
        }
    }

    @Test func masqueradingIsAddedCheckedAndRemovedWithTheAttachment() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            func owners() throws -> Set<String> {
                var socket = try NftablesSocket()
                var comments: Set<String> = []
                for set in MasqueradeRules.sets() {
                    let elements = try socket.elements(of: set, in: NftablesTable(.inet, "own")) ?? []
                    comments.formUnion(elements.map(\.comment))
                }
                return comments
            }
            let configuration = laboratory.configuration(
                #","isGateway":true,"ipMasq":true,"nftTable":"own""#, version: "1.1.0")
            var results: [PluginCall.Outcome] = []
            for id in ["a", "b", "c"] {
                results.append(try laboratory.container(id).ours("bridge", "ADD", configuration))
            }
            #expect(results.allSatisfy { $0.exitCode == 0 }, "\(results[0].text)")
            #expect(try owners() == ["net/a/eth0", "net/b/eth0", "net/c/eth0"])
            let previous = Laboratory.previous(configuration, results[0])
            #expect(laboratory.caller("a").ours("bridge", "CHECK", previous) == PluginCall.Outcome())
            #expect(laboratory.caller("a").ours("bridge", "DEL", previous) == PluginCall.Outcome())
            #expect(try owners() == ["net/b/eth0", "net/c/eth0"])
            let valid = Laboratory.with(
                configuration, #""cni.dev/valid-attachments":[{"containerID":"c","ifname":"eth0"}]"#)
            #expect(laboratory.caller("").ours("bridge", "GC", valid) == PluginCall.Outcome())
            #expect(try owners() == ["net/c/eth0"])
            #expect(laboratory.caller("c").ours("bridge", "DEL", configuration) == PluginCall.Outcome())
            #expect(try owners().isEmpty)
            // What fails after the addresses were masqueraded, or at that, leaves nothing.
            let bad = configuration.replacing(#""own""#, with: #""no table""#)
            #expect(try laboratory.container("d").ours("bridge", "ADD", bad).code == 7)
            #expect(laboratory.leases.isEmpty)
        }
    }

    @Test func withoutIPAMTheInterfaceIsUpWithoutAddressesOrStaysDown() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            for (id, keys, isUp) in [("a", "", true), ("b", #","disableContainerInterface":true"#, false)] {
                let caller = try laboratory.container(id)
                let configuration = laboratory.configuration(keys, ipam: nil)
                let outcome = caller.ours("bridge", "ADD", configuration)
                #expect(outcome.exitCode == 0 && outcome.json["ips"] == nil)
                try laboratory.inside(id) { () throws in
                    #expect(try laboratory.link("eth0")?.isUp == isUp && laboratory.addresses("eth0").isEmpty)
                }
                let previous = Laboratory.previous(configuration, outcome)
                #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome())
                #expect(caller.ours("bridge", "DEL", previous) == PluginCall.Outcome())
            }
            #expect(try laboratory.links() == ["br9", "lo"])
        }
    }

    @Test func duplicateAddressIsFoundWhenItIsLookedFor() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let keys = #","enabledad":true,"runtimeConfig":{"ips":["fd09::7"]}"#
            let configuration = laboratory.configuration(keys, ipam: #""subnet":"fd09::/64""#)
            let first = try laboratory.container("a").ours("bridge", "ADD", configuration)
            #expect(first.exitCode == 0, "\(first.text)")
            try laboratory.inside("a") {
                var socket = try RouteSocket()
                let link = try #require(try socket.link(named: "eth0"))
                #expect(try socket.addresses(of: link.index).allSatisfy { $0.address[0] != 0xFD || !$0.isTentative })
            }
            // Another machine on the link would not know of our leases.
            let elsewhere = configuration.replacing("/leases", with: "/leases2")
            let second = try laboratory.container("b").ours("bridge", "ADD", elsewhere)
            #expect(second.code == 11 && second.text.contains("fd09::7"), "\(second.text)")
            #expect(try laboratory.inside("b") { try laboratory.links() } == ["lo"])
        }
    }

    @Test func checkSeesWhatIsBroken() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            try BridgeOptionTests.breakThings(try Laboratory(in: path))
        }
    }

    private static func breakThings(_ laboratory: Laboratory) throws {
        let configuration = laboratory.configuration(#","isDefaultGateway":true"#)
        let address = InterfaceAddress([10, 9, 0, 2], prefixLength: 24)
        let gateway = InterfaceAddress([10, 9, 0, 1], prefixLength: 24)
        let breakages: [(String, String, (Laboratory, String) throws -> Void)] = [
            (
                "address", "lacks the address 10.9.0.2/24",
                { laboratory, _ in
                    try laboratory.inside("address") {
                        let index = try #require(try laboratory.link("eth0")).index
                        try laboratory.change { $0.removeAddress(address, from: index) }
                    }
                }
            ),
            (
                "down", "is down",
                { laboratory, _ in
                    try laboratory.inside("down") { try laboratory.change { $0.setUp(.name("eth0"), false) } }
                }
            ),
            ("host", "is down", { laboratory, host in try laboratory.change { $0.setUp(.name(host), false) } }),
            (
                "mac", "another MAC address",
                { laboratory, _ in
                    let mac = try MACAddress.random()
                    try laboratory.inside("mac") { try laboratory.change { $0.setMAC(.name("eth0"), mac) } }
                }
            ),
            (
                "flags", "port flags",
                { laboratory, host in
                    try laboratory.change { $0.setBridgePort(.name(host), hairpin: true, isolated: false) }
                }
            ),
            (
                "lease", "no lease",
                { laboratory, _ in
                    #expect(laboratory.caller("lease").ours("host-local", "DEL", configuration).exitCode == 0)
                }
            ),
            (
                "gateway", "gateway's address 10.9.0.1",
                { laboratory, _ in
                    let index = try #require(try laboratory.link("br9")).index
                    try laboratory.change { $0.removeAddress(gateway, from: index) }
                }
            ),
            ("gone", "host's end", { laboratory, host in try laboratory.change { $0.deleteLink(.name(host)) } }),
            (
                "bridge", "bridge br9 is gone",
                { laboratory, _ in try laboratory.change { $0.deleteLink(.name("br9")) } }
            ),
        ]
        for (id, reason, damage) in breakages {
            let caller = try laboratory.container(id)
            // All have the same address: the one before gave it back.
            try Files.removeTree("\(laboratory.folder)/leases")
            let added = caller.ours("bridge", "ADD", configuration)
            try #require(added.exitCode == 0, "\(id): \(added.text)")
            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours("bridge", "CHECK", previous) == PluginCall.Outcome(), "\(id)")
            let host = try #require(added.json["interfaces"]?.arrayValue?[1]["name"]?.stringValue)
            try damage(laboratory, host)
            let check = caller.ours("bridge", "CHECK", previous)
            #expect(check.exitCode == 1 && check.text.contains(reason), "\(id): \(check.text)")
            #expect(caller.ours("bridge", "DEL", previous) == PluginCall.Outcome(), "\(id)")
        }
        let caller = try laboratory.container("x")
        #expect(caller.ours("bridge", "CHECK", configuration).code == 7, "without prevResult")
    }
}
