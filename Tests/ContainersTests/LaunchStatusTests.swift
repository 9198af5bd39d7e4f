import Base
import Testing

@testable import Containers

@Suite struct LaunchStatusTests {
    private func decode(_ text: String) -> LaunchStatus.Outcome { LaunchStatus.decode(Array(text.utf8), pid: 5) }

    @Test func reportsComeThroughThePipeAsTheyWereSent() throws {
        let pipe = try FileDescriptor.pipe()
        let user = ResolvedUser(uid: 1, gid: 2, groups: [2, 3])
        StatusPipe(raw: pipe.write.raw).report(user, notes: ["a \"note\""])
        var bytes = [UInt8](repeating: 0, count: 4096)
        let first = try bytes.withUnsafeMutableBytes { try pipe.read.read(into: $0) } ?? 0
        #expect(LaunchStatus.decode(Array(bytes[..<first]), pid: 5) == .started(user, notes: ["a \"note\""]))
        let error = ContainerError(.notFound, "exec", "foo", .noEntry, hint: ContainerError.inPath)
        StatusPipe(raw: pipe.write.raw).report(error)
        let second = try bytes.withUnsafeMutableBytes { try pipe.read.read(into: $0) } ?? 0
        #expect(LaunchStatus.decode(Array(bytes[..<second]), pid: 5) == .failed(error))
    }

    @Test func aFailedExecutionOutdoesTheUser() {
        let text = #"{"user":{"uid":0,"gid":0,"groups":[0]}}"# + "\n"
        let outcome = decode(text + #"{"error":{"kind":"notFound","step":"exec","object":"x","errno":2,"hint":""}}"#)
        guard case .failed(let error) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(error.kind == .notFound && error.errno == .noEntry)
    }

    @Test(arguments: ["", "\n", "nonsense", "{\"user\":", "{\"user\":{\"uid\":-1,\"gid\":0,\"groups\":[]}}"])
    func silenceAndRubbishMeanThatTheProcessWasKilled(_ text: String) {
        guard case .failed(let error) = decode(text) else {
            Issue.record("taken as started")
            return
        }
        #expect(error.kind == .killed)
    }
}
