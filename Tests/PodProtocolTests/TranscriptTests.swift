import Base
import JSON
import PodProtocol
import Testing

/// What released versions say on the wire must be understood for ever.
struct TranscriptTests {
    private func lines(_ name: String = "version1") throws -> [[UInt8]] {
        let path = Path.join(Path.parent(#filePath), "Transcripts/\(name).jsonl")
        return try Files.read(path).split(separator: 0x0A).map(Array.init)
    }

    /// What is told by features that came later has a file of its own.
    @Test(arguments: [("version1", 28), ("version1-attach", 8), ("version1-pid-target", 3), ("version1-apparmor", 2)])
    func everyMessageOfVersion1IsReadAndWrittenAlike(_ name: String, _ count: Int) throws {
        let lines = try lines(name)
        #expect(lines.count == count)
        for line in lines {
            let message = try Message(line)
            #expect(String(decoding: message.frame.payload, as: UTF8.self) == String(decoding: line, as: UTF8.self))
            if case .request(let request) = message {
                if case .unknown = request.body { Issue.record("unknown request \(line)") }
                if case .invalid(let why) = request.body { Issue.record("invalid request: \(why)") }
            }
        }
    }

    @Test func theMeaningOfAStartIsUnchanged() throws {
        guard case .request(let request) = try Message(try lines()[5]), case .start(let start) = request.body else {
            Issue.record("no start")
            return
        }
        #expect(request.id == 2)
        #expect(start.container == "web" && start.attempt == 0 && start.id == "6f1f4a8e-web-0")
        #expect(
            start.root == .overlay(lower: ["/layers/b", "/layers/a"], upper: "/pods/1/upper", work: "/pods/1/work"))
        #expect(
            start.user
                == .init(image: "www-data", uid: 1000, gid: 1000, groups: [2000], mustNotBeRoot: true))
        #expect(start.log == .init(path: "/var/log/pods/default_web_1/web/0.log"))
        #expect(start.stopSignal == 15)
    }

    @Test func fieldsOfANewerPeerAreIgnored() throws {
        let hello = try Message(Array(#"{"type":"hello","version":9,"oldest":1,"program":"x","later":{"a":1}}"#.utf8))
        guard case .hello(let newer) = hello else {
            Issue.record("no hello")
            return
        }
        #expect(Hello(program: "me").agreed(with: newer) == 1)
        #expect(Hello(program: "me").agreed(with: Hello(program: "x", version: 9, oldest: 2)) == nil)
    }

    @Test func requestsAndEventsOfANewerPeerAreNamedNotFailed() throws {
        #expect(
            try Message(Array(#"{"type":"teleport","id":7,"to":"mars"}"#.utf8))
                == .request(Request(id: 7, .unknown("teleport"))))
        #expect(try Message(Array(#"{"type":"event","event":"born"}"#.utf8)) == .unknownEvent("born"))
    }

    @Test(arguments: [
        #"{"type":"signal","id":1,"container":"a","signal":0}"#,
        #"{"type":"signal","id":1,"container":"a","signal":65}"#,
        #"{"type":"signal","id":1,"signal":9}"#, #"{"type":"exec","id":1,"container":"a","args":[]}"#,
        #"{"type":"start","id":1,"container":"a"}"#, #"{"type":"resize","id":1,"rows":70000,"columns":1}"#,
        #"{"type":"attach","id":1}"#, #"{"type":"attach","id":1,"container":"a","size":{"rows":1}}"#,
    ])
    func aRequestWithWrongFieldsCanBeAnswered(_ text: String) throws {
        guard case .request(let request) = try Message(Array(text.utf8)), case .invalid = request.body else {
            Issue.record("accepted: \(text)")
            return
        }
        #expect(request.id == 1)
    }

    @Test(arguments: ["", "{}", "[]", #"{"type":1}"#, #"{"type":"list"}"#, #"{"type":"reply"}"#, "\u{0}"])
    func whatIsNoMessageIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try Message(Array(text.utf8)) }
    }

    @Test func anExitRecordOfANewerSchemaIsRefused() throws {
        let state = ContainerState(
            container: "a", attempt: 1, id: "x",
            phase: .exited(.init(code: 0, signal: 0, oomKilled: false, finishedAt: Timestamp(nanoseconds: 5))))
        #expect(try ContainerState(json: state.record) == state)
        var object = try #require(state.record.objectValue)
        object["schema"] = 2
        #expect(throws: JSONError.self) { try ContainerState(json: .object(object)) }
    }

    @Test func aConfigurationComesBackAsItWasWritten() throws {
        var configuration = PodConfiguration(
            uid: "u", name: "default/web", hostname: "web", network: .path("/run/netns/x"), ipc: .own, uts: .host,
            sharesProcessNamespace: true, runFolder: "/run/swiftlet/pods/u")
        #expect(try PodConfiguration(json: configuration.json) == configuration)
        configuration.sysctls = ["net/ipv4/tcp_rmem": "1 2 3", "kernel/sem": "4"]
        #expect(try PodConfiguration(json: configuration.json) == configuration)
    }
}
