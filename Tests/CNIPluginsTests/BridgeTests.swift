import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Each test in a process of its own, with a host and containers of its own.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6")) struct BridgeTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static let dual =
        #""ranges":[[{"subnet":"10.9.0.0/24"}],[{"subnet":"fd09::/64"}]],"routes":[{"dst":"192.168.9.0/24"}]"#

    @Test func containerIsAttachedAndWhenDelReturnsNothingOfItIsLeft() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            try BridgeTests.attachAndDetach(try Laboratory(in: path))
        }
    }

    private static func attachAndDetach(_ laboratory: Laboratory) throws {
        let configuration = laboratory.configuration(
            #","isDefaultGateway":true,"mtu":1400,"dns":{"nameservers":["10.0.0.2"]}"#, ipam: dual)
        let caller = try laboratory.container("a")
        let added = caller.ours("bridge", "ADD", configuration)
        try #require(added.exitCode == 0, "\(added.text)")
        let host = try #require(added.json["interfaces"]?.arrayValue?[1]["name"]?.stringValue)
        #expect(try laboratory.links() == ["br9", "lo", host].sorted())
        #expect(try laboratory.link(host)?.alias == "swiftlet:net:a:eth0" && laboratory.link(host)?.mtu == 1400)
        #expect(try laboratory.addresses("br9") == ["10.9.0.1/24", "fd09::1/64"])
        let bridgeMAC = try laboratory.link("br9")?.mac
        #expect(added.json["interfaces"]?.arrayValue?[0]["mac"]?.stringValue == bridgeMAC?.description)
        #expect(added.json["dns"]?["nameservers"] == ["10.0.0.2"])
        #expect(added.json["ips"]?.arrayValue?.allSatisfy { $0["interface"]?.integerValue == 2 } == true)
        for name in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] { #expect(try laboratory.setting(name) == "1") }
        for name in ["br9", host] { #expect(try laboratory.setting("ipv6/conf/\(name)/accept_ra") == "0") }
        try laboratory.inside("a") {
            #expect(try laboratory.addresses("eth0") == ["10.9.0.2/24", "fd09::2/64"])
            #expect(
                try laboratory.routes() == [
                    "0.0.0.0/0 by 10.9.0.1", "10.9.0.0/24 by -", "192.168.9.0/24 by 10.9.0.1", "::/0 by fd09::1",
                    "fd09::/64 by -",
                ])
            #expect(try laboratory.setting("ipv6/conf/eth0/accept_dad") == "0")
            #expect(try laboratory.setting("ipv4/conf/eth0/arp_notify") == "1")
            let mac = try laboratory.link("eth0")?.mac
            #expect(added.json["interfaces"]?.arrayValue?[2]["mac"]?.stringValue == mac?.description)
        }
        #expect(caller.ours("bridge", "CHECK", Laboratory.previous(configuration, added)) == PluginCall.Outcome())
        // The same once more is refused and changes nothing.
        #expect(caller.ours("bridge", "ADD", configuration).exitCode == 1)
        #expect(caller.ours("bridge", "CHECK", Laboratory.previous(configuration, added)) == PluginCall.Outcome())

        for previous in [Laboratory.previous(configuration, added), configuration] {
            #expect(caller.ours("bridge", "DEL", previous) == PluginCall.Outcome())
            #expect(try laboratory.links() == ["br9", "lo"])
            #expect(try laboratory.inside("a") { try laboratory.links() } == ["lo"])
            #expect(laboratory.leases.isEmpty)
        }
        #expect(try laboratory.link("br9")?.mac == bridgeMAC, "it does not follow its ports")
        // The next container finds everything as the first did, and so does one that comes again.
        for id in ["b", "a"] {
            let caller = id == "a" ? laboratory.caller("a") : try laboratory.container(id)
            #expect(caller.ours("bridge", "ADD", configuration).exitCode == 0)
        }
    }

    @Test func delNeedsNeitherTheNamespaceNorAResult() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(#","isGateway":true"#)
            for (id, netns) in [("gone", nil), ("empty", "")] {
                var caller = try laboratory.container(id)
                #expect(caller.ours("bridge", "ADD", configuration).exitCode == 0)
                // Somebody holds the namespace, so that the kernel does not remove the pair.
                let held = try NetworkNamespace(path: caller.netns)
                try laboratory.removeNamespace(id)
                if let netns { caller.netns = netns }
                for _ in 0..<2 {
                    #expect(caller.ours("bridge", "DEL", configuration) == PluginCall.Outcome())
                    #expect(laboratory.leases.isEmpty)
                    #expect(try laboratory.waitFor(["br9", "lo"]))
                }
                withExtendedLifetime(held) {}
            }
        }
    }

    @Test func packetsFlowAsSoonAsAddReturns() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(#","isDefaultGateway":true"#, ipam: BridgeTests.dual)
            for index in 0..<5 {
                let caller = try laboratory.container("c\(index)")
                // A packet that is lost comes again after a second: with less patience than that none may be.
                func socketInside(_ family: Int32) throws -> SharedDescriptor {
                    try laboratory.inside("c\(index)") {
                        let raw = try retrying("socket", "inside") { socket(family, Int32(SOCK_STREAM.rawValue), 0) }
                        return SharedDescriptor(FileDescriptor(adopting: raw))
                    }
                }
                let (four, six) = (try socketInside(AF_INET), try socketInside(AF_INET6))
                #expect(caller.ours("bridge", "ADD", configuration).exitCode == 0)
                #expect(try BridgeTests.answers(four, "10.9.0.1"))
                #expect(try BridgeTests.answers(six, "fd09::1"))
            }
        }
    }

    @Test func packetsFlowAtOnceAlsoThroughABridgeThatHadNoPorts() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(#","isDefaultGateway":true"#)
            for index in 0..<8 {
                let caller = try laboratory.container("c\(index)")
                let inside = try laboratory.inside("c\(index)") {
                    let raw = try retrying("socket", "inside") { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
                    return SharedDescriptor(FileDescriptor(adopting: raw))
                }
                #expect(caller.ours("bridge", "ADD", configuration).exitCode == 0)
                #expect(try BridgeTests.answers(inside, "10.9.0.1"))
                #expect(caller.ours("bridge", "DEL", configuration).exitCode == 0)
            }
        }
    }

    /// Whether a TCP connection to a closed port of `address` is refused, which an answer does, within half a second.
    static func answers(_ socket: SharedDescriptor, _ address: String) throws -> Bool {
        var patience = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(socket.raw, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let bytes = try #require(IPPrefix.parse(address))
        let result: Int32
        if bytes.count == 4 {
            var place = sockaddr_in()
            place.sin_family = sa_family_t(AF_INET)
            place.sin_port = in_port_t(9).bigEndian
            withUnsafeMutableBytes(of: &place.sin_addr) { $0.copyBytes(from: bytes) }
            result = withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket.raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        } else {
            var place = sockaddr_in6()
            place.sin6_family = sa_family_t(AF_INET6)
            place.sin6_port = in_port_t(9).bigEndian
            withUnsafeMutableBytes(of: &place.sin6_addr) { $0.copyBytes(from: bytes) }
            result = withUnsafePointer(to: &place) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(socket.raw, .init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        }
        return result < 0 && Errno.current == .connectionRefused
    }

    @Test func addThatFailsHalfWayLeavesNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let container = try laboratory.container("a")
            // Addresses are given out, and then the kernel refuses a route by a router that cannot be reached.
            let badRoute = #""subnet":"10.9.0.0/24","routes":[{"dst":"0.0.0.0/0","gw":"172.16.0.1"}]"#
            let refused = container.ours(
                "bridge", "ADD", laboratory.configuration(#","isGateway":true"#, ipam: badRoute))
            #expect(refused.code == 5 && refused.text.contains("add the route to 0.0.0.0/0"), "\(refused.text)")
            // No address is free; there is no such plugin; it fails; it prints nonsense; it prints too much.
            try Files.replace(
                "\(path)/own/fails", with: "#!/bin/sh\necho \"$CNI_COMMAND\" >> \(path)/calls\nexit 3".utf8,
                mode: 0o755,
                durable: false)
            try Files.replace(
                "\(path)/own/babbles", with: "#!/bin/sh\necho nonsense".utf8, mode: 0o755, durable: false)
            try Files.replace("\(path)/own/floods", with: "#!/bin/sh\nexec yes".utf8, mode: 0o755, durable: false)
            for (ipam, reason) in [
                (#""subnet":"10.9.0.0/30","gateway":"10.9.0.2","rangeStart":"10.9.0.2""#, "no free address"),
                (#""type":"missing""#, "CNI_PATH has no plugin missing"), (#""type":"fails""#, "status 3"),
                (#""type":"babbles""#, "is no result"), (#""type":"floods""#, "EFBIG"),
                (#""type":"bridge""#, "gives out no addresses"), (#""type":"../own/fails""#, "no plugin's name"),
            ] {
                let text = laboratory.configuration(#","isGateway":true"#, ipam: ipam)
                    .replacing(#""type":"host-local","#, with: ipam.contains("type") ? "" : #""type":"host-local","#)
                let outcome = container.ours("bridge", "ADD", text)
                #expect(outcome.exitCode == 1 && outcome.text.contains(reason), "\(ipam): \(outcome.text)")
            }
            #expect(try Files.readText("\(path)/calls") == "ADD\nDEL", "the plugin may undo what it has done")
            #expect(try laboratory.links() == ["br9", "lo"])
            #expect(try laboratory.inside("a") { try laboratory.links() } == ["lo"])
            #expect(laboratory.leases.isEmpty)
        }
    }

    @Test func whatIsNotSupportedIsRefusedBeforeAnythingIsMade() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let container = try laboratory.container("a")
            for key in [#""ipMasq":true,"ipMasqBackend":"iptables""#] {
                for command in ["ADD", "STATUS", "CHECK"] {
                    let text = laboratory.configuration("," + key, version: "1.1.0")
                    #expect(container.ours("bridge", command, text).code == 2, "\(command) \(key)")
                }
                // What was never made is gone.
                #expect(container.ours("bridge", "DEL", laboratory.configuration("," + key)) == PluginCall.Outcome())
            }
            for key in [
                #""hairpinMode":true,"promiscMode":true"#, #""mtu":-1"#, #""isGateway":1"#,
                #""runtimeConfig":{"mac":"nonsense"}"#, #""args":{"cni":{"mac":"01:00:00:00:00:01"}}"#,
                #""disableContainerInterface":true"#, #""dns":{"search":3}"#,
            ] {
                #expect(container.ours("bridge", "ADD", laboratory.configuration("," + key)).code == 7, "\(key)")
            }
            let slash = laboratory.configuration().replacing("br9", with: "a/b")
            #expect(container.ours("bridge", "ADD", slash).code == 7)
            #expect(try laboratory.links() == ["lo"] && laboratory.leases.isEmpty)
        }
    }

    @Test func addressesInTheWayAreNamedAndReplacedOnlyByForce() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let first = laboratory.configuration(#","isGateway":true"#)
            #expect(try laboratory.container("a").ours("bridge", "ADD", first).exitCode == 0)
            let other = #""subnet":"10.10.0.0/24""#
            let container = try laboratory.container("b")
            let refused = container.ours("bridge", "ADD", laboratory.configuration(#","isGateway":true"#, ipam: other))
            #expect(refused.code == 7 && refused.text.contains("bridge br9 has the address 10.9.0.1/24"))
            #expect(refused.text.contains("needs 10.10.0.1/24") && refused.text.contains("forceAddress"))
            #expect(laboratory.leases == ["10.9.0.2"])
            #expect(try laboratory.addresses("br9") == ["10.9.0.1/24"])
            let forced = laboratory.configuration(#","isGateway":true,"forceAddress":true"#, ipam: other)
            #expect(container.ours("bridge", "ADD", forced).exitCode == 0)
            #expect(try laboratory.addresses("br9") == ["10.10.0.1/24"])
            // IPv6 networks live side by side.
            for (id, subnet) in [("c", "fd01::/64"), ("d", "fd02::/64")] {
                let six = laboratory.configuration(#","isGateway":true"#, ipam: #""subnet":"\#(subnet)""#)
                #expect(try laboratory.container(id).ours("bridge", "ADD", six).exitCode == 0)
            }
            #expect(try laboratory.addresses("br9").count == 3)
        }
    }

    @Test func subnetOfAnotherInterfaceIsRefusedWithRouteAndInterface() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge("lan0", mac: mac) }
            let lan = try #require(try laboratory.link("lan0")).index
            try laboratory.change {
                $0.addAddress(InterfaceAddress([10, 9, 0, 77], prefixLength: 16), to: lan)
                // Wider, by a router: the way to everything else of a company.
                $0.addRoute(Route([10, 0, 0, 0], prefixLength: 8, gateway: [10, 9, 0, 1], interface: lan))
                $0.addRoute(Route([0, 0, 0, 0], prefixLength: 0, gateway: [10, 9, 0, 1], interface: lan))
                $0.addRoute(Route([10, 20, 0, 128], prefixLength: 25, gateway: [10, 9, 0, 1], interface: lan))
            }
            let container = try laboratory.container("a")
            for (subnet, route) in [("10.9.3.0/24", "10.9.0.0/16"), ("10.20.0.0/24", "10.20.0.128/25")] {
                let text = laboratory.configuration(#","isGateway":true"#, ipam: #""subnet":"\#(subnet)""#)
                let refused = container.ours("bridge", "ADD", text)
                #expect(refused.code == 7 && refused.text.contains(subnet), "\(refused.text)")
                #expect(refused.text.contains(route) && refused.text.contains("lan0"))
                #expect(try laboratory.addresses("br9").isEmpty && laboratory.leases.isEmpty)
            }
            let free = laboratory.configuration(#","isGateway":true"#, ipam: #""subnet":"10.30.0.0/24""#)
            #expect(container.ours("bridge", "ADD", free).exitCode == 0)
        }
    }

    @Test func garbageIsWhatWeMadeForThisNetworkAndNobodyHas() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration(version: "1.1.0")
            let other = configuration.replacing(#""name":"net""#, with: #""name":"other""#)
                .replacing("10.9.0.0", with: "10.8.0.0")
            for id in ["a", "b"] {
                #expect(try laboratory.container(id).ours("bridge", "ADD", configuration).exitCode == 0)
            }
            #expect(try laboratory.container("c").ours("bridge", "ADD", other).exitCode == 0)
            // A stranger that says it is ours: nobody would have given it this name.
            let namespace = try laboratory.container("stranger").netns
            let (mac, peer) = (try MACAddress.random(), try MACAddress.random())
            let descriptor = try NetworkNamespace(path: namespace)
            try laboratory.change {
                $0.createVeth(
                    VethPair(
                        name: "vethstranger", mac: mac, alias: "swiftlet:net:x:eth0", peerName: "eth0", peerMAC: peer),
                    peerNamespace: descriptor.descriptor)
            }
            let before = try laboratory.links()
            let valid = Laboratory.with(
                configuration, #""cni.dev/valid-attachments":[{"containerID":"b","ifname":"eth0"}]"#)
            #expect(laboratory.caller("").ours("bridge", "GC", valid) == PluginCall.Outcome())
            let own = OwnedLink(.veth, network: "net", containerID: "a", interfaceName: "eth0").names[0]
            #expect(try laboratory.links() == before.filter { $0 != own } && before.contains(own))
            #expect(laboratory.leases == ["10.9.0.3"])
            #expect(try Files.list("\(path)/leases/other").contains("10.8.0.2"))
            // Without the list nothing goes.
            #expect(laboratory.caller("").ours("bridge", "GC", configuration).code == 7)
        }
    }

    @Test func namesThatAreTakenAreLeftAndWhatAnEarlierAddLeftIsReplaced() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let configuration = laboratory.configuration()
            let veth = OwnedLink(.veth, network: "net", containerID: "a", interfaceName: "eth0")
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge(veth.names[0], mac: mac) }
            let container = try laboratory.container("a")
            #expect(container.ours("bridge", "ADD", configuration).exitCode == 0)
            #expect(try laboratory.links() == ["br9", "lo", veth.names[0], veth.names[1]].sorted())
            // The runtime lost the container and makes it anew; the old namespace is still held by somebody.
            let held = try NetworkNamespace(path: container.netns)
            try laboratory.removeNamespace("a")
            #expect(container.ours("host-local", "DEL", configuration) == PluginCall.Outcome())
            #expect(try laboratory.container("a").ours("bridge", "ADD", configuration).exitCode == 0)
            #expect(try laboratory.links() == ["br9", "lo", veth.names[0], veth.names[1]].sorted())
            #expect(try laboratory.inside("a") { try laboratory.links() } == ["eth0", "lo"])
            #expect(container.ours("bridge", "DEL", configuration) == PluginCall.Outcome())
            #expect(try laboratory.links() == ["br9", "lo", veth.names[0]].sorted())
            withExtendedLifetime(held) {}
        }
    }

    @Test func interfaceThatTheContainerHasIsLeftAlone() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let container = try laboratory.container("a")
            let mac = try MACAddress.random()
            try laboratory.inside("a") { try laboratory.change { $0.createBridge("eth0", mac: mac) } }
            let refused = container.ours("bridge", "ADD", laboratory.configuration())
            #expect(refused.code == 7 && refused.text.contains("has an interface eth0 already"), "\(refused.text)")
            let found = try laboratory.inside("a") { try laboratory.link("eth0")?.mac }
            #expect(found == mac)
            #expect(try laboratory.links() == ["br9", "lo"])
            // The bridge's name is another device's.
            try laboratory.change { $0.deleteLink(.name("br9")) }
            let pair = VethPair(name: "br9", mac: mac, peerName: "peer", peerMAC: try MACAddress.random())
            let other = try NetworkNamespace(path: try laboratory.container("b").netns)
            try laboratory.change { $0.createVeth(pair, peerNamespace: other.descriptor) }
            #expect(
                container.ours("bridge", "ADD", laboratory.configuration()).text.contains("br9 is no bridge but a veth")
            )
            #expect(container.ours("bridge", "STATUS", laboratory.configuration(version: "1.1.0")).code == 50)
        }
    }
}
