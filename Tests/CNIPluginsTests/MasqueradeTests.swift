import Base
import CLinux
import CNITypes
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct MasqueradeTests {
    private static func masquerade(_ network: String = "n") throws -> Masquerade {
        try Masquerade(
            try NetworkConfiguration(Array(#"{"cniVersion":"1.1.0","name":"\#(network)","type":"bridge"}"#.utf8)))
    }

    /// Every element as its set and owner.
    private static func elements() throws -> [String] {
        var socket = try NftablesSocket()
        var list: [String] = []
        for set in MasqueradeRules.sets() {
            for element in try socket.elements(of: set, in: NftablesTable(.inet, "swiftlet_cni")) ?? [] {
                list.append("\(set) \(element.comment)")
            }
        }
        return list
    }

    private static func prefixes(_ texts: String...) throws -> [IPPrefix] {
        try texts.map { try #require(IPPrefix($0)) }
    }

    @Test func whatLeavesTheSubnetHasTheHostsAddress() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try MasqueradeTests.leave(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func leave(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let outside = NetworkLaboratory.outside
        let pod = NetworkLaboratory.pod
        let masquerade = try masquerade()
        func reach(_ address: String, from client: String = NetworkLaboratory.pod, in server: String) throws
            -> NetworkLaboratory.Outcome
        { try laboratory.connect(.tcp, from: client, to: .init(address, 80), in: server) }

        #expect(try reach("192.0.2.2", in: outside) == .seenFrom("10.1.0.5"), "before")
        let addresses = try prefixes("10.1.0.5/24") + (laboratory.hasIPv6 ? prefixes("fd01::5/64") : [])
        for _ in 0..<2 { try masquerade.add(addresses, containerID: "c1", interfaceName: "eth0") }
        try masquerade.check(addresses, containerID: "c1", interfaceName: "eth0")
        #expect(try reach("192.0.2.2", in: outside) == .seenFrom("192.0.2.1"))
        #expect(
            try reach("192.0.2.2", from: NetworkLaboratory.neighbour, in: outside) == .seenFrom("10.1.0.6"),
            "not another pod's")
        #expect(try reach("10.1.0.6", in: NetworkLaboratory.neighbour) == .seenFrom("10.1.0.5"), "its own subnet")
        #expect(try reach("10.1.0.5", from: outside, in: pod) == .seenFrom("192.0.2.2"), "what comes to it")
        if laboratory.hasIPv6 {
            #expect(try reach("fd02::2", in: outside) == .seenFrom("fd02::1"))
            #expect(try reach("fd01::6", in: NetworkLaboratory.neighbour) == .seenFrom("fd01::5"))
        }
        try masquerade.delete(containerID: "c1", interfaceName: "eth0")
        #expect(try elements() == [])
        #expect(try reach("192.0.2.2", in: outside) == .seenFrom("10.1.0.5"), "after")
        #expect(throws: CNIError.self) {
            try masquerade.check(addresses, containerID: "c1", interfaceName: "eth0")
        }
    }

    @Test func theSubnetsLengthCountsAndMulticastKeepsItsSource() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try MasqueradeTests.measureSubnet(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func measureSubnet(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        // Two more destinations outside: next to the pod's subnet, and a group.
        try laboratory.sh("ip route add 10.1.128.0/17 via 192.0.2.2; ip route add 10.2.0.0/16 via 192.0.2.2")
        try laboratory.inside(NetworkLaboratory.outside) {
            _ = try laboratory.sh("ip addr add 10.1.200.1/32 dev eth0; ip addr add 10.2.0.1/32 dev eth0")
        }
        let masquerade = try masquerade()
        func reach(_ address: String) throws -> NetworkLaboratory.Outcome {
            try laboratory.connect(
                .tcp, from: NetworkLaboratory.pod, to: .init(address, 80), in: NetworkLaboratory.outside)
        }
        try masquerade.add(try prefixes("10.1.0.5/16"), containerID: "c1", interfaceName: "eth0")
        #expect(try reach("10.1.200.1") == .seenFrom("10.1.0.5"), "inside /16")
        #expect(try reach("10.2.0.1") == .seenFrom("192.0.2.1"))
        // The same address with another subnet, of another container: the last one's.
        try masquerade.add(try prefixes("10.1.0.5/20"), containerID: "c2", interfaceName: "eth0")
        try masquerade.delete(containerID: "c1", interfaceName: "eth0")
        #expect(try reach("10.1.200.1") == .seenFrom("192.0.2.1"), "outside /20")
        // Sent by the host in the pod's name, so that no routing of multicast is needed.
        try laboratory.sh("ip addr add 10.1.0.5/32 dev lo")
        let listener = try laboratory.inside(NetworkLaboratory.outside) {
            try NetworkSocket.server(.udp, .init("0.0.0.0", 7777))
        }
        try listener.join("239.1.1.1", of: "192.0.2.2")
        let sender = try NetworkSocket.server(.udp, .init("10.1.0.5", 7000))
        try sender.bind(toDevice: "vout")
        try sender.send("hello", to: .init("239.1.1.1", 7777))
        let (text, from) = try listener.receive()
        #expect(text == "hello" && from == .init("10.1.0.5", 7000))
    }

    @Test func garbageCollectionRemovesWhatIsOfItsNetworkAndNotValid() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try MasqueradeTests.collectGarbage(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func collectGarbage(in folder: String) throws {
        _ = try NetworkLaboratory.make(in: folder)
        let addresses = try prefixes("10.1.0.5/24", "10.1.0.6/24", "10.1.0.7/25")
        for (id, address) in zip(["a", "b", "c"], addresses) {
            try masquerade(id == "c" ? "other" : "n").add([address], containerID: id, interfaceName: "eth0")
        }
        try masquerade().collectGarbage(valid: [.init(containerID: "b", interfaceName: "eth0")])
        #expect(
            try elements().sorted() == [
                "masquerade_ip n/b/eth0", "masquerade_ip other/c/eth0", "own_subnet_ip n/b/eth0",
                "own_subnet_ip other/c/eth0",
            ])
        try masquerade().collectGarbage(valid: [])
        try masquerade("other").delete(containerID: "c", interfaceName: "eth0")
        try masquerade("other").delete(containerID: "c", interfaceName: "eth0")
        #expect(try elements() == [])
    }

    @Test func manyAddAtOnceAndEachIsThere() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try MasqueradeTests.addAtOnce(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    /// Processes that race for the table's installation, and one that deletes.
    private static func addAtOnce(in folder: String) throws {
        _ = try NetworkLaboratory.make(in: folder)
        var children: [pid_t] = []
        for number in 0..<8 {
            let child = fork()
            if child == 0 {
                do {
                    for round in 0..<20 {
                        let id = "c\(number)-\(round)"
                        let address = try #require(IPPrefix("10.\(number).\(round).5/\(16 + number)"))
                        try masquerade().add([address], containerID: id, interfaceName: "eth0")
                        if round % 2 == 1 { try masquerade().delete(containerID: id, interfaceName: "eth0") }
                    }
                    _exit(0)
                } catch { _exit(1) }
            }
            children.append(child)
        }
        for child in children {
            var status: Int32 = 0
            #expect(waitpid(child, &status, 0) == child)
            #expect(status == 0)
        }
        #expect(try elements().count == 8 * 10 * 2)
    }
}
