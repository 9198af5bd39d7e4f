import Base
import CLinux
import PodProtocol
import TestSupport
import Testing

@testable import PodSupervisor

struct AttachSessionTests {
    /// A harness with a container that runs `script`.
    private func running(
        _ script: String, input: Bool = true, once: Bool = false, terminal: Bool = false
    ) throws -> (Harness, Peer) {
        let harness = try Harness()
        let agent = try harness.connect()
        _ = try agent.ask(.subscribe)
        let reply = try agent.ask(.start(harness.start("web", script, input: input, once: once, terminal: terminal)))
        if case .failure(let failure) = reply { throw failure }
        return (harness, agent)
    }

    /// One that is attached.
    private func attach(_ harness: Harness, input: Bool = true, size: TerminalSize? = nil) throws -> Peer {
        let session = try harness.connect()
        let reply = try session.ask(.attach(AttachRequest(container: "web", standardInput: input, size: size)))
        guard case .success(.process(let pid)) = reply, pid > 0 else { throw Unmet(what: "attached: \(reply)") }
        return session
    }

    private func end(of session: Peer, in harness: Harness) throws -> PodEvent? {
        try harness.turn("the session's end") { session.ended }
        return session.events.last
    }

    private static let echo = "echo before; while read line; do echo \"got $line\"; done; exit 5"

    @Test func inputReachesTheContainerAndWhatItWritesFromThenOnComesBack() throws {
        let (harness, agent) = try running(Self.echo)
        try harness.turn("the first line") { (try? harness.log("web").contains("before")) == true }
        let first = try attach(harness)
        first.write("one\n")
        try first.expect("got one\n")
        #expect(first.text() == "got one\n")
        // Who goes ends nothing; who comes after begins with what comes.
        first.frames.close()
        let second = try attach(harness)
        second.write("two\n")
        try second.expect("got two\n")
        #expect(second.text() == "got two\n")
        #expect(try agent.states().first?.phase == .running)
        let log = try harness.log("web") + "\n"
        #expect(["before", "got one", "got two"].allSatisfy { log.contains(" stdout F \($0)\n") })
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func allSeeTheSameAndEachMayWrite() throws {
        let (harness, agent) = try running("while read line; do echo \"$line\"; echo \"not $line\" >&2; done")
        let sessions = [try attach(harness), try attach(harness), try attach(harness, input: false)]
        sessions[0].write("a\n")
        for session in sessions { try session.expect("not a\n", on: .standardError) }
        sessions[1].write("b\n")
        // The third has not asked for input.
        sessions[2].write("c\n")
        for session in sessions { try session.expect("not b\n", on: .standardError) }
        sessions[0].write("d\n")
        for session in sessions {
            try session.expect("d\n")
            #expect(session.text() == "a\nb\nd\n")
        }
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func theEndOfAContainerIsToldToAll() throws {
        let (harness, _) = try running("read line; echo last; exit 7")
        let sessions = [try attach(harness), try attach(harness, input: false)]
        sessions[0].write("\n")
        for session in sessions {
            #expect(try end(of: session, in: harness) == .sessionEnded(code: 7, signal: 0))
            #expect(session.text() == "last\n")
        }
        let late = try harness.connect()
        #expect(try late.failure(.attach(AttachRequest(container: "web"))) == .notRunning)
        #expect(try late.failure(.attach(AttachRequest(container: "db"))) == .notFound)
    }

    @Test func theEndOfOnesInputIsTheContainersOnlyWithOnce() throws {
        let (harness, agent) = try running("cat; echo done; exec sleep 1000", once: true)
        let first = try attach(harness)
        first.write("x\n")
        first.write("")
        try first.expect("done\n")
        #expect(first.text() == "x\ndone\n")
        let late = try harness.connect()
        #expect(try late.failure(.attach(AttachRequest(container: "web", standardInput: true))) == .invalid)
        _ = try attach(harness, input: false)
        _ = try agent.ask(.kill(container: "web"))

        let (other, otherAgent) = try running("cat")
        let one = try attach(other)
        one.write("1\n")
        one.write("")
        let two = try attach(other)
        two.write("2\n")
        try one.expect("2\n")
        #expect(one.text() == "1\n2\n")
        _ = try otherAgent.ask(.kill(container: "web"))
    }

    /// An agent that is killed closes its connections: its clients come again.
    @Test func aConnectionThatIsLostIsNoEndOfInput() throws {
        let (harness, agent) = try running("cat; echo done; exec sleep 1000", once: true)
        let lost = try attach(harness)
        lost.write("1\n")
        try lost.expect("1\n")
        lost.frames.close()
        let again = try attach(harness)
        again.write("2\n")
        try again.expect("2\n")
        #expect(!again.text().contains("done"))
        again.write("")
        try again.expect("done\n")
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func whatWasTypedBeforeTheConnectionEndedStillCounts() throws {
        // More than the pipe and the supervisor's buffer hold, to a container that does not read yet.
        let folder = try TemporaryDirectory()
        let go = folder.path + "/go"
        let (harness, agent) = try running(
            "while ! test -e \(go); do sleep 0.02; done; wc -c; exec sleep 1000", once: true)
        let session = try attach(harness)
        let watcher = try attach(harness, input: false)
        let piece = [UInt8](repeating: 0x61, count: 30_000)
        for _ in 0..<5 { piece.withUnsafeBytes { session.frames.send(.standardInput, $0) } }
        session.write("")
        try harness.turn("all is with the kernel") { session.frames.pendingOutput == 0 }
        session.frames.close()
        try Files.replace(go, with: [], durable: false)
        try watcher.expect("150000\n")
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func aContainerThatDoesNotReadHoldsOnlyItsClientBack() throws {
        let (harness, agent) = try running("exec sleep 1000")
        let session = try attach(harness)
        let piece = [UInt8](repeating: 0x61, count: 30_000)
        for _ in 0..<40 { piece.withUnsafeBytes { session.frames.send(.standardInput, $0) } }
        for _ in 0..<100 {
            harness.loop.schedule(after: .milliseconds(1)) {}
            try harness.loop.turn(wait: true)
        }
        #expect(session.frames.pendingOutput > 500_000)
        #expect(try agent.states().count == 1)
        _ = try agent.ask(.kill(container: "web"))
        #expect(try end(of: session, in: harness) == .sessionEnded(code: 137, signal: SIGKILL))
    }

    @Test func oneThatDoesNotReadMissesOutputAndIsToldHowMuch() throws {
        let (harness, agent) = try running("while read line; do head -c 20000 /dev/zero; echo; done")
        let slow = try attach(harness)
        slow.frames.isPaused = true
        let reader = try attach(harness)
        for turn in 1...100 {
            reader.write("\n")
            try harness.turn("answer \(turn)") { reader.output[.standardOutput]?.count == turn * 20_001 }
        }
        slow.frames.isPaused = false
        func skipped() -> Int64 {
            var sum: Int64 = 0
            for case .outputSkipped(let bytes) in slow.events { sum += bytes }
            return sum
        }
        func got() -> Int64 { Int64(slow.output[.standardOutput]?.count ?? 0) }
        try harness.turn("the rest") { skipped() > 0 && got() + skipped() == 2_000_100 }
        #expect(got() < 1_000_000)
        // From there on it sees everything again.
        reader.write("\n")
        try harness.turn("what comes then") { got() + skipped() == 2_020_101 }
        #expect(skipped() < 2_000_100)
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func aTerminalIsSharedResizedAndLogged() throws {
        let (harness, agent) = try running(
            "trap 'echo now $(stty size)' WINCH; stty -echo; echo ready; while true; do read line && echo \"got $line\"; done",
            terminal: true)
        let first = try attach(harness, size: TerminalSize(rows: 30, columns: 100))
        let second = try attach(harness)
        try harness.turn("the program runs") { (try? harness.log("web").contains("ready")) == true }
        _ = first.send(.resize(TerminalSize(rows: 40, columns: 120)))
        for session in [first, second] { try session.expect("now 40 120\r\n") }
        second.write("hello\n")
        for session in [first, second] {
            try session.expect("got hello\r\n")
            #expect(session.text(.standardError).isEmpty)
        }
        let log = try harness.log("web") + "\n"
        #expect(log.contains(" stdout F got hello\r\n") && !log.contains(" stderr "))
        _ = try agent.ask(.kill(container: "web"))
        #expect(try end(of: first, in: harness) == .sessionEnded(code: 137, signal: SIGKILL))
    }

    @Test func whoIsAttachedGivesTheTerminalItsSize() throws {
        let (harness, agent) = try running("while read line; do stty size; done", terminal: true)
        let session = try attach(harness, size: TerminalSize(rows: 33, columns: 99))
        session.write("\n")
        try session.expect("33 99\r\n")
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func ctrlCInterruptsTheProgramInFront() throws {
        let (harness, agent) = try running(
            "trap 'echo interrupted' INT; echo ready; while true; do sleep 0.05; done", terminal: true)
        try harness.turn("the program runs") { (try? harness.log("web").contains("ready")) == true }
        let session = try attach(harness)
        session.write("\u{3}")
        try session.expect("interrupted\r\n")
        #expect(try agent.states().first?.phase == .running)
        _ = try agent.ask(.kill(container: "web"))
    }

    /// What is typed goes nowhere, and the terminal is there all the same.
    @Test func aTerminalWithoutInputTakesNone() throws {
        let (harness, agent) = try running(
            "trap 'echo now $(stty size)' WINCH; echo ready; while true; do sleep 0.05; done", input: false,
            terminal: true)
        try harness.turn("the program runs") { (try? harness.log("web").contains("ready")) == true }
        let session = try attach(harness)
        session.write("\u{3}")
        _ = session.send(.resize(TerminalSize(rows: 20, columns: 70)))
        try session.expect("now 20 70\r\n")
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func allOutputOfATerminalIsReadWhenItsProgramEnds() throws {
        let (harness, agent) = try running("stty -opost; seq 1 20000; printf end", terminal: true)
        #expect(try agent.exit(of: "web").phase != .running)
        let lines = try harness.log("web").split(separator: "\n")
        #expect(lines.count == 20001 && lines.last?.hasSuffix(" stdout F end") == true)
    }

    @Test func onlyATerminalHasASize() throws {
        let (harness, agent) = try running("exec sleep 1000")
        let session = try attach(harness)
        #expect(try session.failure(.resize(TerminalSize(rows: 20, columns: 70))) == .invalid)
        _ = try agent.ask(.kill(container: "web"))
    }

    @Test func thoseWhoAreAttachedAreBounded() throws {
        let (harness, agent) = try running("exec sleep 1000")
        let sessions = try (0..<AttachPoint.maximumSessions).map { _ in try attach(harness, input: false) }
        let late = try harness.connect()
        #expect(try late.failure(.attach(AttachRequest(container: "web"))) == .busy)
        sessions.first?.frames.close()
        var hasPlace = false
        for _ in 0..<1000 where !hasPlace {
            hasPlace = try harness.connect().failure(.attach(AttachRequest(container: "web"))) == nil
        }
        #expect(hasPlace)
        _ = try agent.ask(.kill(container: "web"))
    }
}
