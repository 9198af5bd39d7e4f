import JSON
import Testing

@testable import CNITypes

@Suite struct NetworkConfigurationTests {
    @Test func aPluginSeesAllThatWasGiven() throws {
        let configuration = try NetworkConfiguration(
            #"{"cniVersion":"0.4.0","name":"n","type":"bridge","mtu":1400,"prevResult":{"ips":[]}}"#.utf8)
        #expect(configuration.version == .v040)
        #expect(configuration.name == "n")
        #expect(configuration.type == "bridge")
        #expect(configuration.raw["mtu"] == 1400)
        #expect(try configuration.readPreviousResult() == CNIResult())
    }

    @Test(
        arguments: [
            ("", 6), ("[]", 6), (#"{"a":1,"a":2}"#, 6), (#"{"cniVersion":1}"#, 6), (#"{"name":"n","type":"t"}"#, 1),
            (#"{"cniVersion":"2.0.0","name":"n","type":"t"}"#, 1), (#"{"cniVersion":"1.0.0","type":"t"}"#, 7),
            (#"{"cniVersion":"1.0.0","name":"","type":"t"}"#, 7),
            (#"{"cniVersion":"1.0.0","name":"../n","type":"t"}"#, 7),
            (#"{"cniVersion":"1.0.0","name":3,"type":"t"}"#, 7), (#"{"cniVersion":"1.0.0","name":"n"}"#, 7),
            (#"{"cniVersion":"1.0.0","name":"n","type":"a/b"}"#, 7),
        ] as [(String, UInt32)])
    func aBadConfigurationHasTheCodeOfItsFault(_ text: String, _ code: UInt32) {
        let error = #expect(throws: CNIError.self) { try NetworkConfiguration(text.utf8) }
        #expect(error?.code.rawValue == code)
    }

    @Test func missingAttachmentsAreNotAnEmptyList() throws {
        func attachments(_ member: String) throws -> [NetworkConfiguration.Attachment] {
            try NetworkConfiguration(#"{"cniVersion":"1.1.0","name":"n","type":"t"\#(member)}"#.utf8).validAttachments()
        }
        #expect(throws: CNIError.self) { try attachments("") }
        #expect(throws: CNIError.self) { try attachments(#","cni.dev/valid-attachments":[{"ifname":"a"}]"#) }
        #expect(try attachments(#","cni.dev/valid-attachments":[]"#) == [])
        #expect(
            try attachments(#","cni.dev/valid-attachments":[{"containerID":"c","ifname":"eth0"}]"#)
                == [.init(containerID: "c", interfaceName: "eth0")])
    }
}
