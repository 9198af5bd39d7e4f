import Base
import CLinux
import JSON
import NodeAPI
import NodeAPITestSupport
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
