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
        #expect(try store.load("c1").isEmpty)
        let list = try NetworkList(
            try JSONParser.parse(
                #"{"cniVersion":"1.0.0","name":"n","disableGC":true,"plugins":[{"type":"a","k":[null,{"x":"y"}]}]}"#
                    .utf8
            )
        ).appending([])
        var attachment = Attachment(
            containerID: "c1", interfaceName: "eth0", namespacePath: "/run/netns/c1", network: list,
            arguments: ["A=b"], capabilityArguments: JSONObject())
        try store.save([attachment], of: "c1")
        #expect(try store.load("c1").map(\.result) == [nil])
        attachment.result = ["cniVersion": "1.0.0", "ips": [["address": "10.0.0.2/24"]]]
        try store.save([attachment], of: "c1")
        #expect(try store.containers() == ["c1"])
        #expect(try store.load("c1").map(\.json) == [attachment.json])
        var second = attachment
        second.interfaceName = "net1"
        second.reference = "default/n"
        try store.save([attachment, second], of: "c1")
        #expect(try store.load("c1").map(\.json) == [attachment.json, second.json])
        #expect(try store.containers() == ["c1"])
        try store.remove("c1")
        #expect(try store.containers().isEmpty)
    }

    @Test func oneAttachmentIsWrittenAsOlderReleasesReadIt() throws {
        let directory = try TemporaryDirectory()
        let store = AttachmentStore(folder: directory.path)
        let text =
            #"{"schema":1,"containerID":"c1","interface":"eth0","netns":"/n","arguments":["A=b"],"#
            + #""capabilityArguments":{},"network":{"cniVersion":"1.0.0","name":"n","disableGC":false,"#
            + #""plugins":[{"type":"a"}]},"result":{"ips":[]}}"#
        try Files.replace(Path.join(directory.path, "c1.json"), with: text.utf8, durable: false)
        let old = try store.load("c1")
        #expect(old.map(\.interfaceName) == ["eth0"] && old.map(\.reference) == [nil])
        try store.save(old, of: "c1")
        #expect(try JSONParser.parse(try Files.read(directory.path + "/c1.json", limit: 4096))["schema"] == 1)
        #expect(try store.load("c1").map(\.json) == old.map(\.json))
    }

    @Test func aRecordThatIsDamagedOrNewerIsNotTakenForNone() throws {
        let directory = try TemporaryDirectory()
        let store = AttachmentStore(folder: directory.path)
        for text in ["", "{", "{}", #"{"schema":2,"containerID":"c1"}"#, #"{"schema":3}"#] {
            try Files.replace(Path.join(directory.path, "c1.json"), with: text.utf8, durable: false)
            #expect(throws: (any Error).self) { try store.load("c1") }
            #expect(try store.containers() == ["c1"])
        }
    }
}
