import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// Packets of containers, and rules of other programs that would drop them. Each test has a host of its own.
@Suite(
    .enabled(
        if: BridgeLaboratory.isPossible && Files.exists("/usr/sbin/nft") && Files.exists("/usr/sbin/iptables-nft"),
        "makes namespaces; needs nft and iptables-nft"))
struct FirewallTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// Another program's rules that let nothing be forwarded, and how they are shown.
    enum Others: String, CaseIterable {
        case iptables
        case docker
        case nftables

        var script: String {
            switch self {
            case .iptables:
                "iptables-nft -A FORWARD -j REJECT; ip6tables-nft -A FORWARD -j REJECT"
            case .docker:
                "for t in iptables-nft ip6tables-nft; do $t -N DOCKER-USER; $t -A FORWARD -j DOCKER-USER; "
                    + "$t -A FORWARD -j REJECT; $t -A DOCKER-USER -j RETURN; done"
            case .nftables:
                "nft 'add table inet theirs; add chain inet theirs f { type filter hook forward priority 0; };"
                    + "add rule inet theirs f reject'"
            }
        }

        var listing: String {
            self == .nftables ? "nft list table inet theirs" : "iptables-nft -S; ip6tables-nft -S"
        }
    }

    /// Calls the plugin for the laboratory's pod, or as another container with its address.
    private static func call(
        _ command: String, _ laboratory: borrowing NetworkLaboratory, id: String = "c1", more: String = "",
        address: Int = 5
    ) -> PluginCall.Outcome {
        let netns = laboratory.path(NetworkLaboratory.pod)
        let six = laboratory.hasIPv6 ? #",{"interface":2,"address":"fd01::\#(address)/64"}"# : ""
        let text =
            #"{"cniVersion":"1.1.0","name":"n","type":"firewall"\#(more),"prevResult":{"cniVersion":"1.1.0","#
            + #""interfaces":[{"name":"br0"},{"name":"vpod"},{"name":"eth0","sandbox":"\#(netns)"}],"#
            + #""ips":[{"interface":2,"address":"10.1.0.\#(address)/24"}\#(six)]}}"#
        var caller = Caller()
        caller.containerID = id
        caller.netns = netns
        return caller.ours("firewall", command, text)
    }

    private static let toOutside = NetworkSocket.Endpoint("192.0.2.2", 80)
    private static let toOutside6 = NetworkSocket.Endpoint("fd02::2", 80)

    @Test(arguments: Others.allCases)
    func packetsPassWhereAnotherProgramsRulesRejectThem(_ others: Others) async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String, name = others.rawValue as String] in
            let others = try #require(Others(rawValue: name))
            let laboratory = try NetworkLaboratory.make(in: path)
            try laboratory.sh(others.script)
            let theirs = try laboratory.sh(others.listing)
            let (pod, outside) = (NetworkLaboratory.pod, NetworkLaboratory.outside)
            func fromPod(_ endpoint: NetworkSocket.Endpoint) throws -> NetworkLaboratory.Outcome {
                try laboratory.connect(.tcp, from: pod, to: endpoint, in: outside)
            }
            #expect(try fromPod(FirewallTests.toOutside) == .refused)
            for _ in 0..<2 {
                let added = FirewallTests.call("ADD", laboratory)
                try #require(added.exitCode == 0, "\(added.text)")
                #expect(added.json["ips"]?.arrayValue?.count == (laboratory.hasIPv6 ? 2 : 1), "the result is passed on")
                #expect(FirewallTests.call("CHECK", laboratory) == PluginCall.Outcome())
            }
            #expect(try fromPod(FirewallTests.toOutside) == .seenFrom("10.1.0.5"))
            if laboratory.hasIPv6 { #expect(try fromPod(FirewallTests.toOutside6) == .seenFrom("fd01::5")) }
            // A new connection to the pod is for others to allow.
            #expect(try laboratory.connect(.tcp, from: outside, to: .init("10.1.0.5", 80)) == .refused)
            // The other program still reads its rules, and has ours before them.
            let both = try laboratory.sh(others.listing)
            #expect(both.count > theirs.count && both.contains("swiftlet_cni: forward"), "\(both)")
            if others != .nftables { #expect(both.contains("--ctstate RELATED,ESTABLISHED,DNAT"), "\(both)") }

            // With the last container they go.
            #expect(FirewallTests.call("ADD", laboratory, id: "c2", address: 9).exitCode == 0)
            #expect(FirewallTests.call("DEL", laboratory) == PluginCall.Outcome())
            #expect(try laboratory.sh(others.listing) == both)
            for _ in 0..<2 { #expect(FirewallTests.call("DEL", laboratory, id: "c2") == PluginCall.Outcome()) }
            #expect(try laboratory.sh(others.listing) == theirs)
            #expect(try fromPod(FirewallTests.toOutside) == .refused)
        }
    }

    @Test func whatWasFlushedIsToldByCHECKAndMendedByADD() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try NetworkLaboratory.make(in: path)
            try laboratory.sh(Others.nftables.script)
            let keys = #","ingressPolicy":"isolated""#
            let script = "nft flush chain inet theirs f; nft add rule inet theirs f reject"
            for script in [
                script, "nft delete table inet swiftlet_cni", "nft flush set inet swiftlet_cni apart",
                "nft delete table bridge swiftlet_cni",
            ] {
                #expect(FirewallTests.call("ADD", laboratory, more: keys).exitCode == 0, "\(script)")
                #expect(FirewallTests.call("CHECK", laboratory, more: keys) == PluginCall.Outcome())
                try laboratory.sh(script)
                #expect(FirewallTests.call("CHECK", laboratory, more: keys).code == 999, "\(script)")
            }
        }
    }

    @Test func portsOfTheHostStillLeadToThePod() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try NetworkLaboratory.make(in: path)
            let outside = NetworkLaboratory.outside
            for others in [Others.iptables, .nftables] {
                try laboratory.sh(others.script)
                PortmapTests.expectSuccess(PortmapTests.call("ADD", laboratory, PortmapTests.tcp))
                #expect(try laboratory.connect(.tcp, from: outside, to: .init("192.0.2.1", 8080)) == .refused)
                #expect(FirewallTests.call("ADD", laboratory).exitCode == 0)
                #expect(
                    try laboratory.connect(.tcp, from: outside, to: .init("192.0.2.1", 8080)) == .seenFrom("192.0.2.2"))
                #expect(FirewallTests.call("DEL", laboratory).exitCode == 0)
                try laboratory.sh("nft flush ruleset")
            }
        }
    }

    @Test func garbageOfEndedContainersGoesAndLivingOnesKeepTheirs() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            let laboratory = try NetworkLaboratory.make(in: path)
            try laboratory.sh(Others.iptables.script)
            let theirs = try laboratory.sh(Others.iptables.listing)
            for (id, address) in [("a", 5), ("b", 6)] {
                #expect(FirewallTests.call("ADD", laboratory, id: id, address: address).exitCode == 0)
            }
            let both = try laboratory.sh(Others.iptables.listing)
            func collect(_ valid: String) -> PluginCall.Outcome {
                FirewallTests.call("GC", laboratory, more: #","cni.dev/valid-attachments":[\#(valid)]"#)
            }
            #expect(collect(#"{"containerID":"b","ifname":"eth0"}"#) == PluginCall.Outcome())
            #expect(try laboratory.sh(Others.iptables.listing) == both)
            #expect(FirewallTests.call("CHECK", laboratory, id: "b", address: 6) == PluginCall.Outcome())
            #expect(FirewallTests.call("CHECK", laboratory, id: "a").code == 999)
            #expect(collect("") == PluginCall.Outcome())
            #expect(try laboratory.sh(Others.iptables.listing) == theirs)
        }
    }

    /// Containers a and b on one bridge, c on another.
    @Test(arguments: ["open", "same-bridge", "isolated"])
    func containersHearThoseThatThePolicyNames(_ policy: String) async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String, policy = policy as String] in
            let laboratory = try BridgeLaboratory(in: path)
            for name in ["iptables", "ip6tables"] where Files.exists("/proc/sys/net/bridge/bridge-nf-call-\(name)") {
                try Files.writeExisting("/proc/sys/net/bridge/bridge-nf-call-\(name)", "0")
            }
            let ipam = { (number: Int) in #""subnet":"10.9.\#(number).0/24""# }
            for (id, bridge) in [("a", 1), ("b", 1), ("c", 2)] {
                let configuration = laboratory.configuration(#","isDefaultGateway":true"#, ipam: ipam(bridge))
                    .replacing("br9", with: "br\(bridge)").replacing(#""net""#, with: #""net\#(bridge)""#)
                let caller = try laboratory.container(id)
                let made = caller.ours("bridge", "ADD", configuration)
                try #require(made.exitCode == 0, "\(made.text)")
                let firewall =
                    #"{"cniVersion":"1.0.0","name":"net\#(bridge)","type":"firewall","ingressPolicy":"\#(policy)"}"#
                let call = BridgeLaboratory.previous(firewall, made)
                let added = caller.ours("firewall", "ADD", call)
                try #require(added.exitCode == 0, "\(added.text)")
                #expect(caller.ours("firewall", "CHECK", call) == PluginCall.Outcome())
            }
            func hears(
                _ server: String, _ address: String, from client: String?, _ isExpected: Bool = true
            ) throws -> Bool {
                let target = NetworkSocket.Endpoint(address, 5000)
                let listener = try laboratory.insideSocket(server) { try NetworkSocket.server(.udp, target) }
                let socket = try laboratory.insideSocket(client) { try NetworkSocket(.udp, isIPv6: false) }
                try socket.send("hello", to: target)
                return try listener.isReadable(milliseconds: isExpected ? 10_000 : 300)
            }
            #expect(try hears("a", "10.9.1.2", from: nil))
            let (sameBridge, others) = (policy != "isolated", policy == "open")
            #expect(try hears("a", "10.9.1.2", from: "b", sameBridge) == sameBridge)
            #expect(try hears("a", "10.9.1.2", from: "c", others) == others)
            #expect(try hears("c", "10.9.2.2", from: "b", others) == others)
            for id in ["a", "b", "c"] {
                let gone = #"{"cniVersion":"1.0.0","name":"net\#(id == "c" ? 2 : 1)","type":"firewall"}"#
                #expect(laboratory.caller(id).ours("firewall", "DEL", gone) == PluginCall.Outcome())
            }
            #expect(try hears("a", "10.9.1.2", from: "b") && hears("a", "10.9.1.2", from: "c"))
        }
    }

    @Test(
        arguments: [
            (#""backend":"iptables""#, 2, "the backend iptables"), (#""backend":"firewalld""#, 2, "firewalld"),
            (#""iptablesAdminChainName":"X""#, 2, "iptablesAdminChainName"),
            (#""firewalldZone":"public""#, 2, "firewalldZone"), (#""ingressPolicy":"none""#, 7, "is none of open"),
            (#""nftTable":"a b""#, 7, "cannot be a table's name"),
        ] as [(String, Int64, String)])
    func whatThereIsNotIsRefused(_ keys: String, _ code: Int64, _ message: String) {
        let text = #"{"cniVersion":"1.1.0","name":"n","type":"firewall",\#(keys)}"#
        let refused = Caller().ours("firewall", "STATUS", text)
        #expect(refused.code == code && refused.text.contains(message), "\(refused.text)")
    }
}
