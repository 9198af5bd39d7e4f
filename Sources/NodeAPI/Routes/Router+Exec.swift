import HTTP

extension Router {
    /// The protocol that `exec` switches to. See docs/cli.md.
    static let execProtocol = "swiftlet-exec.v1"

    /// `/exec/{namespace}/{pod}[/{container}]?command=…` with the kubelet's parameters.
    func exec(_ exchange: Exchange) {
        guard exchange.head.upgrades.contains(Self.execProtocol) else {
            return exchange.respond(
                426, text: "exec needs a switch of protocols; this node speaks \(Self.execProtocol)",
                headers: ["Upgrade": Self.execProtocol, "Connection": "Upgrade"])
        }
        do throws(NodeServiceError) {
            let request = try Self.execRequest(exchange.target)
            let bridge = ExecBridge()
            let session = try service.exec(request, client: bridge.client)
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
        var stdin = try LogOptions.flag(target, "stdin")
        if !stdin { stdin = try LogOptions.flag(target, "input") }
        let path = target.path
        return ExecRequest(
            namespace: path[1], pod: path[2], container: path.count == 4 ? path[3] : nil, command: command,
            stdin: stdin, tty: try LogOptions.flag(target, "tty"),
            rows: try size(target, "rows"), columns: try size(target, "columns"))
    }

    private static func size(_ target: RequestTarget, _ name: String) throws(NodeServiceError) -> UInt16 {
        UInt16(clamping: try LogOptions.number(target, name, atLeast: 0) ?? 0)
    }
}
