import CNITypes
import JSON
import Testing

@testable import CNIPlugins

@Suite struct StaticAddressesTests {
    private static let addresses =
        #""addresses":[{"address":"10.9.0.5/24","gateway":"10.9.0.1"},{"address":"fd09::5/64"}]"#

    private func configuration(_ ipam: String, _ more: String = "", version: String = "1.1.0") -> String {
        #"{"cniVersion":"\#(version)","name":"net","type":"macvlan","ipam":{"type":"static",\#(ipam)}\#(more)}"#
    }

    private func addresses(_ outcome: PluginCall.Outcome) throws -> [String] {
        try CNIResult(json: outcome.json).ips.map { "\($0.address) \($0.gateway ?? "-")" }
    }

    @Test func whatStandsInTheConfigurationIsGivenOut() throws {
        let more =
            #","routes":[{"dst":"0.0.0.0/0","gw":"10.9.0.1"}],"dns":{"nameservers":["10.9.0.2"],"search":["a.b"]}"#
        let result = try CNIResult(json: Caller().ours("static", "ADD", configuration(Self.addresses + more)).json)
        #expect(result.ips.map { "\($0.address) \($0.gateway ?? "-")" } == ["10.9.0.5/24 10.9.0.1", "fd09::5/64 -"])
        #expect(result.ips.allSatisfy { $0.interface == nil } && result.interfaces.isEmpty)
        #expect(result.routes.map(\.gateway) == ["10.9.0.1"] && result.dns.search == ["a.b"])
    }

    @Test func whatTheCallerAsksForCountsMore() throws {
        var caller = Caller()
        caller.arguments = "IP=10.9.0.7/24, 10.10.0.7/16;GATEWAY=10.10.0.1"
        #expect(
            try addresses(caller.ours("static", "ADD", configuration(Self.addresses)))
                == ["10.9.0.5/24 10.9.0.1", "fd09::5/64 -", "10.9.0.7/24 -", "10.10.0.7/16 10.10.0.1"])
        let arguments = #","args":{"cni":{"ips":["10.1.0.1/24"]}}"#
        #expect(
            try addresses(caller.ours("static", "ADD", configuration(Self.addresses, arguments))) == ["10.1.0.1/24 -"])
        let runtime = arguments + #","runtimeConfig":{"ips":["10.2.0.1/24"]}"#
        #expect(
            try addresses(caller.ours("static", "ADD", configuration(Self.addresses, runtime))) == ["10.2.0.1/24 -"])
    }

    @Test(arguments: [
        #""addresses":[{"address":"10.9.0.5"}]"#, #""addresses":[{"gateway":"10.9.0.1"}]"#, #""addresses":7"#,
        #""addresses":[{"address":"10.9.0.5/24","gateway":"up"}]"#, #""routes":[{"dst":"everywhere"}]"#,
    ])
    func whatCannotBeAnAddressIsRefusedWithItsPlace(_ ipam: String) {
        let outcome = Caller().ours("static", "ADD", configuration(ipam))
        #expect(outcome.exitCode == 1 && outcome.code == 7, "\(outcome.text)")
        #expect(outcome.text.contains("the ipam section of network net"))
    }

    @Test func checkComparesWithTheResultAndTheOthersHaveNothingToDo() {
        let given = configuration(Self.addresses)
        func check(_ ips: String) -> PluginCall.Outcome {
            Caller().ours("static", "CHECK", BridgeLaboratory.with(given, #""prevResult":{"ips":[\#(ips)]}"#))
        }
        let six = #"{"address":"fd09::5/64"}"#
        #expect(check(#"{"address":"10.9.0.5/24","gateway":"10.9.0.1"},\#(six)"#).exitCode == 0)
        #expect(check(six).text.contains("prevResult lacks the address 10.9.0.5/24"))
        #expect(
            check(#"{"address":"10.9.0.5/24","gateway":"10.9.0.9"},\#(six)"#).text.contains("10.9.0.9 in prevResult"))
        let garbage = BridgeLaboratory.with(given, #""cni.dev/valid-attachments":[]"#)
        for (command, configuration) in [("DEL", given), ("STATUS", given), ("GC", garbage)] {
            #expect(Caller().ours("static", command, configuration).exitCode == 0, "\(command)")
        }
    }

    @Test(
        .enabled(if: Caller.hasReference("static"), "needs the package containernetworking-plugins"),
        arguments: ["0.3.0", "0.3.1", "0.4.0", "1.0.0"])
    func theSameIsSaidAsByTheReference(_ version: String) throws {
        var caller = Caller()
        for arguments in ["", "IP=10.9.0.7/24;GATEWAY=10.9.0.3"] {
            caller.arguments = arguments
            let more = #","routes":[{"dst":"0.0.0.0/0"}],"dns":{"domain":"a.b"}"#
            let given = configuration(Self.addresses + more, version: version)
            let (ours, theirs) = (caller.ours("static", "ADD", given), try caller.reference("static", "ADD", given))
            #expect(ours.json == theirs.json, "\(theirs.text)")
        }
    }
}
