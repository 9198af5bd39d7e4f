import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Containers that the host routes between, each with a veth pair of its own.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct PointToPointTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static let ranges =
        #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]],"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]"#

    private static func configuration(
        _ folder: String, _ keys: String = "", ipam: String = ranges, version: String = "1.0.0"
    ) -> String {
        #"{"cniVersion":"\#(version)","name":"net","type":"ptp","ipam":{"type":"host-local","dataDir":"\#(folder)/leases",\#(ipam)}\#(keys)}"#
    }

    private static func answers(_ laboratory: Laboratory, _ id: String, _ address: String) throws -> Bool {
        let family = address.contains(":") ? AF_INET6 : AF_INET
        let inside = try laboratory.inside(id) {
            let raw = try retrying("socket", "inside") { socket(family, Int32(SOCK_STREAM.rawValue), 0) }
            return SharedDescriptor(FileDescriptor(adopting: raw))
        }
        return try BridgeTests.answers(inside, address)
    }

    @Test func packetsFlowToTheHostAndToEachOtherAsSoonAsAddReturns() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = PointToPointTests.configuration(path, #","mtu":1400"#)
            for id in ["a", "b"] {
                let added = try laboratory.container(id).ours("ptp", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                for gateway in ["10.9.0.1", "fd09::1"] {
                    #expect(try PointToPointTests.answers(laboratory, id, gateway), "\(id) to \(gateway)")
                }
            }
            for (id, other) in [("a", "10.9.0.3"), ("a", "fd09::3"), ("b", "10.9.0.2"), ("b", "fd09::2")] {
                #expect(try PointToPointTests.answers(laboratory, id, other), "\(id) to \(other)")
            }
            let mtu = try laboratory.inside("a") { try laboratory.link("eth0")?.mtu }
            #expect(mtu == 1400)
        }
    }

    @Test func whatAddMadeIsCheckedAndGoneAfterDel() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = PointToPointTests.configuration(path, #","ipMasq":true"#)
            let caller = try laboratory.container("a")
            let added = caller.ours("ptp", "ADD", configuration)
            let result = try CNIResult(json: added.json)
            #expect(result.interfaces.count == 2 && result.interfaces[1].sandbox == caller.netns)
            #expect(result.interfaces[0].sandbox == nil && result.ips.map(\.interface) == [1, 1])
            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours("ptp", "CHECK", previous) == PluginCall.Outcome())
            let host = try #require(try laboratory.link(result.interfaces[0].name))
            let route = Route([10, 9, 0, 2], prefixLength: 32, interface: host.index)
            try laboratory.change { $0.setUp(.index(host.index), false) }
            #expect(caller.ours("ptp", "CHECK", previous).text.contains("interface \(host.name) is down"))
            try laboratory.change { $0.setUp(.index(host.index)) }
            // The kernel took the route with it.
            #expect(caller.ours("ptp", "CHECK", previous).text.contains("the host lacks the route to 10.9.0.2 by"))
            try laboratory.change { $0.addRoute(route) }
            for _ in 0..<2 {
                #expect(caller.ours("ptp", "DEL", configuration) == PluginCall.Outcome())
                #expect(try laboratory.links() == ["lo"] && laboratory.leases.isEmpty)
            }
            #expect(caller.ours("ptp", "CHECK", previous).exitCode == 1)
        }
    }

    @Test func garbageGoesAndTheNamespaceNeedNotBeThere() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = PointToPointTests.configuration(path, version: "1.1.0")
            for id in ["a", "b"] {
                try #require(try laboratory.container(id).ours("ptp", "ADD", configuration).exitCode == 0)
            }
            let valid = #""cni.dev/valid-attachments":[{"containerID":"b","ifname":"eth0"}]"#
            #expect(laboratory.caller("").ours("ptp", "GC", Laboratory.with(configuration, valid)).exitCode == 0)
            #expect(laboratory.leases == ["10.9.0.3", "fd09::3"])
            #expect(try PointToPointTests.answers(laboratory, "b", "10.9.0.1"))
            try laboratory.removeNamespace("b")
            #expect(laboratory.caller("b").ours("ptp", "DEL", configuration).exitCode == 0)
            #expect(try laboratory.waitFor(["lo"]) && laboratory.leases.isEmpty)
            #expect(laboratory.caller("").ours("ptp", "STATUS", configuration).exitCode == 0)
        }
    }

    @Test func addThatFailsHalfWayLeavesNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let caller = try laboratory.container("a")
            func refusal(_ configuration: String) -> String {
                let refused = caller.ours("ptp", "ADD", configuration)
                return refused.exitCode == 1 ? refused.text : "accepted"
            }
            let gateway =
                #"{"cniVersion":"1.0.0","name":"net","type":"ptp","ipam":{"type":"static","addresses":[{"address":"10.9.0.5/24"}]}}"#
            #expect(refusal(gateway).contains("the address 10.9.0.5/24 of network net has no gateway"))
            #expect(refusal(#"{"cniVersion":"1.0.0","name":"net","type":"ptp"}"#).contains("has no ipam section"))
            let lost = #""subnet":"10.9.0.0/24","routes":[{"dst":"10.1.0.0/16","gw":"172.16.0.1"}]"#
            #expect(refusal(PointToPointTests.configuration(path, ipam: lost)).contains("10.1.0.0/16"))
            #expect(refusal(PointToPointTests.configuration(path, #","mtu":1"#)).contains("mtu: expected 68 to 65535"))
            #expect(
                refusal(PointToPointTests.configuration(path, #","ipMasq":true,"ipMasqBackend":"iptables""#))
                    .contains("ipMasqBackend iptables"))
            #expect(try laboratory.links() == ["lo"] && laboratory.leases.isEmpty)
            #expect(try laboratory.inside("a") { try laboratory.links() } == ["lo"])
        }
    }

    @Test(
        .enabled(
            if: Caller.hasReference("ptp") && Caller.hasReference("host-local"),
            "needs the package containernetworking-plugins"), arguments: ["0.3.1", "1.0.0"])
    func theSameIsMadeAndSaidAsByTheReference(version: String) async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String, version = version as String] in
            var facts: [[String]] = []
            for isOurs in [true, false] {
                let part = "\(path)/\(isOurs ? "ours" : "theirs")"
                try Files.makeDirectories(part)
                let laboratory = try Laboratory(in: part)
                var caller = try laboratory.container("a")
                caller.path = isOurs ? "\(part)/own" : Caller.referenceFolder
                let configuration = PointToPointTests.configuration(
                    part, #","dns":{"nameservers":["10.0.0.2"]}"#, version: version)
                let added =
                    try isOurs
                    ? caller.ours("ptp", "ADD", configuration) : caller.reference("ptp", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                let result = try CNIResult(json: added.json)
                let host = result.interfaces[0].name
                var fact = [
                    "\(result.interfaces.map { $0.name == host ? "host" : $0.name })", "\(result.ips)",
                    "\(result.routes)", "\(result.dns)", added.json["cniVersion"]?.stringValue ?? "",
                ]
                fact.append("\(try laboratory.addresses(host).sorted()) \(try laboratory.routes())")
                for name in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
                    fact.append(try laboratory.setting(name))
                }
                try laboratory.inside("a") {
                    fact.append("\(try laboratory.addresses("eth0").sorted()) \(try laboratory.routes())")
                }
                facts.append(fact)
            }
            #expect(facts[0] == facts[1])
        }
    }
}
