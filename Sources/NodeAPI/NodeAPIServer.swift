import Base
import HTTP

/// The node's API on its local socket: the kubelet's paths where it has one, ours under `/swiftlet/v1`.
public final class NodeAPIServer {
    private let server: HTTPServer

    /// Listens at `path` (of any length), for root, the user of this process and the groups of `access`.
    ///
    /// - Parameters:
    ///   - loop: the loop whose thread this is called on; everything happens on it.
    ///   - service: the agent. It is held for as long as the server.
    /// - Throws: `SystemError`; EADDRINUSE when another agent listens there.
    public convenience init(
        loop: EventLoop, path: String, service: any NodeService, access: SocketAccess = SocketAccess()
    ) throws(SystemError) {
        try self.init(loop: loop, path: path, service: service, access: access, limits: HTTPServer.Limits())
    }

    init(
        loop: EventLoop, path: String, service: any NodeService, access: SocketAccess = SocketAccess(),
        limits: HTTPServer.Limits
    ) throws(SystemError) {
        let router = Router(service: service, loop: loop)
        server = try HTTPServer(loop: loop, path: path, limits: limits, access: access) { head, target in
            router.route(head, target)
        }
    }

    /// Ends all connections and removes the socket.
    public func close() { server.close() }

    /// Open connections.
    public var connectionCount: Int { server.connectionCount }
}
