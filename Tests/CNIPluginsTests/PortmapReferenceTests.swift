import Base
import CLinux
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIPlugins

/// Beside Debian's portmap, and as `nft` shows it.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct PortmapReferenceTests {
    private static let reference = "/usr/lib/cni/portmap"

    @Test(.enabled(if: Files.exists(reference), "needs containernetworking-plugins"))
    func whatTheReferenceLeadsToThePodWeDoToo() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapReferenceTests.compare(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static let mappings =
        #"[{"hostPort":8080,"containerPort":80,"protocol":"tcp"},"#
        + #"{"hostPort":8081,"containerPort":80,"protocol":"tcp","hostIP":"192.0.2.1"},"#
        + #"{"hostPort":8082,"containerPort":80,"protocol":"tcp","hostIP":"127.0.0.1"}]"#

    private static func compare(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        let theirs = try call("ADD", laboratory)
        let reached = try reach(laboratory)
        _ = try call("DEL", laboratory)
        let ours = PortmapTests.call("ADD", laboratory, mappings, previous: previous(laboratory))
        PortmapTests.expectSuccess(ours)
        #expect(
            CNIResultText(theirs) == CNIResultText(PortmapTests.text(ours)), "\(theirs)\n\(PortmapTests.text(ours))")
        let ourReach = try reach(laboratory)
        for (path, outcome) in reached.sorted(by: { $0.key < $1.key }) {
            #expect(ourReach[path] == outcome, "\(path)")
        }
        #expect(reached.values.contains(true) && reached.values.contains(false))
    }

    /// A result without what two ways of writing it may differ in.
    private struct CNIResultText: Equatable {
        var result: CNIResult?

        init(_ text: String) {
            result = (try? JSONParser.parse(Array(text.utf8))).flatMap { try? CNIResult(json: $0) }
        }
    }

    /// Whether each path leads to the pod.
    private static func reach(_ laboratory: borrowing NetworkLaboratory) throws -> [String: Bool] {
        let paths: [(String?, String)] = [
            (NetworkLaboratory.outside, "192.0.2.1"), (NetworkLaboratory.outside, "10.1.0.1"), (nil, "127.0.0.1"),
            (nil, "192.0.2.1"), (NetworkLaboratory.pod, "10.1.0.1"), (NetworkLaboratory.neighbour, "192.0.2.1"),
        ]
        var reached: [String: Bool] = [:]
        for (client, address) in paths {
            for port in 8080...8083 {
                let outcome = try laboratory.connect(.tcp, from: client, to: .init(address, UInt16(port)))
                let hasArrived = if case .seenFrom = outcome { true } else { false }
                reached["\(client ?? "host") to \(address):\(port)"] = hasArrived
            }
        }
        return reached
    }

    private static func previous(_ laboratory: borrowing NetworkLaboratory) -> String {
        #"{"cniVersion":"1.0.0","interfaces":[{"name":"br0"},{"name":"vpod"},"#
            + #"{"name":"eth0","sandbox":"\#(laboratory.path(NetworkLaboratory.pod))"}],"#
            + #""ips":[{"interface":2,"address":"10.1.0.5/24"}],"dns":{}}"#
    }

    /// Calls the reference plugin.
    private static func call(_ command: String, _ laboratory: borrowing NetworkLaboratory) throws -> String {
        let configuration =
            #"{"cniVersion":"1.0.0","name":"n","type":"portmap","runtimeConfig":{"portMappings":\#(mappings)},"#
            + #""prevResult":\#(previous(laboratory))}"#
        return try laboratory.sh(
            """
            export CNI_COMMAND=\(command) CNI_CONTAINERID=c1 CNI_IFNAME=eth0 CNI_PATH=/usr/lib/cni
            export CNI_NETNS=\(laboratory.path(NetworkLaboratory.pod))
            \(reference) <<'EOF'
            \(configuration)
            EOF
            """)
    }

    @Test(.enabled(if: Files.exists("/usr/sbin/nft"), "needs nft"))
    func aPersonReadsMappingsAndOwnersWithNft() async throws {
        let folder = try TemporaryDirectory()
        await #expect(processExitsWith: .success) { [folder = folder.path as String] in
            try PortmapReferenceTests.readWithNft(in: folder)
        }
        withExtendedLifetime(folder) {}
    }

    private static func readWithNft(in folder: String) throws {
        let laboratory = try NetworkLaboratory.make(in: folder)
        PortmapTests.expectSuccess(PortmapTests.call("ADD", laboratory, mappings))
        let text = try laboratory.sh("nft list table inet swiftlet_cni")
        for line in [
            #"tcp . 8080 comment "n/c1/eth0" : 10.1.0.5 . 80"#,
            #"192.0.2.1 . tcp . 8081 comment "n/c1/eth0" : 10.1.0.5 . 80"#,
            "type nat hook prerouting priority dstnat; policy accept;", "fib daddr type local jump hostports",
            #"iifname != "lo" ip daddr 127.0.0.0/8 drop"#, "dnat ip to ip daddr . meta l4proto . th dport map @",
        ] { #expect(text.contains(line), "\(line)\n\(text)") }
        // It can be written back as it was printed: by a person who saves the ruleset.
        try laboratory.sh("nft list ruleset > \(folder)/saved; nft flush ruleset; nft -f \(folder)/saved")
        PortmapTests.expectSuccess(PortmapTests.call("CHECK", laboratory, mappings))
    }
}
