import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Plugins that change by which table an interface's packets are routed: sbr and vrf.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct RoutingPluginTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static let ranges =
        #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]],"routes":[{"dst":"10.77.0.0/16"}]"#

    private static func configuration(_ type: String, _ keys: String = "") -> String {
        #"{"cniVersion":"1.0.0","name":"net","type":"\#(type)"\#(keys)}"#
    }

    /// A container with an interface that `bridge` has made, and what that has said.
    private static func container(_ laboratory: Laboratory, _ id: String) throws -> (Caller, String) {
        let caller = try laboratory.container(id)
        let made = caller.ours(
            "bridge", "ADD", laboratory.configuration(#","isGateway":true"#, ipam: ranges, version: "1.0.0"))
        try #require(made.exitCode == 0, "\(made.text)")
        return (caller, made.text)
    }

    /// `destination by gateway in table` of all IPv4 and IPv6 routes but the kernel's own.
    private static func routes() throws -> [String] {
        var socket = try RouteSocket()
        return try (socket.routes(ipv6: false, table: nil) + socket.routes(ipv6: true, table: nil))
            .filter { $0.table != 255 && $0.destination.first ?? 0 < 0xFE }
            .map {
                let gateway = $0.gateway.map { IPPrefix.text($0) } ?? "-"
                return "\(IPPrefix.text($0.destination))/\($0.prefixLength) by \(gateway) in \($0.table)"
            }
            .sorted()
    }

    private static func rules() throws -> [String] {
        var socket = try RouteSocket()
        return try (socket.rules(ipv6: false) + socket.rules(ipv6: true)).filter { $0.prefixLength > 0 }
            .map { "\(IPPrefix.text($0.source))/\($0.prefixLength) \($0.table)" }.sorted()
    }

    @Test func answersLeaveByTheInterfaceWhoseAddressTheyBear() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try RoutingPluginTests.container(laboratory, "a")
            let configuration = RoutingPluginTests.configuration("sbr", #","prevResult":\#(made)"#)
            let added = caller.ours("sbr", "ADD", configuration)
            try #require(added.exitCode == 0, "\(added.text)")
            #expect(try CNIResult(json: added.json) == CNIResult(json: JSONParser.parse(Array(made.utf8))))
            try laboratory.inside("a") { () throws in
                #expect(try RoutingPluginTests.rules() == ["10.9.0.2/32 100", "fd09::2/128 101"])
                #expect(
                    try RoutingPluginTests.routes() == [
                        "0.0.0.0/0 by 10.9.0.1 in 100", "10.77.0.0/16 by 10.9.0.1 in 100", "10.9.0.0/24 by - in 100",
                        "::/0 by fd09::1 in 101", "fd09::/64 by - in 101",
                    ])
            }
            #expect(caller.ours("sbr", "CHECK", configuration) == PluginCall.Outcome())
            for _ in 0..<2 {
                #expect(caller.ours("sbr", "DEL", configuration) == PluginCall.Outcome())
                #expect(try laboratory.inside("a") { try RoutingPluginTests.rules() } == [])
            }
            #expect(caller.ours("sbr", "CHECK", configuration).text.contains("lacks the routing rule of 10.9.0.2"))
        }
    }

    @Test func tableGatewaysAndSourceMayBeChosen() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try RoutingPluginTests.container(laboratory, "a")
            let keys = #","table":200,"gateways":["10.9.0.9"],"addSourceHints":true,"prevResult":\#(made)"#
            let added = caller.ours("sbr", "ADD", RoutingPluginTests.configuration("sbr", keys))
            try #require(added.exitCode == 0, "\(added.text)")
            try laboratory.inside("a") { () throws in
                #expect(try RoutingPluginTests.rules() == ["10.9.0.2/32 200", "fd09::2/128 200"])
                var socket = try RouteSocket()
                let routes = try socket.routes(ipv6: false, table: 200).filter { $0.prefixLength == 0 }
                #expect(routes.map(\.gateway) == [[10, 9, 0, 9]] && routes.map(\.source) == [[10, 9, 0, 2]])
            }
            for (keys, message) in [
                (#","table":254"#, "table: 254 is no routing table"), (#","gateways":["x"]"#, "is no address"),
            ] {
                let refused = caller.ours(
                    "sbr", "ADD", RoutingPluginTests.configuration("sbr", keys + #","prevResult":\#(made)"#))
                #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
            }
        }
    }

    @Test(
        .enabled(
            if: Caller.hasReference("sbr") && BridgeLaboratory.isPossible,
            "needs the package containernetworking-plugins"))
    func theSameRoutesAreMadeAsByTheReference() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            var facts: [[String]] = []
            for isOurs in [true, false] {
                let part = "\(path)/\(isOurs ? "ours" : "theirs")"
                try Files.makeDirectories(part)
                let laboratory = try Laboratory(in: part)
                let (caller, made) = try RoutingPluginTests.container(laboratory, "a")
                let configuration = RoutingPluginTests.configuration("sbr", #","prevResult":\#(made)"#)
                let added =
                    try isOurs
                    ? caller.ours("sbr", "ADD", configuration) : caller.reference("sbr", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                let found = try laboratory.inside("a") { try RoutingPluginTests.rules() + RoutingPluginTests.routes() }
                // The reference copies what is of one family into the other's table too.
                facts.append(found.filter { $0 != "fd09::/64 by - in 100" })
            }
            #expect(facts[0] == facts[1], "\(facts)")
        }
    }

    @Test func interfacesOfAVRFRouteByItsTable() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try RoutingPluginTests.container(laboratory, "a")
            let configuration = RoutingPluginTests.configuration(
                "vrf", #","vrfname":"blue","table":50,"prevResult":\#(made)"#)
            let added = caller.ours("vrf", "ADD", configuration)
            if added.text.contains("this kernel has no vrf interfaces") {
                #expect(added.code == 2)
                #expect(try laboratory.inside("a") { try laboratory.links() } == ["eth0", "lo"])
                return
            }
            try #require(added.exitCode == 0, "\(added.text)")
            try laboratory.inside("a") { () throws in
                let device = try #require(try laboratory.link("blue"))
                #expect(device.virtual == .vrf(50) && device.isUp)
                #expect(try laboratory.link("eth0")?.master == device.index)
                #expect(try laboratory.addresses("eth0") == ["10.9.0.2/24", "fd09::2/64"])
                let routes = try RoutingPluginTests.routes()
                for route in ["10.77.0.0/16 by 10.9.0.1 in 50", "10.9.0.0/24 by - in 50", "fd09::/64 by - in 50"] {
                    #expect(routes.contains(route), "\(route): \(routes)")
                }
            }
            let again = caller.ours("vrf", "ADD", configuration)
            #expect(again.exitCode == 0 && caller.ours("vrf", "CHECK", configuration) == PluginCall.Outcome())
            let other = configuration.replacing("50", with: "51")
            #expect(caller.ours("vrf", "ADD", other).text.contains("the VRF blue has the table 50, and not 51"))
            for _ in 0..<2 {
                #expect(caller.ours("vrf", "DEL", configuration) == PluginCall.Outcome())
                #expect(try laboratory.inside("a") { try laboratory.links() } == ["eth0", "lo"])
            }
            #expect(caller.ours("vrf", "CHECK", configuration).exitCode == 1)
        }
    }

    @Test(arguments: [
        ("vrf", "", "vrfname"), ("vrf", #","vrfname":"a/b""#, "vrfname: no interface can have this name"),
        ("vrf", #","vrfname":"blue","table":255"#, "table: 255 is no routing table"),
        ("vrf", #","vrfname":"blue""#, "has no prevResult"), ("sbr", "", "has no prevResult"),
    ])
    func whatCannotBeIsRefusedWithTheKey(type: String, keys: String, message: String) {
        let refused = Caller().ours(type, "ADD", RoutingPluginTests.configuration(type, keys))
        #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
    }
}
