import Base
import CLinux
import JSON
import NodeAPI
import NodeAPITestSupport
import PodProtocol
import TestSupport
import Testing

@testable import CLI

@Suite struct PortForwardTests {
    @Test func portsAreReadAsKubectlReadsThem() throws {
        let ports = try ["80", "8080:80", ":80"].map { try PortForwardCommand.Ports($0) }
        #expect(ports.map(\.local) == [80, 8080, 0] && ports.map(\.remote) == [80, 80, 80])
        for text in ["", "x", "1:2:3", "70000", "80:", "80:0", "-1:80"] {
            #expect(throws: CLIError.self) { try PortForwardCommand.Ports(text) }
        }
    }

    @Test func aPodThatDoesNotRunIsRefused() throws {
        let node = try BackgroundNode { node, _ in node.setPod("web", phase: "Pending") }
        defer { node.stop() }
        let ran = run("port-forward web 80", root: node.folder.path)
        #expect(ran.code == 1 && ran.errors.contains("its phase is Pending"))
        #expect(run("port-forward nobody 80", root: node.folder.path).errors.contains("not found"))
    }

    /// The pod has said all and is gone; who asked takes its time.
    @Test func aSlowReaderGetsEverythingAndCostsNoTurns() throws {
        let loop = try EventLoop()
        let (local, reader) = try Self.pair()
        let (agent, pod) = try Self.pair()
        var sent: [UInt8] = []
        for _ in 0..<40 { Frame.append(.standardOutput, [UInt8](repeating: 0x61, count: 50_000), to: &sent) }
        Frame.append(.control, Array(#"{"type":"exited","code":0}"#.utf8), to: &sent)
        var ended = 0
        let connection = ForwardedConnection(loop, local: local, agent: agent, received: []) { _ in ended += 1 }
        connection.start()
        // All that fits; then what is held back.
        var turns = 0
        func turnUntilIdle() throws {
            var isOver = false
            let limit = loop.schedule(after: .milliseconds(30)) { isOver = true }
            while !isOver {
                if !sent.isEmpty {
                    let count = sent.withUnsafeBytes {
                        send(pod.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                    }
                    if count > 0 { sent.removeFirst(count) }
                    if sent.isEmpty { _ = shutdown(pod.raw, Int32(SHUT_RDWR)) }
                }
                turns += 1
                try loop.turn(wait: true)
            }
            loop.cancel(limit)
        }
        var received = 0
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        for _ in 0..<200 where ended == 0 {
            turns = 0
            try turnUntilIdle()
            #expect(turns < 200)
            for _ in 0..<8 { if let count = try reader.descriptor.read(into: &buffer) { received += count } }
        }
        while let count = try reader.descriptor.read(into: &buffer), count > 0 { received += count }
        #expect(ended == 1 && received == 2_000_000)
    }

    private static func pair() throws -> (SharedDescriptor, SharedDescriptor) {
        var ends: [Int32] = [-1, -1]
        try retrying("socketpair", "test") {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends)
        }
        return (
            SharedDescriptor(FileDescriptor(adopting: ends[0])), SharedDescriptor(FileDescriptor(adopting: ends[1]))
        )
    }

    /// The fake node's session says back what it is told, and ends at the end of its input.
    @Test func bytesGoBothWaysToTheEnd() throws {
        let node = try BackgroundNode { node, _ in node.setPod("web", phase: "Running") }
        defer { node.stop() }
        var tool = Tool(root: node.folder.path, output: Output { _ in }, say: { _ in })
        tool.pause = { _ in }
        let loop = try EventLoop()
        let forwarder = PortForwarder(loop, tool, path: ["portForward", "default", "web"])
        let place = try forwarder.listen(at: "localhost", try PortForwardCommand.Ports(":80"))
        let port = UInt16(place.split(separator: ":").last ?? "") ?? 0
        let client = FileDescriptor(adopting: try retrying("connect", place) { swl_dial_loopback(-1, port, 0) })
        var unsent = [UInt8](repeating: 0x61, count: 1_000_000)
        var received = 0
        var isOver = false
        let deadline = BootInstant.now + .seconds(60)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !isOver, BootInstant.now < deadline {
            if !unsent.isEmpty {
                let sent = unsent.withUnsafeBytes { send(client.raw, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if sent > 0 { unsent.removeFirst(sent) }
                if unsent.isEmpty { _ = shutdown(client.raw, Int32(SHUT_WR)) }
            }
            if let count = try client.read(into: &buffer) {
                received += count
                isOver = count == 0
            }
            loop.schedule(after: .milliseconds(1)) {}
            try loop.turn(wait: true)
        }
        #expect(isOver && received == 1_000_000, "\(received)")
    }
}
