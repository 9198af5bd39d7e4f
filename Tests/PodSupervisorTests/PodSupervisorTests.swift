import Base
import CLinux
import PodProtocol
import TestSupport
import Testing

@testable import PodSupervisor

struct PodSupervisorTests {
    @Test func aContainerIsStartedLoggedReapedAndRecorded() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        #expect(try agent.ask(.subscribe) == .success(.containers([])))
        #expect(agent.hello?.pod == "uid-1")
        guard
            case .success(.container(let started)) = try agent.ask(
                .start(harness.start("web", "echo out; echo err >&2; printf end; exit 3")))
        else {
            Issue.record("not started")
            return
        }
        #expect(started.phase == .running && started.pid > 0 && started.startedAt != nil)
        #expect(started.user == .init(uid: 0, gid: 0, groups: [0]))
        let ended = try agent.exit(of: "web")
        guard case .exited(let exit) = ended.phase else {
            Issue.record("\(ended)")
            return
        }
        #expect(exit.code == 3 && exit.signal == 0 && !exit.oomKilled && exit.finishedAt >= started.startedAt ?? .now)
        #expect(try harness.record("web") == ended)
        #expect(try agent.states() == [ended])
        let lines = try harness.log("web").split(separator: "\n").map { $0.split(separator: " ").dropFirst() }
        #expect(lines.contains(["stdout", "F", "out"]) && lines.contains(["stderr", "F", "err"]))
        #expect(lines.contains(["stdout", "F", "end"]) && lines.count == 3)
        guard case .started(let told) = agent.events.first else {
            Issue.record("\(agent.events)")
            return
        }
        #expect(told == started)
    }

    @Test func aKilledContainerSaysSo() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        _ = try agent.ask(.start(harness.start("web", "exec sleep 1000")))
        #expect(try agent.ask(.signal(container: "web", signal: 0 + SIGCONT)) == .success(.delivered(true)))
        #expect(try agent.ask(.kill(container: "web")) == .success(.delivered(true)))
        guard case .exited(let exit) = try agent.exit(of: "web").phase else { return }
        #expect(exit.code == 137 && exit.signal == SIGKILL)
        #expect(try agent.ask(.kill(container: "web")) == .success(.delivered(false)))
        #expect(try agent.ask(.signal(container: "web", signal: SIGTERM)) == .success(.delivered(false)))
    }

    @Test func aFailedStartIsAnsweredToldAndRecorded() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        harness.backend.failure = RequestFailure(
            .failed, "no such file", step: "exec", errno: ENOENT, reason: "StartError")
        #expect(try agent.ask(.start(harness.start("web", "exec sleep 1000"))) == .failure(harness.backend.failure!))
        guard case .startFailed(let state) = agent.events.first, case .failed(let why, _) = state.phase else {
            Issue.record("\(agent.events)")
            return
        }
        #expect(why == harness.backend.failure)
        #expect(try harness.record("web") == state)
        harness.backend.refusal = RequestFailure(.invalid, "not like this")
        #expect(try agent.failure(.start(harness.start("web", "true", attempt: 1))) == .invalid)
        #expect(try agent.states().count == 1)
    }

    @Test func attemptsAreKeptApartUntilTheyAreForgotten() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        _ = try agent.ask(.start(harness.start("web", "exit 1")))
        _ = try agent.exit(of: "web")
        #expect(try agent.failure(.start(harness.start("web", "exit 1"))) == .exists)
        _ = try agent.ask(.start(harness.start("web", "exec sleep 1000", attempt: 1)))
        #expect(try agent.failure(.start(harness.start("web", "exit 1", attempt: 2))) == .exists)
        #expect(try agent.failure(.forget(container: "web", attempt: 1)) == .busy)
        #expect(try agent.ask(.forget(container: "web", attempt: 0)) == .success(.done))
        #expect(throws: (any Error).self) { try harness.record("web") }
        #expect(try agent.failure(.forget(container: "web", attempt: 0)) == .notFound)
        #expect(try agent.states().map(\.attempt) == [1])
        _ = try agent.ask(.kill(container: "web"))
        _ = try agent.exit(of: "web", attempt: 1)
    }

    @Test func aContainerJoinsThePidNamespaceOfItsTargetWhileThatRuns() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        var debugger = harness.start("debugger", "exec sleep 1000")
        debugger.pidTarget = "web"
        #expect(try agent.failure(.start(debugger)) == .notRunning)
        _ = try agent.ask(.start(harness.start("web", "exec sleep 1000")))
        _ = try agent.ask(.start(debugger))
        #expect(harness.backend.joined == ["debugger"])
        for name in ["web", "debugger"] { _ = try agent.ask(.kill(container: name)) }
        for name in ["web", "debugger"] { _ = try agent.exit(of: name) }
        debugger.attempt = 1
        #expect(try agent.failure(.start(debugger)) == .notRunning)
        // Nothing is left of what was refused.
        #expect(try agent.states().map(\.container) == ["debugger", "web"])
    }

    @Test func onlyTheAgentEndsASupervisorAndOnlyWhenNothingRuns() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        _ = try agent.ask(.start(harness.start("web", "exec sleep 1000")))
        #expect(try agent.failure(.shutdown) == .busy)
        _ = try agent.ask(.kill(container: "web"))
        _ = try agent.exit(of: "web")
        agent.send(.shutdown)
        try harness.supervisor.run()
    }

    @Test func containersOutliveTheirAgentAndTheNextOneHearsOfAll() throws {
        let harness = try Harness()
        let first = try harness.connect()
        _ = try first.ask(.start(harness.start("web", "exec sleep 1000")))
        _ = try first.ask(.start(harness.start("job", "exit 7")))
        first.frames.close()
        let second = try harness.connect()
        guard case .success(.containers(let states)) = try second.ask(.subscribe) else { return }
        #expect(states.map(\.container) == ["job", "web"])
        #expect(states[1].phase == .running)
        try harness.turn("exit of job") { (try? harness.record("job")) != nil }
        _ = try second.ask(.kill(container: "web"))
        _ = try second.exit(of: "web")
    }

    @Test(arguments: ["", ".", "..", ".x", "a/b", "a b", "ä"]) func namesThatAreNoFileNamesAreRefused(_ name: String)
        throws
    {
        let harness = try Harness()
        let agent = try harness.connect()
        #expect(try agent.failure(.start(harness.start(name, "true"))) == .invalid)
    }

    @Test func whatIsNotSupportedIsSaid() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        #expect(try agent.failure(.unknown("teleport")) == .unsupported)
        #expect(try agent.failure(.signal(container: "none", signal: 9)) == .notFound)
        #expect(try agent.failure(.resize(.init(rows: 1, columns: 1))) == .invalid)
    }

    @Test func aPeerThatDoesNotSpeakTheProtocolIsClosed() throws {
        let harness = try Harness()
        let stranger = try harness.connect()
        [UInt8](repeating: 0xFF, count: 64).withUnsafeBytes { stranger.frames.send(.control, $0) }
        try harness.turn("the connection's end") { stranger.ended }
        #expect(try harness.connect().states().isEmpty)
    }

    @Test func aChildThatKeepsThePipeOpenDoesNotHoldUpTheExit() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        _ = try agent.ask(.start(harness.start("web", "sleep 1000 & echo $!; exit 0")))
        _ = try agent.exit(of: "web")
        let pid = pid_t(try harness.log("web").split(separator: " ").last ?? "0") ?? 0
        #expect(pid > 0)
        kill(pid, SIGKILL)
    }

    @Test func aFloodNeitherBlocksTheContainerNorGrowsTheLog() throws {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        var start = harness.start("web", "yes 0123456789012345678901234567890123456789 | head -c 4000000; exit 5")
        start.log.maximumBytes = 200_000
        start.log.maximumFiles = 3
        _ = try agent.ask(.start(start))
        #expect(try agent.ask(.list) != .success(.containers([])))
        guard case .exited(let exit) = try agent.exit(of: "web").phase else { return }
        #expect(exit.code == 5)
        let logs = try Files.list(harness.folder.path).filter { $0.hasPrefix("web.0.log") }
        #expect(logs.count == 3)
        for log in logs {
            let size = try FileDescriptor.open(harness.folder.path + "/" + log, O_RDONLY).status().st_size
            #expect(size <= 200_000)
        }
    }
}
