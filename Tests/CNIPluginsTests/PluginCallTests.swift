import Base
import CNITypes
import JSON
import Testing

@testable import CNIPlugins

@Suite struct PluginCallTests {
    private static let attachment = [
        "CNI_CONTAINERID": "c1", "CNI_NETNS": "/nowhere/netns", "CNI_IFNAME": "lo",
    ]

    private func call(
        _ command: String?, _ input: String = "", _ variables: [String: String] = attachment,
        as program: String = "loopback"
    ) -> PluginCall.Outcome {
        var variables = variables
        variables["CNI_COMMAND"] = command
        return MultiCall.outcome(program, variable: { variables[$0] }) { () throws(SystemError) in Array(input.utf8) }
    }

    private func code(_ outcome: PluginCall.Outcome) throws -> Int64? {
        try JSONParser.parse(outcome.output)["code"]?.integerValue
    }

    private func configuration(_ version: String, _ more: String = "") -> String {
        #"{"cniVersion":"\#(version)","name":"n","type":"loopback"\#(more)}"#
    }

    @Test func theNameItIsCalledByChoosesThePlugin() {
        #expect(call("STATUS", configuration("1.1.0"), as: "/usr/libexec/swiftlet/cni/loopback").exitCode == 0)
        for name in ["cni-plugins", "", "loopback/"] {
            let outcome = call("STATUS", configuration("1.1.0"), as: name)
            #expect(outcome.exitCode == 1)
            #expect(outcome.output.isEmpty)
            #expect(outcome.notice.contains(", loopback, "))
        }
    }

    @Test func aPersonIsToldWhatItIs() {
        let outcome = call(nil)
        #expect(outcome.exitCode == 0)
        #expect(outcome.output.isEmpty)
        #expect(outcome.notice.contains("0.3.1, 0.4.0, 1.0.0, 1.1.0"))
    }

    @Test(arguments: [("", "1.1.0"), (#"{"cniVersion":"0.4.0"}"#, "0.4.0"), (#"{"cniVersion":"7.0.0"}"#, "7.0.0")])
    func versionsAreToldToACallerOfAnyVersion(_ input: String, _ version: String) {
        let outcome = call("VERSION", input, [:])
        #expect(outcome.exitCode == 0)
        #expect(
            String(decoding: outcome.output, as: UTF8.self)
                == "{\"cniVersion\":\"\(version)\",\"supportedVersions\":[\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\"]}\n"
        )
    }

    @Test func aCallIsRefusedWhereTheConfigurationIsOlder() throws {
        for (command, version) in [("CHECK", "0.3.1"), ("STATUS", "1.0.0"), ("GC", "1.0.0")] {
            let outcome = call(command, configuration(version))
            #expect(outcome.exitCode == 1)
            #expect(try code(outcome) == 1)
            #expect(try JSONParser.parse(outcome.output)["cniVersion"]?.stringValue == version)
        }
    }

    @Test func failuresHaveTheirCodes() throws {
        #expect(try code(call("NONSENSE")) == 4)
        #expect(try code(call("ADD", configuration("1.0.0"), [:])) == 4)
        #expect(try code(call("ADD", "no JSON")) == 6)
        #expect(try code(call("ADD", configuration("1.0.0"))) == 8)
        #expect(try code(call("CHECK", configuration("1.0.0"))) == 8)
        #expect(try code(call("ADD", configuration("1.0.0", #","prevResult":3"#))) == 6)
        #expect(try code(call("GC", configuration("1.1.0"))) == 7)
    }

    @Test func unreadableInputIsAnInputOutputFailure() throws {
        let outcome = PluginCall.run(Loopback(), variables: ["CNI_COMMAND": "STATUS"]) { () throws(SystemError) in
            throw SystemError("read", "standard input", .inputOutput)
        }
        #expect(try code(outcome) == 5)
    }

    @Test func garbageCollectionOfNothingSucceeds() {
        let outcome = call("GC", configuration("1.1.0", #","cni.dev/valid-attachments":[]"#))
        #expect(outcome == PluginCall.Outcome())
    }

    @Test func deletingWhatIsGoneSucceeds() {
        for netns in ["", "/nowhere/netns", "/dev/null/netns", "/proc/4194305/ns/net"] {
            var variables = Self.attachment
            variables["CNI_NETNS"] = netns
            #expect(call("DEL", configuration("1.0.0"), variables) == PluginCall.Outcome(), "\(netns)")
        }
    }

    @Test(arguments: ["/dev/null", "/proc/self/ns/mnt", "/etc/passwd", "/"])
    func whatIsNoNetworkNamespaceIsRefused(_ path: String) throws {
        var variables = Self.attachment
        variables["CNI_NETNS"] = path
        #expect(try code(call("ADD", configuration("1.0.0"), variables)) == 8)
        #expect(try code(call("DEL", configuration("1.0.0"), variables)) == 8)
    }

    @Test func thePluginsOwnNamespaceIsLeftAlone() throws {
        var variables = Self.attachment
        variables["CNI_NETNS"] = "/proc/self/ns/net"
        for command in ["ADD", "CHECK", "DEL"] {
            #expect(try code(call(command, configuration("1.0.0"), variables)) == 8)
        }
    }
}
