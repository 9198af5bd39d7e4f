import Base
import CLinux
import CNITypes
import JSON
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Whose a port is, and what is removed when.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct PortmapOwnershipTests {
    private static func call(
        _ command: String, _ laboratory: borrowing NetworkLaboratory, _ mappings: String?, id: String = "c1",
        more: String = "", previous: String? = nil
    ) -> PluginCall.Outcome {
        PortmapTests.call(command, laboratory, mappings, id: id, more: more, previous: previous)
    }

    private static func expectSuccess(
        _ outcome: PluginCall.Outcome, at location: SourceLocation = #_sourceLocation
    ) { PortmapTests.expectSuccess(outcome, at: location) }

    @Test func aPortOfAnotherIsRefusedAndNothingIsChanged() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.conflict(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func conflict(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        expectSuccess(call("ADD", laboratory, PortmapTests.both))
        let before = try PortmapTests.elements()
        let wanted =
            #"[{"hostPort":7000,"containerPort":80},{"hostPort":8080,"containerPort":81,"protocol":"udp"}]"#
        let outcome = call("ADD", laboratory, wanted, id: "c2")
        #expect(outcome.exitCode == 1)
        let error = try JSONParser.parse(outcome.output)
        #expect(error["code"]?.integerValue == 100)
        #expect(
            error["msg"]?.stringValue
                == "hostPort 8080/udp is taken by container c1, interface eth0 of network n")
        #expect(try PortmapTests.elements() == before)
        // What a runtime does after a failed ADD takes nothing from the other.
        expectSuccess(call("DEL", laboratory, wanted, id: "c2"))
        #expect(try PortmapTests.elements() == before)
        expectSuccess(call("CHECK", laboratory, PortmapTests.both))
        #expect(call("CHECK", laboratory, wanted, id: "c2").exitCode == 1)
        // The same port of one address is another mapping.
        expectSuccess(
            call("ADD", laboratory, #"[{"hostPort":8080,"containerPort":82,"hostIP":"10.1.0.1"}]"#, id: "c2"))
        let again = call("ADD", laboratory, #"[{"hostPort":8080,"containerPort":1,"hostIP":"10.1.0.1"}]"#, id: "c3")
        #expect(PortmapTests.text(again).contains("hostPort 8080/tcp of hostIP 10.1.0.1 is taken by container c2"))
    }

    @Test func addAgainChangesNothingAndReplacesWhatHasChanged() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.addAgain(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func addAgain(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        expectSuccess(call("ADD", laboratory, PortmapTests.both))
        let before = try PortmapTests.elements()
        var socket = try NftablesSocket()
        let generation = try socket.generation()
        expectSuccess(call("ADD", laboratory, PortmapTests.both))
        #expect(try PortmapTests.elements() == before)
        #expect(try socket.generation() == generation, "nothing was written")
        let changed = #"[{"hostPort":8080,"containerPort":81}]"#
        expectSuccess(call("ADD", laboratory, changed))
        let outcome = try laboratory.connect(
            .tcp, from: NetworkLaboratory.outside, to: .init("192.0.2.1", 8080), target: 81)
        #expect(outcome == .seenFrom("192.0.2.2"))
        expectSuccess(call("CHECK", laboratory, changed))
        #expect(call("CHECK", laboratory, PortmapTests.tcp).exitCode == 1)
        // What was kept for the pod's address by one that is gone is its new owner's.
        expectSuccess(call("ADD", laboratory, #"[{"hostPort":9000,"containerPort":80}]"#, id: "c2"))
        #expect(try PortmapTests.elements().contains("hairpin_ip n/c2/eth0"))
    }

    @Test func delRemovesWhatIsItsOwnHoweverLittleItIsTold() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.delete(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func delete(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        expectSuccess(call("DEL", laboratory, PortmapTests.both))
        expectSuccess(call("DEL", laboratory, nil, previous: ""))
        let other = #"{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.6/24"}]}"#
        expectSuccess(call("ADD", laboratory, #"[{"hostPort":1,"containerPort":1}]"#, id: "other", previous: other))
        let others = try PortmapTests.elements()
        #expect(others == ["hostports_ip n/other/eth0", "hairpin_ip n/other/eth0", "hairpin_ip n/other/eth0"])
        let ways: [(String?, String?, String)] = [
            (PortmapTests.both, nil, ""), (nil, nil, ""), ("[]", nil, ""), (PortmapTests.both, "", ""),
            (nil, "", ""), (#"[{"hostPort":0}]"#, nil, ""), (PortmapTests.both, nil, #","backend":"iptables""#),
            (PortmapTests.both, #"{"ips":[{"address":"10.1.0.5/24"}]}"#, ""),
            (PortmapTests.both, #"{"ips":3}"#, ""),
        ]
        for (mappings, previous, more) in ways {
            expectSuccess(call("ADD", laboratory, PortmapTests.both))
            #expect(try PortmapTests.elements().count > others.count)
            for _ in 0..<2 { expectSuccess(call("DEL", laboratory, mappings, more: more, previous: previous)) }
            #expect(try PortmapTests.elements() == others, "\(mappings ?? "none"), \(previous ?? "usual"), \(more)")
        }
    }

    @Test func garbageCollectionRemovesWhatIsOfItsNetworkAndNotValid() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.collectGarbage(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func collectGarbage(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        for (number, id) in ["a", "b", "c"].enumerated() {
            let previous = #"{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.\#(50 + number)/24"}]}"#
            let mappings = #"[{"hostPort":\#(5000 + number),"containerPort":80}]"#
            expectSuccess(call("ADD", laboratory, mappings, id: id, previous: previous))
        }
        func collect(_ network: String, _ valid: String) throws -> [String] {
            let variables = ["CNI_COMMAND": "GC", "CNI_PATH": "/nowhere"]
            let outcome = PluginCall.run(Portmap(), variables: variables) { () throws(SystemError) in
                Array(
                    (#"{"cniVersion":"1.1.0","name":"\#(network)","type":"portmap","#
                        + #""cni.dev/valid-attachments":[\#(valid)]}"#).utf8)
            }
            expectSuccess(outcome)
            return Set(
                try PortmapTests.elements().compactMap { $0.split(separator: "/").dropFirst().first }.map(String.init)
            )
            .sorted()
        }
        #expect(try collect("another", "") == ["a", "b", "c"])
        let b = #"{"containerID":"b","ifname":"eth0"}"#
        #expect(try collect("n", #"{"containerID":"a","ifname":"eth1"},"# + b) == ["b"])
        #expect(try collect("n", b) == ["b"])
        #expect(try collect("n", "") == [])
    }

    @Test func oldConnectionsOfUDPFollowTheMapping() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.followUDP(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func followUDP(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        // Connections are tracked from the first rule on that wants it.
        expectSuccess(call("ADD", laboratory, PortmapTests.tcp, id: "first"))
        let mapping = #"[{"hostPort":53,"containerPort":5353,"protocol":"udp"}]"#
        let onHost = try NetworkSocket.server(.udp, .init("0.0.0.0", 53))
        let inPod = try laboratory.inside(NetworkLaboratory.pod) {
            try NetworkSocket.server(.udp, .init("0.0.0.0", 5353))
        }
        let client = try laboratory.inside(NetworkLaboratory.outside) { try NetworkSocket(.udp, isIPv6: false) }
        try client.connect(to: .init("192.0.2.1", 53))
        try client.send("one")
        #expect(try onHost.receive().text == "one")
        expectSuccess(call("ADD", laboratory, mapping))
        try client.send("two")
        #expect(try inPod.receive().text == "two")
        // Connected again, as after a pod that was replaced: the same source port.
        expectSuccess(call("DEL", laboratory, mapping))
        try client.send("three")
        #expect(try onHost.receive().text == "three")
    }

    @Test func anOlderTableIsBroughtUpToDateWithItsElementsKept() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapOwnershipTests.repair(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func repair(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let more = #","nftTable":"mine-1""#
        expectSuccess(call("ADD", laboratory, PortmapTests.tcp, more: more))
        #expect(try PortmapTests.elements() == [])
        let before = try PortmapTests.elements("mine-1")
        var socket = try NftablesSocket()
        let table = NftablesTable(.inet, "mine-1")
        let rules = try socket.rules(of: table)
        var transaction = NftablesTransaction()
        HostportRules.install(table, [], &transaction)
        try socket.commit(transaction)
        #expect(try PortmapTests.elements("mine-1") == before)
        let now = try socket.rules(of: table)
        #expect(now.map(\.chain) == rules.map(\.chain), "none twice, none lost")
        #expect(now.map(\.expressions) == rules.map(\.expressions))
        // Flushed by another program: the check says so, the next ADD makes it again.
        try socket.deleteTable(table)
        try socket.deleteTable(table)
        #expect(call("CHECK", laboratory, PortmapTests.tcp, more: more).exitCode == 1)
        expectSuccess(call("ADD", laboratory, PortmapTests.tcp, more: more))
        expectSuccess(call("CHECK", laboratory, PortmapTests.tcp, more: more))
    }
}
