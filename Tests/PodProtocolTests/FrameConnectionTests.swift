import Base
import CLinux
import PodProtocol
import Testing

struct FrameConnectionTests {
    private func pair() throws -> Pipe {
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "test") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        }
        return Pipe(read: FileDescriptor(adopting: ends[0]), write: FileDescriptor(adopting: ends[1]))
    }

    /// Turns the loop until `condition` holds; false when nothing comes of it.
    private func turn(_ loop: EventLoop, until condition: () -> Bool) throws -> Bool {
        for _ in 0..<10_000 where !condition() { try loop.turn(wait: false) }
        return condition()
    }

    @Test func moreThanTheKernelTakesArrivesInOrder() throws {
        let loop = try EventLoop()
        let ends = try pair()
        let sender = try FrameConnection(try ends.write.duplicate(), on: loop)
        let receiver = try FrameConnection(try ends.read.duplicate(), on: loop)
        _ = consume ends
        var received: [UInt8] = []
        receiver.onFrame = { received += $0.payload }
        var drained = 0
        sender.onDrained = { drained += 1 }
        var sent: [UInt8] = []
        for n in 0..<100 {
            let bytes = [UInt8](repeating: UInt8(n), count: 20_000)
            sent += bytes
            bytes.withUnsafeBytes { sender.send(.standardOutput, $0) }
        }
        #expect(sender.pendingOutput > 0)
        #expect(try turn(loop) { received.count == sent.count })
        #expect(received == sent)
        #expect(try turn(loop) { drained > 0 })
        sender.close()
        receiver.close()
    }

    @Test func whatWasSentBeforeTheEndArrivesAlsoWhileReadingIsPaused() throws {
        let loop = try EventLoop()
        let ends = try pair()
        let sender = try FrameConnection(try ends.write.duplicate(), on: loop)
        let receiver = try FrameConnection(try ends.read.duplicate(), on: loop)
        _ = consume ends
        var received = 0
        var end: FrameConnection.End?
        receiver.onFrame = { _ in received += 1 }
        receiver.onEnd = { end = $0 }
        receiver.isPaused = true
        [UInt8](repeating: 1, count: 1000).withUnsafeBytes { sender.send(.standardOutput, $0) }
        sender.closeWhenDrained()
        for _ in 0..<5 { try loop.turn(wait: false) }
        #expect(received == 0 && end == nil)
        receiver.isPaused = false
        #expect(try turn(loop) { end != nil })
        #expect(received == 1 && end == .peerClosed)
    }

    @Test func aPeerThatIsGoneEndsAPausedConnectionThatAsksForIt() throws {
        let loop = try EventLoop()
        let ends = try pair()
        let receiver = try FrameConnection(try ends.read.duplicate(), on: loop)
        var end: FrameConnection.End?
        receiver.onEnd = { end = $0 }
        receiver.endsWhilePaused = true
        receiver.isPaused = true
        _ = consume ends
        #expect(try turn(loop) { end != nil })
    }

    @Test func bytesThatAreNoFrameEndTheConnection() throws {
        let loop = try EventLoop()
        let ends = try pair()
        let receiver = try FrameConnection(try ends.read.duplicate(), on: loop)
        var end: FrameConnection.End?
        receiver.onEnd = { end = $0 }
        try ends.write.writeAll([0xFF, 0xFF, 0xFF, 0xFF, 0])
        #expect(try turn(loop) { end != nil })
        guard case .malformed = end else {
            Issue.record("\(String(describing: end))")
            return
        }
    }
}
