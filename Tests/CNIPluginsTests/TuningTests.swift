import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Kernel parameters and attributes of an interface that another plugin has made.
@Suite(.enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"))
struct TuningTests {
    typealias Laboratory = BridgeLaboratory
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private static func configuration(_ folder: String, _ keys: String, version: String = "1.0.0") -> String {
        #"{"cniVersion":"\#(version)","name":"net","type":"tuning","dataDir":"\#(folder)/backup",\#(keys)}"#
    }

    /// A container with an interface that `bridge` has made, and what that has said.
    private static func container(_ laboratory: Laboratory, _ id: String) throws -> (Caller, String) {
        let caller = try laboratory.container(id)
        let made = caller.ours("bridge", "ADD", laboratory.configuration())
        try #require(made.exitCode == 0, "\(made.text)")
        return (caller, made.text)
    }

    @Test func whatIsTunedIsSaidCheckedAndPutBack() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try TuningTests.container(laboratory, "a")
            let keys =
                #""mac":"02:00:00:00:00:77","mtu":1400,"promisc":true,"allmulti":true,"txQLen":77,"#
                + #""sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1","net/ipv4/conf/IFNAME/log_martians":"1"}"#
            let configuration = TuningTests.configuration(path, keys)
            let before = try laboratory.inside("a") { try #require(try laboratory.link("eth0")) }
            let added = caller.ours("tuning", "ADD", Laboratory.with(configuration, #""prevResult":\#(made)"#))
            try #require(added.exitCode == 0, "\(added.text)")
            let result = try CNIResult(json: added.json)
            #expect(result.interfaces.last?.mac == "02:00:00:00:00:77" && result.ips.count == 1)
            try laboratory.inside("a") { () throws in
                let link = try #require(try laboratory.link("eth0"))
                #expect(link.mac?.description == "02:00:00:00:00:77" && link.mtu == 1400 && link.queueLength == 77)
                #expect(link.isPromiscuous && link.isAllMulticast)
                #expect(try laboratory.setting("ipv4/conf/eth0/arp_filter") == "1")
                #expect(try laboratory.setting("ipv4/conf/eth0/log_martians") == "1")
            }
            let previous = Laboratory.previous(configuration, added)
            #expect(caller.ours("tuning", "CHECK", previous) == PluginCall.Outcome())
            try laboratory.inside("a") { try laboratory.change { $0.setMTU(.name("eth0"), 1300) } }
            #expect(caller.ours("tuning", "CHECK", previous).text.contains("has the MTU 1300, not 1400"))
            for _ in 0..<2 {
                #expect(caller.ours("tuning", "DEL", previous) == PluginCall.Outcome())
                let after = try laboratory.inside("a") { try #require(try laboratory.link("eth0")) }
                #expect(after.mac == before.mac && after.mtu == before.mtu && after.queueLength == before.queueLength)
                #expect(!after.isPromiscuous && !after.isAllMulticast)
                #expect(try Files.list("\(path)/backup").isEmpty)
            }
        }
    }

    @Test func whatTheCallerAsksForCountsMore() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try TuningTests.container(laboratory, "a")
            let keys =
                #""mtu":1400,"sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"},"runtimeConfig":{"mac":"02:00:00:00:00:78"},"#
                + #""args":{"cni":{"mtu":1300,"sysctl":{"net.ipv4.conf.IFNAME.arp_ignore":"2"}}},"prevResult":\#(made)"#
            let added = caller.ours("tuning", "ADD", TuningTests.configuration(path, keys))
            try #require(added.exitCode == 0, "\(added.text)")
            try laboratory.inside("a") { () throws in
                let link = try #require(try laboratory.link("eth0"))
                #expect(link.mac?.description == "02:00:00:00:00:78" && link.mtu == 1300)
                #expect(try laboratory.setting("ipv4/conf/eth0/arp_filter") == "0")
                #expect(try laboratory.setting("ipv4/conf/eth0/arp_ignore") == "2")
            }
        }
    }

    @Test func garbageIsWhatIsOfThisNetworkAndNobodyHas() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try TuningTests.container(laboratory, "a")
            let configuration = TuningTests.configuration(path, #""mtu":1400"#, version: "1.1.0")
            let added = caller.ours("tuning", "ADD", Laboratory.with(configuration, #""prevResult":\#(made)"#))
            try #require(added.exitCode == 0, "\(added.text)")
            // Of another network, and of the reference plugin.
            try Files.replace("\(path)/backup/x_eth0.json", with: #"{"network":"other"}"#.utf8, durable: false)
            try Files.replace("\(path)/backup/y_eth0.json", with: #"{"mtu":1500}"#.utf8, durable: false)
            let valid = #""cni.dev/valid-attachments":[{"containerID":"a","ifname":"eth0"}]"#
            #expect(caller.ours("tuning", "GC", Laboratory.with(configuration, valid)) == PluginCall.Outcome())
            #expect(try Files.list("\(path)/backup") == ["a_eth0.json", "x_eth0.json", "y_eth0.json"])
            let none = Laboratory.with(configuration, #""cni.dev/valid-attachments":[]"#)
            #expect(caller.ours("tuning", "GC", none) == PluginCall.Outcome())
            #expect(try Files.list("\(path)/backup") == ["x_eth0.json", "y_eth0.json"])
            #expect(caller.ours("tuning", "STATUS", configuration) == PluginCall.Outcome())
        }
    }

    @Test func onlyWhatTheAdministratorAllowsIsSet() throws {
        let list = try folder.write("allowlist.conf", "^net\\.ipv4\\.conf\\.eth0\\.arp_\n\nlog_martians$\n")
        func refusal(_ keys: String...) throws -> String? {
            let sysctls = try keys.map { try Sysctl($0, "1", interface: "eth0") }
            do {
                try SysctlAllowList.check(sysctls, path: list)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(try refusal("net.ipv4.conf.IFNAME.arp_filter", "net.ipv4.conf.all.log_martians") == nil)
        let refused = try refusal("net.ipv4.conf.IFNAME.arp_filter", "net.ipv4.ip_forward")
        #expect(refused?.contains("sysctl net.ipv4.ip_forward may not be set") == true)
        try SysctlAllowList.check([Sysctl("net.core.x", "1", interface: "e")], path: "/no/list")
        try folder.write("allowlist.conf", "(\n")
        #expect(try refusal("net.ipv4.ip_forward")?.contains("is no regular expression") == true)
    }

    @Test(arguments: [
        "kernel.pid_max", "net", "net..x", "net/../kernel/pid_max", "net.ipv4.conf.a/b.x", "/net/ipv4/ip_forward", "",
    ])
    func whatIsNoneOfTheNetworkIsRefused(key: String) {
        let error = #expect(throws: CNIError.self) { try Sysctl(key, "1", interface: "eth0") }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func itStandsInAChain() {
        let alone = Caller().ours("tuning", "ADD", TuningTests.configuration("/nowhere", #""mtu":1400"#))
        #expect(alone.code == 7 && alone.text.contains("has no prevResult"), "\(alone.text)")
    }

    @Test(
        .enabled(
            if: Caller.hasReference("tuning") && BridgeLaboratory.isPossible,
            "needs the package containernetworking-plugins"))
    func theReferencePutsBackWhatWeChanged() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try Laboratory(in: path)
            let (caller, made) = try TuningTests.container(laboratory, "a")
            let before = try laboratory.inside("a") { try #require(try laboratory.link("eth0")) }
            let keys = #""mac":"02:00:00:00:00:77","mtu":1400,"promisc":true,"prevResult":\#(made)"#
            let configuration = TuningTests.configuration(path, keys)
            #expect(caller.ours("tuning", "ADD", configuration).exitCode == 0)
            let deleted = try caller.reference("tuning", "DEL", configuration)
            #expect(deleted.exitCode == 0, "\(deleted.text)")
            let after = try laboratory.inside("a") { try #require(try laboratory.link("eth0")) }
            #expect(after.mac == before.mac && after.mtu == before.mtu && !after.isPromiscuous)
            // And the other way round.
            let added = try caller.reference("tuning", "ADD", configuration)
            #expect(added.exitCode == 0, "\(added.text)")
            #expect(caller.ours("tuning", "DEL", configuration) == PluginCall.Outcome())
            let again = try laboratory.inside("a") { try #require(try laboratory.link("eth0")) }
            #expect(again.mac == before.mac && again.mtu == before.mtu && !again.isPromiscuous)
        }
    }
}
