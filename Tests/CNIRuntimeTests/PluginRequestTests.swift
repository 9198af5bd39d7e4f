import Base
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIRuntime

@Suite struct PluginRequestTests {
    private static func attachment() throws -> CNIRuntime.Attachment {
        let list = try NetworkList(
            try JSONParser.parse(
                """
                {"cniVersion":"1.1.0","name":"net","plugins":[
                  {"type":"bridge","unknown":{"a":[1]},"prevResult":{"forged":true},"runtimeConfig":{"forged":1}},
                  {"type":"portmap","capabilities":{"portMappings":true,"bandwidth":false}}]}
                """.utf8))
        let capabilities: JSONValue = ["portMappings": [["hostPort": 80]], "bandwidth": ["ingressRate": 1]]
        return CNIRuntime.Attachment(
            containerID: "c1", interfaceName: "eth0", namespacePath: "/run/netns/c1", network: list,
            arguments: ["IgnoreUnknown=1", "K8S_POD_NAME=web"],
            capabilityArguments: try #require(capabilities.objectValue))
    }

    private static func input(_ request: PluginRequest) throws -> JSONValue { try JSONParser.parse(request.input) }

    @Test func aPluginIsToldItsOwnConfigurationAndOnlyTheCapabilitiesItHas() throws {
        let attachment = try Self.attachment()
        let first = PluginRequest(.add, attachment, plugin: 0, previous: nil, path: ["/a", "/b"])
        #expect(
            first.environment == [
                "CNI_COMMAND=ADD", "CNI_PATH=/a:/b", "CNI_CONTAINERID=c1", "CNI_NETNS=/run/netns/c1",
                "CNI_IFNAME=eth0", "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAME=web",
            ])
        #expect(
            try Self.input(first) == [
                "type": "bridge", "unknown": ["a": [1]], "cniVersion": "1.1.0", "name": "net",
            ])
        let result: JSONValue = ["cniVersion": "1.1.0", "ips": []]
        let second = PluginRequest(.add, attachment, plugin: 1, previous: result, path: [])
        #expect(
            try Self.input(second) == [
                "type": "portmap", "cniVersion": "1.1.0", "name": "net",
                "runtimeConfig": ["portMappings": [["hostPort": 80]]], "prevResult": result,
            ])
    }

    @Test func garbageCollectionNamesWhatIsStillAttached() throws {
        let list = try Self.attachment().network
        let request = PluginRequest(
            collectGarbageOf: list, plugin: 1, valid: [.init(containerID: "c1", interfaceName: "eth0")], path: ["/a"])
        #expect(request.environment == ["CNI_COMMAND=GC", "CNI_PATH=/a"])
        #expect(
            try Self.input(request)["cni.dev/valid-attachments"] == [["containerID": "c1", "ifname": "eth0"]])
    }

    private static func answer(_ output: String, code: Int32 = 0, signal: Int32 = 0, complaint: String = "") throws
        -> JSONValue?
    {
        try PluginRequest(.add, attachment(), plugin: 0, previous: nil, path: [])
            .answer(.init(code: code, signal: signal), output: Array(output.utf8), complaint: Array(complaint.utf8))
    }

    @Test func aPluginsOwnErrorIsPassedOn() throws {
        let error = #expect(throws: CNIError.self) {
            try Self.answer(#"{"code":101,"msg":"port 80 is taken","details":"by c2"}"#, code: 1)
        }
        #expect(error == CNIError(CNIError.Code(rawValue: 101), "port 80 is taken", details: "by c2"))
    }

    @Test func whatAPluginSaysBadlyIsQuoted() throws {
        #expect(throws: CNIError(.internalFailure, "it ended with exit status 2", details: "panic: no")) {
            try Self.answer("", code: 2, complaint: "panic:\nno\n")
        }
        #expect(throws: CNIError(.internalFailure, "it ended with signal 9")) {
            try Self.answer("", code: 137, signal: 9)
        }
        #expect(throws: CNIError(.internalFailure, "it ended with exit status 1", details: "not json")) {
            try Self.answer("not json", code: 1)
        }
        for output in ["", "null", "{", #"{"ips":[{"address":"x"}]}"#, #"{"cniVersion":"7.0.0"}"#] {
            let error = #expect(throws: CNIError.self) { try Self.answer(output) }
            #expect(error?.code == .undecodable, "\(output)")
        }
    }

    @Test func aResultWithoutVersionIsOneOfTheVersionAskedFor() throws {
        #expect(try Self.answer(#"{"ips":[]}"#)?["cniVersion"] == "1.1.0")
    }

    @Test func onlyTheContainersAddressesAreThePods() throws {
        var attachment = try Self.attachment()
        #expect(try attachment.addresses() == [])
        attachment.result = try JSONParser.parse(
            """
            {"cniVersion":"1.1.0","interfaces":[{"name":"br0"},{"name":"eth0","sandbox":"/run/netns/c1"}],
             "ips":[{"interface":0,"address":"10.0.0.1/24"},{"interface":1,"address":"10.0.0.7/24"},
                    {"address":"fd00:0::7/64"}]}
            """.utf8)
        #expect(try attachment.addresses() == ["10.0.0.7", "fd00::7"])
    }
}
