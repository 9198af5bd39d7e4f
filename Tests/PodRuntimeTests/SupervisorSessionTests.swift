import Base
import CLinux
import PodProtocol
import Testing

@testable import PodRuntime

@Suite struct SupervisorSessionTests {
    @Test func aSizeFromBeforeTheProcessRanIsSetWhenItRuns() throws {
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "a supervisor") { swl_socketpair(&ends) }
        let loop = try EventLoop()
        let supervisor = try FrameConnection(FileDescriptor(adopting: ends[0]), on: loop)
        var requests: [Request] = []
        supervisor.onFrame = { frame in
            if case .request(let request) = try? Message(frame.payload) { requests.append(request) }
        }
        let session = try SupervisorSession(
            .exec(ExecRequest(container: "main", arguments: ["sh"], terminal: true)), FileDescriptor(adopting: ends[1]),
            SupervisorSession.Handlers(), loop)
        func turn(until count: Int) throws {
            let deadline = BootInstant.now + .seconds(30)
            while requests.count < count, BootInstant.now < deadline {
                loop.schedule(after: .milliseconds(2)) {}
                try loop.turn(wait: true)
            }
            #expect(requests.count == count)
        }
        session.resize(TerminalSize(rows: 1, columns: 2))
        session.resize(TerminalSize(rows: 50, columns: 100))
        try turn(until: 1)
        supervisor.send(.reply(Reply(id: 1, .success(.process(7)))))
        try turn(until: 2)
        session.resize(TerminalSize(rows: 51, columns: 100))
        try turn(until: 3)
        #expect(
            requests.dropFirst().map(\.body) == [
                .resize(TerminalSize(rows: 50, columns: 100)), .resize(TerminalSize(rows: 51, columns: 100)),
            ])
        session.close()
    }

    @Test func whatWasTypedAfterASizeComesAfterIt() throws {
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "a supervisor") { swl_socketpair(&ends) }
        let loop = try EventLoop()
        let supervisor = try FrameConnection(FileDescriptor(adopting: ends[0]), on: loop)
        var seen: [String] = []
        supervisor.onFrame = { frame in
            if frame.channel == .standardInput {
                return seen.append("input " + String(decoding: frame.payload, as: UTF8.self))
            }
            guard case .request(let request) = try? Message(frame.payload) else { return }
            if case .resize(let size) = request.body { seen.append("size \(size.rows)") } else { seen.append("exec") }
        }
        var drained = 0
        var handlers = SupervisorSession.Handlers()
        handlers.onInputDrained = { drained += 1 }
        let session = try SupervisorSession(
            .exec(ExecRequest(container: "main", arguments: ["sh"], terminal: true)), FileDescriptor(adopting: ends[1]),
            handlers, loop)
        func turn(until count: Int) throws {
            let deadline = BootInstant.now + .seconds(30)
            while seen.count < count, BootInstant.now < deadline {
                loop.schedule(after: .milliseconds(2)) {}
                try loop.turn(wait: true)
            }
        }
        session.resize(TerminalSize(rows: 50, columns: 100))
        Array("go".utf8).withUnsafeBytes { session.write($0) }
        session.closeInput()
        #expect(session.pendingInput >= 2)
        try turn(until: 1)
        drained = 0
        supervisor.send(.reply(Reply(id: 1, .success(.process(7)))))
        try turn(until: 4)
        #expect(seen == ["exec", "size 50", "input go", "input "])
        #expect(session.pendingInput == 0 && drained > 0)
        session.close()
    }
}
