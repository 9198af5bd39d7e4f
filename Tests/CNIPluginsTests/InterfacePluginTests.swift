import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Plugins that make one interface of a kind in the container: dummy, macvlan, ipvlan and vlan.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct InterfacePluginTests {
    typealias Laboratory = BridgeLaboratory

    enum Kind: String, CaseIterable, Sendable {
        case dummy, macvlan, ipvlan, vlan

        /// The keys of its configuration but for the addresses.
        var keys: String {
            switch self {
            case .dummy: ""
            case .macvlan: #","master":"up0","mode":"private","mtu":1400"#
            case .ipvlan: #","master":"up0","mode":"l3","mtu":1400"#
            case .vlan: #","master":"up0","vlanId":7,"mtu":1400"#
            }
        }

        func configuration(_ folder: String, keys: String? = nil, ipam: String? = nil, version: String = "1.0.0")
            -> String
        {
            let ranges =
                #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]],"routes":[{"dst":"10.77.0.0/16"}]"#
            let ipam = ipam ?? #"{"type":"host-local","dataDir":"\#(folder)/leases",\#(ranges)}"#
            return
                #"{"cniVersion":"\#(version)","name":"net","type":"\#(rawValue)","ipam":\#(ipam)\#(keys ?? self.keys)}"#
        }

        /// Whether this kernel has it: asked by making one, for which this thread must have a network of its own.
        static func isThere(_ kind: Kind) throws -> Bool {
            var socket = try RouteSocket()
            let parent = try socket.link(named: "up0")?.index
            let virtual: VirtualLink.Kind =
                switch kind {
                case .dummy: .dummy
                case .macvlan: .macvlan(.bridge, queue: nil)
                case .ipvlan: .ipvlan(.l2)
                case .vlan: .vlan(9)
                }
            do throws(NetlinkError) {
                try socket.perform { $0.create(VirtualLink(virtual, name: "try0", parent: parent)) }
            } catch {
                guard error.errno == .notSupported else { throw error }
                return false
            }
            try socket.perform { $0.deleteLink(.name("try0")) }
            return true
        }
    }

    let folder: TemporaryDirectory
    init() throws { folder = try TemporaryDirectory() }

    /// A host with the interface `up0`, the end of a cable.
    private static func laboratory(_ path: String) throws -> Laboratory {
        let laboratory = try Laboratory(in: path)
        // The other end of the cable: without it the kernel takes no IPv6 address for usable.
        _ = try laboratory.container("cable")
        let far = try NetworkNamespace(path: "\(path)/cable.netns")
        var socket = try RouteSocket()
        var batch = NetlinkBatch()
        let macs = try (MACAddress.random(), MACAddress.random())
        batch.createVeth(
            VethPair(name: "up0", mac: macs.0, peerName: "far0", peerMAC: macs.1), peerNamespace: far.descriptor)
        try socket.perform(batch)
        try laboratory.inside("cable") { try laboratory.change { $0.setUp(.name("far0")) } }
        let index = try #require(try laboratory.link("up0")).index
        try laboratory.change { $0.addAddress(InterfaceAddress([192, 0, 2, 1], prefixLength: 24), to: index) }
        return laboratory
    }

    @Test(arguments: Kind.allCases)
    func whatIsAskedForIsMadeCheckedAndRemoved(kind: Kind) async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String, kind = kind.rawValue as String] in
            let laboratory = try InterfacePluginTests.laboratory(path)
            let kind = try #require(Kind(rawValue: kind))
            let configuration = kind.configuration(path)
            let caller = try laboratory.container("a")
            guard try Kind.isThere(kind) else {
                // A kernel without it is named, and nothing is left.
                let refused = caller.ours(kind.rawValue, "ADD", configuration)
                #expect(refused.text.contains("this kernel has no \(kind.rawValue) interfaces"), "\(refused.text)")
                #expect(laboratory.leases.isEmpty)
                return
            }
            let added = caller.ours(kind.rawValue, "ADD", configuration)
            try #require(added.exitCode == 0, "\(added.text)")
            let result = try CNIResult(json: added.json)
            #expect(result.interfaces.map(\.name) == ["eth0"] && result.interfaces[0].sandbox == caller.netns)
            #expect(result.ips.map(\.interface) == [0, 0])
            try laboratory.inside("a") {
                let link = try #require(try laboratory.link("eth0"))
                #expect(link.kind == kind.rawValue && link.isUp && link.mac?.description == result.interfaces[0].mac)
                #expect(kind == .dummy || link.mtu == 1400)
                switch kind {
                case .dummy: #expect(link.virtual == .dummy)
                case .macvlan: #expect(link.virtual?.isAs(.macvlan(.private, queue: nil)) == true)
                case .ipvlan: #expect(link.virtual == .ipvlan(.l3))
                case .vlan: #expect(link.virtual == .vlan(7))
                }
                #expect(try laboratory.addresses("eth0") == ["10.9.0.2/24", "fd09::2/64"])
                #expect(try laboratory.routes().contains("10.77.0.0/16 by 10.9.0.1"))
            }
            // Once more is refused, and takes nothing away.
            let again = caller.ours(kind.rawValue, "ADD", configuration)
            #expect(again.text.contains("container a has an interface eth0 already"), "\(again.text)")
            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours(kind.rawValue, "CHECK", previous).exitCode == 0)
            if kind == .macvlan {
                let other = previous.replacing("private", with: "vepa")
                #expect(caller.ours("macvlan", "CHECK", other).text.contains("not as the network net wants it"))
            }
            try laboratory.inside("a") { try laboratory.change { $0.setUp(.name("eth0"), false) } }
            #expect(caller.ours(kind.rawValue, "CHECK", previous).text.contains("interface eth0 is down"))
            #expect(laboratory.leases == ["10.9.0.2", "fd09::2"])
            for _ in 0..<2 {
                #expect(caller.ours(kind.rawValue, "DEL", previous).exitCode == 0)
                #expect(laboratory.leases.isEmpty)
                #expect(try laboratory.inside("a") { try laboratory.link("eth0") } == nil)
            }
            // A container that is gone, and one that nobody knows.
            try #require(caller.ours(kind.rawValue, "ADD", configuration).exitCode == 0)
            try laboratory.removeNamespace("a")
            #expect(caller.ours(kind.rawValue, "DEL", configuration).exitCode == 0 && laboratory.leases.isEmpty)
        }
    }

    @Test func theNetworkHasGCAndStatus() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try InterfacePluginTests.laboratory(path)
            guard try Kind.isThere(.macvlan) else { return }
            let configuration = Kind.macvlan.configuration(path, version: "1.1.0")
            var caller = try laboratory.container("a")
            #expect(caller.ours("macvlan", "STATUS", configuration).exitCode == 0)
            let missing = caller.ours("macvlan", "STATUS", configuration.replacing("up0", with: "up1"))
            #expect(missing.code == 50 && missing.text.contains("there is no interface up1"))
            try #require(caller.ours("macvlan", "ADD", configuration).exitCode == 0)
            caller.path = "\(path)/own"
            let valid = #""cni.dev/valid-attachments":[{"containerID":"a","ifname":"eth0"}]"#
            #expect(caller.ours("macvlan", "GC", Laboratory.with(configuration, valid)).exitCode == 0)
            #expect(laboratory.leases.count == 2)
            let none = Laboratory.with(configuration, #""cni.dev/valid-attachments":[]"#)
            #expect(caller.ours("macvlan", "GC", none).exitCode == 0 && laboratory.leases.isEmpty)
        }
    }

    @Test func aFailureOfTheAddressesLeavesNoInterface() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try InterfacePluginTests.laboratory(path)
            guard try Kind.isThere(.macvlan) else { return }
            let caller = try laboratory.container("a")
            let ipam =
                #"{"type":"host-local","dataDir":"\#(path)/leases","subnet":"10.9.0.0/30","routes":[{"dst":"10.1.0.0/16","gw":"172.16.0.1"}]}"#
            let refused = caller.ours("macvlan", "ADD", Kind.macvlan.configuration(path, ipam: ipam))
            #expect(refused.exitCode == 1 && laboratory.leases.isEmpty, "\(refused.text)")
            #expect(try laboratory.inside("a") { try laboratory.link("eth0") } == nil)
        }
    }

    @Test func theMasterMayBeThatOfTheDefaultRouteOrTheContainersOwn() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try InterfacePluginTests.laboratory(path)
            guard try Kind.isThere(.macvlan) else { return }
            var caller = try laboratory.container("a")
            let given = Kind.macvlan.configuration(path, keys: #","mac":"02:00:00:00:00:77""#)
            let without = caller.ours("macvlan", "ADD", given)
            #expect(without.text.contains("names no master, and there is no default route"), "\(without.text)")
            let up = try #require(try laboratory.link("up0")).index
            try laboratory.change {
                $0.addRoute(Route([0, 0, 0, 0], prefixLength: 0, gateway: [192, 0, 2, 254], interface: up))
            }
            let added = try CNIResult(json: caller.ours("macvlan", "ADD", given).json)
            #expect(added.interfaces.first?.mac == "02:00:00:00:00:77")
            caller.interface = "eth1"
            let inside = caller.ours(
                "macvlan", "ADD", Kind.macvlan.configuration(path, keys: #","master":"eth0","linkInContainer":true"#))
            #expect(inside.exitCode == 0, "\(inside.text)")
            #expect(try laboratory.inside("a") { try laboratory.link("eth1")?.isUp } == true)
        }
    }

    @Test(arguments: [
        (Kind.macvlan, #","mode":"hub""#, #"mode: \"hub\" is none of"#),
        (.macvlan, #","master":"up0","mtu":9000"#, "the mtu 9000 of network net is more than that of up0"),
        (.macvlan, #","master":"no/where""#, "master: no interface can have this name"),
        (.macvlan, #","bcqueuelen":-1"#, "bcqueuelen: expected a number"),
        (.macvlan, #","mac":"01:00:5e:00:00:01""#, "cannot be an interface's address"),
        (.ipvlan, #","mode":"l4""#, #"mode: \"l4\" is none of"#), (.vlan, #","vlanId":7"#, "master: missing"),
        (.vlan, #","master":"up0","vlanId":4095"#, "vlanId: 4095 is not in 0 to 4094"),
    ])
    func whatCannotBeIsRefusedWithTheKey(kind: Kind, keys: String, message: String) async throws {
        await #expect(processExitsWith: .success) {
            [
                path = folder.path as String, kind = kind.rawValue as String, keys = keys as String,
                message = message as String,
            ] in
            let laboratory = try InterfacePluginTests.laboratory(path)
            let kind = try #require(Kind(rawValue: kind))
            let refused = try laboratory.container("a").ours(
                kind.rawValue, "ADD", kind.configuration(path, keys: keys))
            #expect(refused.exitCode == 1 && refused.text.contains(message), "\(refused.text)")
            #expect(laboratory.leases.isEmpty)
        }
    }

    @Test(
        .enabled(
            if: Caller.hasReference("macvlan") && Caller.hasReference("host-local"),
            "needs the package containernetworking-plugins"),
        arguments: Kind.allCases)
    func theSameIsSaidAsByTheReference(kind: Kind) async throws {
        guard Caller.hasReference(kind.rawValue) else { return }
        await #expect(processExitsWith: .success) { [path = folder.path as String, kind = kind.rawValue as String] in
            let kind = try #require(Kind(rawValue: kind))
            var facts: [[String]] = []
            for isOurs in [true, false] {
                let part = "\(path)/\(isOurs ? "ours" : "theirs")"
                try Files.makeDirectories(part)
                let laboratory = try InterfacePluginTests.laboratory(part)
                guard try Kind.isThere(kind) else { return }
                var caller = try laboratory.container("a")
                caller.path = isOurs ? "\(part)/own" : Caller.referenceFolder
                let configuration = kind.configuration(part)
                let added =
                    try isOurs
                    ? caller.ours(kind.rawValue, "ADD", configuration)
                    : caller.reference(kind.rawValue, "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                let result = try CNIResult(json: added.json)
                var fact = [
                    "\(result.interfaces.map(\.name))", "\(result.ips)", "\(result.routes)", "\(result.dns)",
                    added.json["cniVersion"]?.stringValue ?? "",
                ]
                try laboratory.inside("a") {
                    let link = try #require(try laboratory.link("eth0"))
                    fact.append("\(link.kind ?? "") \(link.isUp) \(link.mtu) \(link.virtual.map { "\($0)" } ?? "")")
                    fact.append("\(try laboratory.addresses("eth0").sorted()) \(try laboratory.routes())")
                }
                facts.append(fact)
            }
            #expect(facts[0] == facts[1])
        }
    }
}
