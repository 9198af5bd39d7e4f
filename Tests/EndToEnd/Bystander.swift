import Base
import CLinux
import JSON

/// A pod that lives beside what is tested, on the pods' network and with ports of the host: nothing of it may change,
/// and nobody who speaks with it may notice anything.
struct Bystander {
    static let name = "bystander"
    private static let pagePort: UInt16 = 8100
    private static let streamPort: UInt16 = 8101

    private let node: Node
    private let fingerprint: Fingerprint
    /// By a port of the host, open for as long as the test goes.
    private let connection: Listener.Connection
    var uid: String { fingerprint.uid }

    /// Starts it.
    init(_ node: Node) throws {
        self.node = node
        let script = """
            mkdir /tmp/w; echo here > /tmp/w/index.html; httpd -p 80 -h /tmp/w
            while true; do echo tick; sleep 0.05; done | nc -l -p 81 &
            \(counter)
            """
        let ports =
            "ports: [{containerPort: 80, hostPort: \(Self.pagePort)}, {containerPort: 81, hostPort: \(Self.streamPort)}]"
        try node.drop("\(Self.name).yaml", shellPod(Self.name, script, container: ports, restart: "Always"))
        fingerprint = try Fingerprint(node, Self.name)
        var socket: SharedDescriptor?
        try node.eventually("the pod beside serves", seconds: 10) {
            guard (try? HTTPPeer.fetch("127.0.0.1", Self.pagePort)) == "here" else { return false }
            do { socket = SharedDescriptor(try HTTPPeer.connect("127.0.0.1", Self.streamPort)) } catch { return false }
            return true
        }
        guard let socket else { throw Failure("no connection to the pod beside") }
        connection = Listener.Connection(socket: socket)
        try expectUnchanged("at first")
    }

    /// Throws unless it is the same pod, counts on, and is reached by its address, by its port of the host, and over
    /// the connection that was opened before.
    func expectUnchanged(_ when: String) throws {
        try fingerprint.expectUnchanged(node, Self.name, when)
        try expectEqual(try HTTPPeer.fetch("127.0.0.1", Self.pagePort), "here", "the page by hostPort \(when)")
        try expectEqual(try HTTPPeer.fetch(fingerprint.address, 80), "here", "the page by address \(when)")
        try connection.expectMore(when, within: .seconds(10 * node.machine.scale))
        try expectCounting(node, Self.name, when)
    }
}
