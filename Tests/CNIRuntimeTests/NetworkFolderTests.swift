import Base
import CNITypes
import JSON
import TestSupport
import Testing

@testable import CNIRuntime

@Suite struct NetworkFolderTests {
    let directory: TemporaryDirectory
    let folder: NetworkFolder

    init() throws {
        directory = try TemporaryDirectory()
        folder = NetworkFolder(directory.path)
    }

    private func write(_ name: String, _ text: String) throws {
        try Files.replace(Path.join(directory.path, name), with: text.utf8, durable: false)
    }

    private static func list(_ name: String, _ more: String = "") -> String {
        #"{"cniVersion":"1.0.0","name":"\#(name)"\#(more),"plugins":[{"type":"bridge"}]}"#
    }

    @Test func aFolderThatIsMissingOrHoldsNoConfigurationNamesNoNetwork() throws {
        #expect(try NetworkFolder(directory.path + "/missing").read() == .none)
        try write("README", "text")
        try Files.makeDirectories(Path.join(directory.path, "drop-ins.conf"))
        #expect(try folder.read() == .none)
    }

    @Test func theFirstUsableFileByNameIsTheNetworkAndBrokenOnesBeforeItAreNamed() throws {
        try write("10-broken.conflist", "{")
        try write("20-single.conf", #"{"cniVersion":"0.4.0","name":"single","type":"macvlan","mode":"bridge"}"#)
        try write("30-list.conflist", Self.list("list"))
        guard case .network(let list, let file, let problems) = try folder.read() else {
            Issue.record("no network")
            return
        }
        #expect(list.name == "single" && list.version == .v040 && list.plugins.map(\.type) == ["macvlan"])
        #expect(file.hasSuffix("/20-single.conf"))
        #expect(problems.count == 1 && problems[0].contains("10-broken.conflist"))
    }

    @Test func withoutAnyUsableFileThereIsNoFallback() throws {
        try write("10-old.conflist", #"{"cniVersion":"9.0.0","name":"n","plugins":[{"type":"bridge"}]}"#)
        try write("20-nothing.conflist", #"{"cniVersion":"1.0.0","name":"n","loadOnlyInlinedPlugins":true}"#)
        guard case .unusable(let problems) = try folder.read() else {
            Issue.record("one was used")
            return
        }
        #expect(problems.count == 2)
        #expect(problems[0].contains("incompatible CNI versions"))
        #expect(problems[1].contains("has no plugins"))
    }

    @Test func theNewestVersionThatBothSidesSpeakIsTaken() throws {
        try write("10.conflist", Self.list("n", #","cniVersions":["0.3.1","1.1.0","2.0.0"]"#))
        guard case .network(let list, _, _) = try folder.read() else {
            Issue.record("no network")
            return
        }
        #expect(list.version == .v110)
    }

    @Test func dropInsAreAppendedUnlessTheListForbidsIt() throws {
        try Files.makeDirectories(Path.join(directory.path, "n"))
        try write("n/20.conf", #"{"type":"tuning"}"#)
        try write("n/10.conf", #"{"type":"firewall"}"#)
        try write("n/ignored.json", #"{"type":"ignored"}"#)
        try write("10.conflist", Self.list("n"))
        guard case .network(let list, _, _) = try folder.read() else {
            Issue.record("no network")
            return
        }
        #expect(list.plugins.map(\.type) == ["bridge", "firewall", "tuning"])
        try write("10.conflist", Self.list("n", #","loadOnlyInlinedPlugins":"true""#))
        guard case .network(let inlined, _, _) = try folder.read() else {
            Issue.record("no network")
            return
        }
        #expect(inlined.plugins.map(\.type) == ["bridge"])
    }

    @Test(arguments: [
        #"[]"#, #"{"name":"n","plugins":[]}"#, #"{"cniVersion":"1.0.0","name":"../n","plugins":[{"type":"a"}]}"#,
        #"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"../a"}]}"#,
        #"{"cniVersion":"1.0.0","name":"n","plugins":[{}]}"#, #"{"cniVersion":"1.0.0","name":"n","plugins":"a"}"#,
        #"{"cniVersion":"1.0.0","name":"n","disableGC":"maybe","plugins":[{"type":"a"}]}"#,
        #"{"cniVersion":1,"name":"n","plugins":[{"type":"a"}]}"#,
    ])
    func whatIsNotWellFormedIsRefused(_ text: String) throws {
        #expect(throws: CNIError.self) { try NetworkList(try JSONParser.parse(text.utf8)).appending([]) }
    }
}
