import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Interfaces of the host that are lent to containers.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct HostDeviceTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static func configuration(_ folder: String, _ choice: String, version: String = "1.0.0") -> String {
        let ipam = #"{"type":"host-local","dataDir":"\#(folder)/leases","subnet":"10.9.0.0/24"}"#
        return #"{"cniVersion":"\#(version)","name":"net","type":"host-device",\#(choice),"ipam":\#(ipam)}"#
    }

    /// A host with the interface `card0`, the end of a cable.
    private static func laboratory(_ path: String) throws -> Laboratory {
        let laboratory = try Laboratory(in: path)
        _ = try laboratory.container("cable")
        let far = try NetworkNamespace(path: "\(path)/cable.netns")
        var socket = try RouteSocket()
        var batch = NetlinkBatch()
        let pair = VethPair(
            name: "card0", mac: MACAddress("02:00:00:00:00:01")!, peerName: "far0", peerMAC: try MACAddress.random())
        batch.createVeth(pair, peerNamespace: far.descriptor)
        try socket.perform(batch)
        try laboratory.inside("cable") { try laboratory.change { $0.setUp(.name("far0")) } }
        return laboratory
    }

    @Test(arguments: [#""device":"card0""#, #""hwaddr":"02:00:00:00:00:01""#])
    func theInterfaceIsLentAndComesBackAsItWas(choice: String) async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String, choice = choice as String] in
            let laboratory = try HostDeviceTests.laboratory(path)
            let configuration = HostDeviceTests.configuration(path, choice)
            let caller = try laboratory.container("a")
            let added = caller.ours("host-device", "ADD", configuration)
            try #require(added.exitCode == 0, "\(added.text)")
            let result = try CNIResult(json: added.json)
            #expect(result.interfaces == [.init(name: "eth0", mac: "02:00:00:00:00:01", sandbox: caller.netns)])
            #expect(result.ips.map { "\($0.address) \($0.interface ?? -1)" } == ["10.9.0.2/24 0"])
            #expect(try laboratory.links() == ["lo"])
            let inside = try laboratory.inside("a") {
                try (laboratory.link("eth0")?.isUp, laboratory.addresses("eth0"))
            }
            #expect(inside.0 == true && inside.1 == ["10.9.0.2/24"])
            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours("host-device", "CHECK", previous) == PluginCall.Outcome())
            // Nobody else can have it.
            let other = try laboratory.container("b").ours("host-device", "ADD", configuration)
            #expect(other.code == 7 && other.text.contains("another container may have it"), "\(other.text)")
            #expect(laboratory.leases == ["10.9.0.2"])
            for _ in 0..<2 {
                #expect(caller.ours("host-device", "DEL", previous) == PluginCall.Outcome())
                #expect(try laboratory.links() == ["card0", "lo"] && laboratory.leases.isEmpty)
                let card = try #require(try laboratory.link("card0"))
                #expect(!card.isUp && (card.alias ?? "").isEmpty && card.mac?.description == "02:00:00:00:00:01")
                #expect(try laboratory.addresses("card0") == [])
            }
            #expect(try laboratory.container("c").ours("host-device", "ADD", configuration).exitCode == 0)
        }
    }

    @Test func oneThatCameBackByItselfGetsItsNameAndOthersKeepTheirs() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try HostDeviceTests.laboratory(path)
            let configuration = HostDeviceTests.configuration(path, #""device":"card0""#, version: "1.1.0")
            // As the kernel leaves hardware behind when a namespace ends.
            let card = try #require(try laboratory.link("card0"))
            try laboratory.change {
                $0.setUp(.index(card.index), false)
                $0.rename(index: card.index, to: "eth0")
                $0.setAlias(.index(card.index), "swiftlet:host-device:card0")
            }
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge("br9", mac: mac) }
            try laboratory.change { $0.setAlias(.name("br9"), "card0") }
            let garbage = Laboratory.with(configuration, #""cni.dev/valid-attachments":[]"#)
            #expect(laboratory.caller("").ours("host-device", "GC", garbage) == PluginCall.Outcome())
            #expect(try laboratory.links() == ["br9", "card0", "lo"])
            #expect(try laboratory.link("card0")?.index == card.index)
        }
    }

    @Test func oneWhoseNameIsTakenMeanwhileIsNotLost() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try HostDeviceTests.laboratory(path)
            let configuration = HostDeviceTests.configuration(path, #""device":"card0""#)
            let caller = try laboratory.container("a")
            try #require(caller.ours("host-device", "ADD", configuration).exitCode == 0)
            let mac = try MACAddress.random()
            try laboratory.change { $0.createBridge("card0", mac: mac) }
            // What the container writes on it counts for nothing.
            try laboratory.inside("a") {
                try laboratory.change { $0.setAlias(.name("eth0"), "swiftlet:host-device:lo") }
            }
            let deleted = caller.ours("host-device", "DEL", configuration)
            #expect(deleted == PluginCall.Outcome(), "\(deleted.text)")
            var links = try laboratory.links()
            #expect(links == ["card0", "eth0", "lo"], "\(links)")
            #expect(try laboratory.link("card0")?.kind == "bridge")
            try laboratory.change { $0.deleteLink(.name("card0")) }
            #expect(caller.ours("host-device", "DEL", configuration) == PluginCall.Outcome())
            links = try laboratory.links()
            #expect(links == ["card0", "lo"], "\(links)")
        }
    }

    @Test(arguments: [
        (#""device":"card0","hwaddr":"02:00:00:00:00:01""#, "expected exactly one of"), (#""mtu":7"#, "found 0"),
        (#""device":"a/b""#, "device: no interface can have this name"),
        (#""hwaddr":"02:00""#, "hwaddr: expected a MAC address"),
        (#""kernelpath":"/sys/devices/../../etc""#, "kernelpath: expected a path that begins with /sys/devices/"),
        (#""pciBusID":"../0000""#, "pciBusID: expected the address"),
        (#""pciBusID":"ffff:00:00.0""#, "the host has no interface of the PCI device ffff:00:00.0"),
    ])
    func whatCannotBeLentIsRefusedWithTheKey(choice: String, message: String) async throws {
        await #expect(processExitsWith: .success) {
            [path = folder.path as String, choice = choice as String, message = message as String] in
            let laboratory = try HostDeviceTests.laboratory(path)
            let refused = try laboratory.container("a").ours(
                "host-device", "ADD", HostDeviceTests.configuration(path, choice))
            #expect(refused.code == 7 && refused.text.contains(message), "\(refused.text)")
            #expect(laboratory.leases.isEmpty)
        }
    }

    @Test(
        .enabled(
            if: Caller.hasReference("host-device") && Caller.hasReference("host-local"),
            "needs the package containernetworking-plugins"))
    func theSameIsSaidAsByTheReference() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            var facts: [[String]] = []
            for isOurs in [true, false] {
                let part = "\(path)/\(isOurs ? "ours" : "theirs")"
                try Files.makeDirectories(part)
                let laboratory = try HostDeviceTests.laboratory(part)
                var caller = try laboratory.container("a")
                caller.path = isOurs ? "\(part)/own" : Caller.referenceFolder
                let configuration = HostDeviceTests.configuration(part, #""device":"card0""#)
                let added =
                    try isOurs
                    ? caller.ours("host-device", "ADD", configuration)
                    : caller.reference("host-device", "ADD", configuration)
                try #require(added.exitCode == 0, "\(added.text)")
                let result = try CNIResult(json: added.json)
                let links = try laboratory.inside("a") { try laboratory.links() }
                facts.append(["\(result.interfaces.map { [$0.name, $0.mac ?? ""] })", "\(result.ips)", "\(links)"])
            }
            #expect(facts[0] == facts[1])
        }
    }
}
