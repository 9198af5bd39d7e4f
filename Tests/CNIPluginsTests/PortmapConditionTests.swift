import Base
import CLinux
import CNITypes
import JSON
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Mappings that hold under conditions (`conditionsV4`, `conditionsV6`).
struct PortmapConditionTests {
    @Test(
        arguments: [
            (["-s", "10.0.0.1"], "ip saddr 10.0.0.1/32"), (["!", "-d", "10.1.2.3/8"], "ip daddr != 10.0.0.0/8"),
            (["-d", "!", "10.0.0.0/8"], "ip daddr != 10.0.0.0/8"),
            (["ip saddr != 10.0.0.0/8", "iifname", "\"eth0\""], #"ip saddr != 10.0.0.0/8 iifname "eth0""#),
            (["meta iifname != eth0"], #"iifname != "eth0""#), (["-i", "eth0"], #"iifname "eth0""#), ([], ""),
            (["ip", "daddr", "==", "1.2.3.4"], "ip daddr 1.2.3.4/32"),
        ])
    func conditionsAreReadAsNftOrIptablesWritesThem(_ words: [String], _ expected: String) throws {
        let conditions = try PortmapCondition.read(words, .ipv4)
        #expect(conditions.map(\.description).joined(separator: " ") == expected)
    }

    @Test(
        arguments: [
            ["-s"], ["-s", "fd00::1"], ["ip6", "saddr", "fd00::1"], ["-m", "comment"], ["ip saddr @set"], ["!"],
            ["iifname", "a/b"], ["-s", "10.0.0.1", "accept"], ["ip", "saddr", "10.0.0.0/33"],
        ])
    func whatIsNoKnownConditionIsRefused(_ words: [String]) {
        #expect(throws: JSONError.self) { try PortmapCondition.read(words, .ipv4) }
    }

    @Test(.enabled(if: geteuid() == 0, "makes namespaces"))
    func portsLeadToThePodWhereTheConditionsAreMet() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            let laboratory = try NetworkLaboratory.make(in: folder)
            let (outside, neighbour) = (NetworkLaboratory.outside, NetworkLaboratory.neighbour)
            func reach(
                _ client: String?, _ port: UInt16, _ address: String = "192.0.2.1", to target: UInt16 = 80
            ) throws -> NetworkLaboratory.Outcome {
                try laboratory.connect(.tcp, from: client, to: .init(address, port), target: target)
            }
            func call(_ command: String, _ id: String, _ mappings: String, _ conditions: String) -> PluginCall.Outcome {
                PortmapTests.call(
                    command, laboratory, mappings, id: id,
                    more: #","conditionsV4":\#(conditions),"conditionsV6":["-s","fd02::/64"]"#)
            }
            let mappings =
                #"[{"hostPort":8080,"containerPort":80},{"hostPort":8081,"containerPort":80,"hostIP":"192.0.2.1"}]"#
            let conditions = #"["ip saddr 192.0.2.0/24","!","-s","192.0.2.77"]"#
            PortmapTests.expectSuccess(call("ADD", "a", mappings, conditions))
            PortmapTests.expectSuccess(call("CHECK", "a", mappings, conditions))
            #expect(try reach(outside, 8080) == .seenFrom("192.0.2.2"))
            #expect(try reach(outside, 8081) == .seenFrom("192.0.2.2"))
            #expect(try reach(neighbour, 8080) == .refused && reach(neighbour, 8081) == .refused)
            // One that always holds counts where the condition is not met.
            let always = #"[{"hostPort":8080,"containerPort":81}]"#
            PortmapTests.expectSuccess(PortmapTests.call("ADD", laboratory, always, id: "b"))
            #expect(try reach(neighbour, 8080, to: 81) == .seenFrom("10.1.0.1"))
            #expect(try reach(outside, 8080) == .seenFrom("192.0.2.2"))
            // Two containers cannot have the same port under conditions.
            let taken = call("ADD", "c", mappings, #"["-s","10.0.0.0/8"]"#)
            #expect(taken.code == 100, "\(taken.text)")
            #expect(taken.text.contains("hostPort 8080/tcp is taken by container a"), "\(taken.text)")

            // What was removed is put back, with its chain.
            try laboratory.sh("nft flush table inet swiftlet_cni; nft delete table inet swiftlet_cni")
            #expect(try reach(outside, 8080) == .refused)
            PortmapTests.expectSuccess(call("ADD", "a", mappings, conditions))
            #expect(try reach(outside, 8080) == .seenFrom("192.0.2.2"))
            PortmapTests.expectSuccess(call("DEL", "a", mappings, conditions))
            #expect(try PortmapTests.elements().isEmpty && reach(outside, 8080) == .refused)
            let collected = PortmapTests.call(
                "GC", laboratory, nil, more: #","cni.dev/valid-attachments":[]"#, previous: "")
            PortmapTests.expectSuccess(collected)
            let left = try laboratory.sh("nft list table inet swiftlet_cni")
            #expect(!left.contains("chain if_"), "\(left)")
        }
        withExtendedLifetime(folder) {}
    }
}
