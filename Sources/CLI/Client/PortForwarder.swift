import Base
import CLinux
import HTTP

/// Listens on local ports and carries their connections to a pod.
final class PortForwarder {
    private let loop: EventLoop
    private let tool: Tool
    private let path: [String]
    private var listeners: [SharedDescriptor] = []
    private var connections: [Int: ForwardedConnection] = [:]
    private var nextID = 0

    init(_ loop: EventLoop, _ tool: Tool, path: [String]) {
        self.loop = loop
        self.tool = tool
        self.path = path
    }

    func run() throws(SystemError) { try loop.run() }

    /// - Returns: the address and port that are listened at.
    /// - Throws: `SystemError`; EINVAL for what is no address.
    func listen(at address: String, _ ports: PortForwardCommand.Ports) throws(SystemError) -> String {
        let host = address == "localhost" ? "127.0.0.1" : address
        var port = ports.local
        let place = "\(host) port \(port)"
        let raw = try retrying("listen at", place) { swl_tcp_listen(host, &port) }
        let listener = SharedDescriptor(FileDescriptor(adopting: raw))
        listeners.append(listener)
        _ = try loop.watch(listener.descriptor, for: .readable) { [unowned self] _ in
            accept(listener, port, ports.remote)
        }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func accept(_ listener: SharedDescriptor, _ local: UInt16, _ remote: UInt16) {
        let raw = swl_accept(listener.raw)
        guard raw >= 0 else { return }
        let socket = SharedDescriptor(FileDescriptor(adopting: raw))
        tool.output.line("Handling connection for \(local)")
        tool.output.flush()
        do throws(CLIError) {
            let target = RequestTarget(path: path, query: [.init("port", String(remote))])
            let (agent, received) = try tool.agent().upgrade(target, to: ExecCommand.protocolName)
            nextID += 1
            let id = nextID
            let connection = ForwardedConnection(loop, local: socket, agent: agent, received: received) {
                [unowned self] problem in
                connections[id] = nil
                if let problem { tool.say("error: port \(remote): \(Printable.line(problem))") }
            }
            connections[id] = connection
            connection.start()
        } catch {
            tool.say("error: port \(remote): \(Printable.line(error.message))")
        }
    }
}
