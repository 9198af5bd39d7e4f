import Base
import CLinux
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIPlugins

@Suite struct HostLocalTests {
    let folder: TemporaryDirectory
    let caller = Caller()

    init() throws { folder = try TemporaryDirectory() }

    private func configuration(_ ipam: String, _ more: String = "") -> String {
        #"{"cniVersion":"1.1.0","name":"net","type":"bridge","ipam":{"type":"host-local","dataDir":"\#(folder.path)","#
            + ipam + "}\(more)}"
    }

    private func call(_ id: String, _ command: String, _ configuration: String, _ arguments: String = "")
        -> PluginCall.Outcome
    {
        var caller = caller
        caller.containerID = id
        caller.arguments = arguments
        return caller.ours("host-local", command, configuration)
    }

    private func addresses(_ outcome: PluginCall.Outcome) -> [String] {
        (outcome.json["ips"]?.arrayValue ?? []).compactMap { $0["address"]?.stringValue }
    }

    private func leases() throws -> [String] { try files().filter { !$0.hasPrefix("owner-") } }

    /// With the second names of leases.
    private func files() throws -> [String] {
        try Files.list("\(folder.path)/net").filter { $0 != "lock" && !$0.hasPrefix("last_reserved_ip") }
    }

    private static let small = #""subnet":"10.1.0.0/29""#

    @Test func eachContainerGetsTheNextAddressAndDelGivesItBack() throws {
        let configuration = configuration(Self.small, #","dns":{}"#)
        let first = call("a", "ADD", configuration)
        #expect(first.text == #"{"cniVersion":"1.1.0","ips":[{"address":"10.1.0.2/29","gateway":"10.1.0.1"}]}"# + "\n")
        #expect(try Files.read("\(folder.path)/net/10.1.0.2") == Array("a\r\neth0".utf8))
        #expect(addresses(call("b", "ADD", configuration)) == ["10.1.0.3/29"])
        #expect(call("a", "DEL", configuration) == PluginCall.Outcome())
        #expect(call("a", "DEL", configuration) == PluginCall.Outcome(), "again")
        // The one just given back is used last.
        #expect(addresses(call("c", "ADD", configuration)) == ["10.1.0.4/29"])
        #expect(try leases() == ["10.1.0.3", "10.1.0.4"])
    }

    @Test func fullRangeIsNamedWithItsSize() throws {
        let configuration = configuration(Self.small)
        for index in 0..<5 { #expect(call("c\(index)", "ADD", configuration).exitCode == 0) }
        let full = call("late", "ADD", configuration)
        #expect(full.code == 11)
        #expect(full.text.contains("no free address in 10.1.0.1-10.1.0.6") && full.text.contains("all 5"))
        #expect(call("x", "STATUS", configuration) == PluginCall.Outcome(), "pods that run keep theirs")
        _ = call("c3", "DEL", configuration)
        #expect(addresses(call("late", "ADD", configuration)) == ["10.1.0.5/29"])
    }

    @Test func secondAddOfAnAttachmentIsRefused() throws {
        let configuration = configuration(Self.small)
        #expect(call("a", "ADD", configuration).exitCode == 0)
        let again = call("a", "ADD", configuration)
        #expect(again.exitCode == 1 && again.text.contains("10.1.0.2"))
        #expect(try leases() == ["10.1.0.2"])
    }

    @Test func dualStackGetsOneOfEachSetOrNothing() throws {
        let both = configuration(
            #""ranges":[[{"subnet":"10.1.0.0/29"}],[{"subnet":"fd00::/126"}]],"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0","gw":"fd00::1","mtu":1300}]"#
        )
        let first = call("a", "ADD", both)
        #expect(addresses(first) == ["10.1.0.2/29", "fd00::2/126"])
        #expect(first.json["routes"]?.arrayValue?.count == 2)
        #expect(first.json["routes"]?.arrayValue?.last?["mtu"]?.integerValue == 1300)
        #expect(call("b", "ADD", both).exitCode == 0)
        // The second set is full now: of the first nothing is kept.
        #expect(call("c", "ADD", both).code == 11)
        #expect(try leases() == ["10.1.0.2", "10.1.0.3", "fd00::2", "fd00::3"])
    }

    @Test func requestedAddressesAreGivenFromAllPlacesThatAsk() throws {
        #expect(
            addresses(call("a", "ADD", configuration(Self.small), "IgnoreUnknown=1;IP=10.1.0.5")) == ["10.1.0.5/29"])
        let arguments = configuration(Self.small, #","args":{"cni":{"ips":["10.1.0.4"]}}"#)
        #expect(addresses(call("b", "ADD", arguments)) == ["10.1.0.4/29"])
        let runtime = configuration(
            Self.small, #","runtimeConfig":{"ips":["10.9.0.7/16"],"ipRanges":[[{"subnet":"10.9.0.0/24"}]]}"#)
        #expect(addresses(call("c", "ADD", runtime)) == ["10.9.0.7/24", "10.1.0.2/29"])
        for (wanted, reason) in [
            ("10.1.0.5", "taken"), ("10.1.0.1", "gateway"), ("10.7.0.1", "requested"), ("x", "none"),
        ] {
            let refused = call("d", "ADD", configuration(Self.small), "IP=\(wanted)")
            #expect(refused.exitCode == 1 && refused.text.contains(reason), "\(refused.text)")
        }
        #expect(try leases().count == 4)
    }

    @Test func resolvConfBecomesTheResultsDNS() throws {
        let file = try folder.write(
            "resolv.conf",
            "# x\nnameserver 10.0.0.2\nsearch a.b c.d\n;\ndomain e.f\noptions ndots:5 edns0\nsortlist x\n")
        let outcome = call("a", "ADD", configuration(Self.small + #","resolvConf":"\#(file)""#))
        #expect(
            outcome.json["dns"]
                == [
                    "nameservers": ["10.0.0.2"], "domain": "e.f", "search": ["a.b", "c.d"],
                    "options": ["ndots:5", "edns0"],
                ])
        #expect(call("b", "ADD", configuration(Self.small + #","resolvConf":"/nowhere""#)).code == 5)
        #expect(try leases() == ["10.1.0.2"])
    }

    @Test func checkFindsTheLeaseOrSaysThatItIsMissing() throws {
        let configuration = configuration(Self.small)
        #expect(call("a", "CHECK", configuration).exitCode == 1)
        let result = call("a", "ADD", configuration).text
        #expect(call("a", "CHECK", configuration) == PluginCall.Outcome())
        func previous(_ text: String) -> String { self.configuration(Self.small, #","prevResult":\#(text)"#) }
        #expect(call("a", "CHECK", previous(result)) == PluginCall.Outcome())
        let other = call("a", "CHECK", previous(result.replacing("10.1.0.2", with: "10.1.0.3")))
        #expect(other.exitCode == 1 && other.text.contains("10.1.0.3"))
    }

    @Test func garbageIsWhatBelongsToNoValidAttachment() throws {
        let configuration = configuration(Self.small)
        for id in ["a", "b", "c"] { #expect(call(id, "ADD", configuration).exitCode == 0) }
        // One of a version that did not write the interface, of a container that is gone, and an unfinished one.
        try folder.write("net/10.1.0.5", "c")
        try folder.write("net/10.1.0.6", "")
        let valid = self.configuration(
            Self.small,
            #","cni.dev/valid-attachments":[{"containerID":"b","ifname":"eth0"},{"containerID":"a","ifname":"x"}]"#)
        #expect(call("", "GC", valid) == PluginCall.Outcome())
        #expect(try leases() == ["10.1.0.3"])
    }

    @Test func leasesAreFoundWhoeverChangesTheirFiles() throws {
        let configuration = configuration(Self.small)
        for id in ["a", "b", "c"] { #expect(call(id, "ADD", configuration).exitCode == 0) }
        let second = try files().filter { $0.hasPrefix("owner-") }
        #expect(second.count == 3)
        // Somebody takes a's lease away, by hand, and b's second name; another plugin gives a's address to d.
        try Files.remove("\(folder.path)/net/10.1.0.2")
        try folder.write("net/10.1.0.2", "d\r\neth0")
        for name in second where name.hasSuffix("10.1.0.3") { try Files.remove("\(folder.path)/net/\(name)") }
        #expect(call("a", "DEL", configuration) == PluginCall.Outcome())
        #expect(try leases() == ["10.1.0.2", "10.1.0.3", "10.1.0.4"], "a's address is d's")
        for id in ["b", "d"] {
            #expect(call(id, "ADD", configuration).exitCode == 1, "\(id) has one")
            #expect(call(id, "CHECK", configuration) == PluginCall.Outcome())
        }
        #expect(call("a", "ADD", configuration).exitCode == 0)
        for id in ["a", "b", "c", "d"] { #expect(call(id, "DEL", configuration) == PluginCall.Outcome()) }
        #expect(try leases().isEmpty)
        let none = self.configuration(Self.small, #","cni.dev/valid-attachments":[]"#)
        #expect(call("", "GC", none) == PluginCall.Outcome())
        #expect(try files().isEmpty, "GC clears second names up that are left")
    }

    @Test func whatACrashLeftHoldsNoAddress() throws {
        let configuration = configuration(Self.small)
        for last in 2...6 { try folder.write("net/10.1.0.\(last)", last == 4 ? "" : "x\r\neth0") }
        #expect(addresses(call("a", "ADD", configuration)) == ["10.1.0.4/29"])
    }

    @Test func strangeThingsAmongTheLeasesAreLeftAlone() throws {
        let configuration = configuration(Self.small)
        try Files.makeDirectories("\(folder.path)/net/10.1.0.2")
        #expect(symlink("/etc/passwd", "\(folder.path)/net/10.1.0.3") == 0)
        try folder.write("net/last_reserved_ip.0", "\u{0}nonsense")
        try folder.write("net/10.1.0.4", [UInt8](repeating: 0xFF, count: 5000))
        try folder.write("net/notes", "a\r\neth0")
        #expect(addresses(call("a", "ADD", configuration)) == ["10.1.0.5/29"])
        #expect(call("a", "DEL", configuration) == PluginCall.Outcome())
        #expect(try leases() == ["10.1.0.2", "10.1.0.3", "10.1.0.4", "notes"])
    }

    @Test func delWorksWhateverBecameOfTheConfiguration() throws {
        #expect(call("a", "ADD", configuration(Self.small)).exitCode == 0)
        #expect(call("a", "DEL", configuration(#""subnet":"nonsense","ranges":3"#)) == PluginCall.Outcome())
        #expect(try leases().isEmpty)
        // A network that never gave anything out.
        let other = configuration(Self.small).replacing(#""name":"net""#, with: #""name":"other""#)
        #expect(call("a", "DEL", other) == PluginCall.Outcome())
        #expect(!Files.exists("\(folder.path)/other"))
    }

    @Test(arguments: [
        #""subnet":3"#, #""ranges":[[]]"#, #""ranges":[[{"subnet":"10.1.0.0/29"}],[{"subnet":"10.1.0.0/28"}]]"#,
        #""x":1"#, #""dataDir":"relative","subnet":"10.1.0.0/29""#, #""subnet":"10.1.0.0/29","routes":[{"dst":"x"}]"#,
    ])
    func badConfigurationIsRefusedAndNothingIsMade(_ ipam: String) throws {
        let text =
            ipam.contains("dataDir")
            ? #"{"cniVersion":"1.1.0","name":"net","type":"b","ipam":{\#(ipam)}}"# : configuration(ipam)
        for command in ["ADD", "STATUS"] { #expect(call("a", command, text).code == 7) }
        #expect(!Files.exists("\(folder.path)/net"))
    }

    // Beside the reference plugin.

    @Test(
        .enabled(if: Caller.hasReference("host-local"), "needs the package containernetworking-plugins"),
        arguments: [
            #""subnet":"10.1.0.0/29""#, #""subnet":"10.1.0.0/24","rangeStart":"10.1.0.9","gateway":"10.1.0.10""#,
            #""ranges":[[{"subnet":"10.1.0.0/30"},{"subnet":"10.2.0.0/30"}],[{"subnet":"fd00:0:1::/120"}]],"routes":[{"dst":"0.0.0.0/0"},{"dst":"::/0"}]"#,
            #""subnet":"fd00::/64","rangeEnd":"fd00::4""#,
        ])
    func theReferenceAndOursGiveTheSameAddressesFromTheSameFiles(_ ipam: String) throws {
        let configuration = configuration(ipam).replacing("1.1.0", with: "1.0.0")
        // One after the other on the same files, and each alone on its own, all give the same sequence.
        let own = try [TemporaryDirectory(), TemporaryDirectory()]
        let alone = own.map { configuration.replacing(folder.path, with: $0.path) }
        for index in 0..<4 {
            var caller = caller
            caller.containerID = "c\(index)"
            let mixed =
                try index % 2 == 0
                ? caller.ours("host-local", "ADD", configuration) : caller.reference("host-local", "ADD", configuration)
            let ours = caller.ours("host-local", "ADD", alone[0])
            let theirs = try caller.reference("host-local", "ADD", alone[1])
            #expect(ours.exitCode == theirs.exitCode && mixed.exitCode == ours.exitCode, "\(theirs.text)\(ours.text)")
            guard ours.exitCode == 0 else { continue }
            #expect(ours.json["ips"] == theirs.json["ips"] && mixed.json["ips"] == ours.json["ips"])
            #expect(ours.json["routes"] == theirs.json["routes"])
        }
        for name in try Files.list("\(own[0].path)/net") where !name.hasPrefix("owner-") {
            let theirs = try Files.read("\(own[1].path)/net/\(name)")
            #expect(try Files.read("\(own[0].path)/net/\(name)") == theirs, "\(name)")
        }
        // Each gives back what the other gave out.
        for index in 0..<4 {
            var caller = caller
            caller.containerID = "c\(index)"
            let outcome =
                try index % 2 == 1
                ? caller.ours("host-local", "DEL", configuration) : caller.reference("host-local", "DEL", configuration)
            #expect(outcome.exitCode == 0)
        }
        #expect(try files().isEmpty)
        withExtendedLifetime(own) {}
    }
}
