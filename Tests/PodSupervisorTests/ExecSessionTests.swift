import Base
import CLinux
import PodProtocol
import TestSupport
import Testing

@testable import PodSupervisor

struct ExecSessionTests {
    /// A harness with a container that runs.
    private func running() throws -> (Harness, Peer) {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        _ = try agent.ask(.start(harness.start("web", "exec sleep 1000")))
        return (harness, agent)
    }

    private func end(of session: Peer, in harness: Harness) throws -> PodEvent? {
        try harness.turn("the session's end") { session.ended }
        return session.events.last
    }

    private func sh(_ script: String, input: Bool = false) -> Request.Body {
        .exec(ExecRequest(container: "web", arguments: ["/bin/sh", "-c", script], standardInput: input))
    }

    private func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

    @Test func outputComesOnItsChannelsAndTheExitCodeLast() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        guard case .success(.process(let pid)) = try session.ask(sh("echo out; echo err >&2; exit 3")) else {
            Issue.record("not started")
            return
        }
        #expect(pid > 0)
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 3, signal: 0))
        #expect(session.output[.standardOutput] == Array("out\n".utf8))
        #expect(session.output[.standardError] == Array("err\n".utf8))
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func inputReachesTheProcessUpToItsEnd() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        let id = session.send(sh("wc -c", input: true))
        let piece = [UInt8](repeating: 0x61, count: 30_000)
        for _ in 0..<20 { piece.withUnsafeBytes { session.frames.send(.standardInput, $0) } }
        session.frames.send(.standardInput, UnsafeRawBufferPointer(start: nil, count: 0))
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 0, signal: 0))
        #expect(session.replies[id] != nil)
        #expect(String(decoding: session.output[.standardOutput] ?? [], as: UTF8.self).contains("600000"))
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func withoutInputTheProcessReadsTheEnd() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        _ = session.send(sh("cat; exit 4"))
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 4, signal: 0))
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func aProcessEndsWithItsPeer() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        guard case .success(.process(let pid)) = try session.ask(sh("sleep 1000; true")) else { return }
        #expect(isAlive(pid_t(pid)))
        session.frames.close()
        try harness.turn("the process's end") {
            if !isAlive(pid_t(pid)) { return true }
            harness.loop.schedule(after: .milliseconds(5)) {}
            return false
        }
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func aPeerThatDoesNotReadHoldsTheProcessBack() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        let counter = harness.folder.path + "/count"
        _ = try session.ask(
            sh("i=0; while [ $i -lt 30 ]; do head -c 100000 /dev/zero; i=$((i+1)); echo $i >\(counter); done"))
        session.frames.isPaused = true
        // The process stands still once all buffers are full, long before its 3 MB are out.
        var last = ""
        var same = 0
        try harness.turn("the standstill") {
            let now = (try? Files.readText(counter)) ?? ""
            same = now == last ? same + 1 : 0
            last = now
            harness.loop.schedule(after: .milliseconds(20)) {}
            return same > 20
        }
        #expect((Int(last) ?? 0) < 20)
        #expect(try agent.states().count == 1)
        session.frames.isPaused = false
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 0, signal: 0))
        #expect(session.output[.standardOutput]?.count == 3_000_000)
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func allOutputComesBeforeTheExitAlsoForASlowPeer() throws {
        let (harness, agent) = try running()
        let session = try harness.connect()
        _ = try session.ask(sh("head -c 400000 /dev/zero"))
        session.frames.isPaused = true
        for _ in 0..<50 {
            harness.loop.schedule(after: .milliseconds(2)) {}
            try harness.loop.turn(wait: true)
        }
        session.frames.isPaused = false
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 0, signal: 0))
        #expect(session.output[.standardOutput]?.count == 400_000)
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func onlyARunningContainerCanBeEntered() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        #expect(try agent.failure(sh("true")) == .notFound)
        _ = try agent.ask(.start(harness.start("web", "exit 0")))
        _ = try agent.exit(of: "web")
        #expect(try agent.failure(sh("true")) == .notRunning)
    }
}
