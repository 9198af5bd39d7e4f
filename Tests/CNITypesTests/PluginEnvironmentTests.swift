import Testing

@testable import CNITypes

@Suite struct PluginEnvironmentTests {
    private static let attachment = [
        "CNI_CONTAINERID": "c1", "CNI_NETNS": "/run/netns/a", "CNI_IFNAME": "eth0",
    ]

    private func read(_ command: String, _ changes: [String: String] = [:]) throws -> PluginEnvironment {
        try PluginEnvironment(
            Self.attachment.merging(["CNI_COMMAND": command]) { $1 }.merging(changes) { $1 })
    }

    @Test func everythingGivenIsRead() throws {
        let environment = try read(
            "ADD", ["CNI_ARGS": "IgnoreUnknown=1;K8S_POD_NAME=a=b", "CNI_PATH": "/a:/b", "CNI_NETNS_OVERRIDE": "TRUE"])
        #expect(environment.command == .add)
        #expect(environment.containerID == "c1")
        #expect(environment.namespacePath == "/run/netns/a")
        #expect(environment.interfaceName == "eth0")
        #expect(
            environment.arguments.map { [$0.key, $0.value] } == [["IgnoreUnknown", "1"], ["K8S_POD_NAME", "a=b"]])
        #expect(environment.path == ["/a", "/b"])
        #expect(environment.allowsOwnNamespace)
    }

    @Test(arguments: ["GC", "STATUS", "VERSION"])
    func callsThatConcernNoContainerNeedNone(_ command: String) throws {
        #expect(try PluginEnvironment(["CNI_COMMAND": command]).containerID == "")
    }

    @Test func deletingNeedsNoNamespace() throws {
        #expect(try read("DEL", ["CNI_NETNS": ""]).namespacePath == "")
    }

    @Test func allMissingVariablesAreNamed() {
        let error = #expect(throws: CNIError.self) { try PluginEnvironment(["CNI_COMMAND": "CHECK"]) }
        #expect(error?.code == .invalidEnvironment)
        #expect(error?.message.hasSuffix("CNI_CONTAINERID, CNI_IFNAME, CNI_NETNS") == true)
    }

    @Test(arguments: [
        ("CNI_COMMAND", "add"), ("CNI_COMMAND", ""), ("CNI_CONTAINERID", "../x"), ("CNI_CONTAINERID", "-c"),
        ("CNI_CONTAINERID", "a b"), ("CNI_CONTAINERID", "é"), ("CNI_IFNAME", "."), ("CNI_IFNAME", ".."),
        ("CNI_IFNAME", "a/b"), ("CNI_IFNAME", "a:b"), ("CNI_IFNAME", "a b"), ("CNI_IFNAME", "sixteen-letters-"),
        ("CNI_NETNS", "netns"), ("CNI_NETNS", "/run/\u{FFFD}"), ("CNI_ARGS", "a"), ("CNI_ARGS", "a=b;"),
        ("CNI_ARGS", "=b"),
    ])
    func aBadVariableIsNamed(_ name: String, _ value: String) {
        let error = #expect(throws: CNIError.self) { try read("ADD", [name: value]) }
        #expect(error?.code == .invalidEnvironment)
        #expect(error?.message.contains(name) == true)
    }
}
