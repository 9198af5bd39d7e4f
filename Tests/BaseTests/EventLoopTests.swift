import Base
import CLinux
import Testing

@Suite struct EventLoopTests {
    /// The kernel reports a hang-up whatever is waited for, and again in each turn.
    @Test func aSilencedWatchIsToldNotEvenOfAHangUp() throws {
        let loop = try EventLoop()
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "test") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        let (near, far) = (SharedDescriptor(FileDescriptor(adopting: ends[0])), ends[1])
        var seen: [Readiness] = []
        let token = try loop.watch(near.descriptor, for: []) { seen.append($0) }
        close(far)
        try loop.turn(wait: true)
        #expect(seen.count == 1 && seen[0].contains(.hangup))
        loop.silence(token)
        loop.silence(token)
        for _ in 0..<3 { try loop.turn(wait: false) }
        #expect(seen.count == 1)
        try loop.update(token, for: .readable)
        try loop.turn(wait: true)
        #expect(seen.count == 2 && seen[1].contains(.readable))
        loop.silence(token)
        loop.unwatch(token)
        try loop.turn(wait: false)
        #expect(seen.count == 2)
    }
}
