import HTTP

extension Router {
    /// The protocol that `exec` switches to. See docs/cli.md.
    static let execProtocol = "swiftlet-exec.v1"

    /// `/exec/{namespace}/{pod}[/{container}]?command=…` with the kubelet's parameters.
    func exec(_ exchange: Exchange) {
        upgrade(exchange) { [self] (client) throws(NodeServiceError) in
            try service.exec(try Self.execRequest(exchange.target), client: client)
        }
    }

    /// `/attach/{namespace}/{pod}[/{container}]` with the kubelet's parameters.
    func attach(_ exchange: Exchange) {
        upgrade(exchange) { [self] (client) throws(NodeServiceError) in
            let target = exchange.target
            let path = target.path
            return try service.attach(
                AttachRequest(
                    namespace: path[1], pod: path[2], container: path.count == 4 ? path[3] : nil,
                    stdin: try Self.stdin(target), rows: try Self.size(target, "rows"),
                    columns: try Self.size(target, "columns")), client: client)
        }
    }

    /// `/portForward/{namespace}/{pod}?port=…`: one connection to a port of the pod.
    func portForward(_ exchange: Exchange) {
        upgrade(exchange) { [self] (client) throws(NodeServiceError) in
            let path = exchange.target.path
            guard let port = try LogOptions.number(exchange.target, "port", atLeast: 1), port < 1 << 16 else {
                throw .badRequest("port: missing, or no number up to 65535")
            }
            return try service.forward(namespace: path[1], pod: path[2], port: UInt16(port), client: client)
        }
    }

    /// Switches to `execProtocol` and carries the frames of a session.
    private func upgrade(
        _ exchange: Exchange, _ begin: (ExecClient) throws(NodeServiceError) -> any ExecSession
    ) {
        guard exchange.head.upgrades.contains(Self.execProtocol) else {
            return exchange.respond(
                426, text: "this needs a switch of protocols; this node speaks \(Self.execProtocol)",
                headers: ["Upgrade": Self.execProtocol, "Connection": "Upgrade"])
        }
        do throws(NodeServiceError) {
            let bridge = ExecBridge()
            let session = try begin(bridge.client)
            guard let stream = exchange.upgrade(to: Self.execProtocol) else { return session.cancel() }
            bridge.start(session, stream)
        } catch {
            exchange.respond(error)
        }
    }

    static func execRequest(_ target: RequestTarget) throws(NodeServiceError) -> ExecRequest {
        let command = target.values("command")
        guard let program = command.first, !program.isEmpty else {
            throw .badRequest("command: missing; name the program to run")
        }
        let path = target.path
        return ExecRequest(
            namespace: path[1], pod: path[2], container: path.count == 4 ? path[3] : nil, command: command,
            stdin: try stdin(target), tty: try LogOptions.flag(target, "tty"),
            rows: try size(target, "rows"), columns: try size(target, "columns"))
    }

    private static func stdin(_ target: RequestTarget) throws(NodeServiceError) -> Bool {
        if try LogOptions.flag(target, "stdin") { return true }
        return try LogOptions.flag(target, "input")
    }

    private static func size(_ target: RequestTarget, _ name: String) throws(NodeServiceError) -> UInt16 {
        UInt16(clamping: try LogOptions.number(target, name, atLeast: 0) ?? 0)
    }
}
