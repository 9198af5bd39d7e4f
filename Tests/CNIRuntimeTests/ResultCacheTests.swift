import Base
import CLinux
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIRuntime

@Suite struct ResultCacheTests {
    let directory: TemporaryDirectory
    let cache: ResultCache

    init() throws {
        directory = try TemporaryDirectory()
        cache = ResultCache(folder: directory.path + "/results", namespaces: "/run/ours")
    }

    private static func attachment(_ id: String, in namespaces: String = "/run/ours") throws -> CNIRuntime.Attachment {
        let list = try NetworkList(
            try JSONParser.parse(#"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"a"}]}"#.utf8))
        var attachment = CNIRuntime.Attachment(
            containerID: id, interfaceName: "eth0", namespacePath: "\(namespaces)/\(id)", network: list,
            arguments: ["IgnoreUnknown=1", "K8S_POD_NAME=a=b"],
            capabilityArguments: JSONObject([.init(key: "mac", value: "02:00:00:00:00:01")]))
        attachment.result = ["cniVersion": "1.0.0", "ips": [["address": "10.0.0.2/24"]]]
        return attachment
    }

    /// The members are those of libcni's `cachedInfo` (libcni/api.go), in its order.
    @Test func aFileIsAsLibcniWritesIt() throws {
        try cache.save(try Self.attachment("c1"))
        let file = directory.path + "/results/n-c1-eth0"
        let text = String(decoding: try Files.read(file, limit: 65536), as: UTF8.self)
        let config =
            "eyJjbmlWZXJzaW9uIjoiMS4wLjAiLCJuYW1lIjoibiIsImRpc2FibGVDaGVjayI6ZmFsc2UsImRpc2FibGVHQyI6ZmFsc2UsInBsdWdpbnMi"
            + "Olt7InR5cGUiOiJhIn1dfQ=="
        #expect(
            text == #"{"kind":"cniCacheV1","containerId":"c1","config":"\#(config)","ifName":"eth0","networkName":"n","#
                + #""netns":"/run/ours/c1","cniArgs":[["IgnoreUnknown","1"],["K8S_POD_NAME","a=b"]],"#
                + #""capabilityArgs":{"mac":"02:00:00:00:00:01"},"#
                + #""result":{"cniVersion":"1.0.0","ips":[{"address":"10.0.0.2/24"}]}}"#)
        #expect(try FileDescriptor.open(file, O_RDONLY).status(name: file).st_mode & 0o777 == 0o600)
        try cache.remove(try Self.attachment("c1"))
        try cache.remove(try Self.attachment("c1"))
        #expect(try Files.list(directory.path + "/results").isEmpty)
    }

    @Test func staleOnesOfOursGoAndThoseOfOthersStayAndAreKnown() throws {
        try cache.save(try Self.attachment("c1"))
        try cache.save(try Self.attachment("c2"))
        try cache.save(try Self.attachment("theirs", in: "/run/netns"))
        try Files.replace(directory.path + "/results/odd", with: "{".utf8, durable: false)
        try cache.removeStale(valid: [.init(containerID: "c2", interfaceName: "eth0")])
        #expect(try Files.list(directory.path + "/results").sorted() == ["n-c2-eth0", "n-theirs-eth0", "odd"])
        #expect(try cache.othersAttachments(on: "n") == [.init(containerID: "theirs", interfaceName: "eth0")])
        #expect(try cache.othersAttachments(on: "m").isEmpty)
    }

    @Test func withoutTheFolderThereAreNone() throws {
        #expect(try cache.othersAttachments(on: "n").isEmpty)
        try cache.removeStale(valid: [])
        try cache.remove(try Self.attachment("c1"))
    }
}
