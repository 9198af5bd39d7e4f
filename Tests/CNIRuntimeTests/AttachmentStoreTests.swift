import Base
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIRuntime

@Suite struct AttachmentStoreTests {
    @Test func aRecordComesBackAsItWasWrittenAndGoesWhenRemoved() throws {
        let directory = try TemporaryDirectory()
        let store = AttachmentStore(folder: Path.join(directory.path, "attachments"))
        #expect(try store.containers().isEmpty)
        #expect(try store.load("c1") == nil)
        let list = try NetworkList(
            try JSONParser.parse(
                #"{"cniVersion":"1.0.0","name":"n","disableGC":true,"plugins":[{"type":"a","k":[null,{"x":"y"}]}]}"#
                    .utf8
            )
        ).appending([])
        var attachment = Attachment(
            containerID: "c1", interfaceName: "eth0", namespacePath: "/run/netns/c1", network: list,
            arguments: ["A=b"], capabilityArguments: JSONObject())
        try store.save(attachment)
        #expect(try store.load("c1")?.result == nil)
        attachment.result = ["cniVersion": "1.0.0", "ips": [["address": "10.0.0.2/24"]]]
        try store.save(attachment)
        #expect(try store.containers() == ["c1"])
        let loaded = try #require(try store.load("c1"))
        #expect(loaded.json == attachment.json)
        try store.remove("c1")
        #expect(try store.containers().isEmpty)
    }

    @Test func aRecordThatIsDamagedOrNewerIsNotTakenForNone() throws {
        let directory = try TemporaryDirectory()
        let store = AttachmentStore(folder: directory.path)
        for text in ["", "{", "{}", #"{"schema":2,"containerID":"c1"}"#] {
            try Files.replace(Path.join(directory.path, "c1.json"), with: text.utf8, durable: false)
            #expect(throws: (any Error).self) { try store.load("c1") }
            #expect(try store.containers() == ["c1"])
        }
    }
}
