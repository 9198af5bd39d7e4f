import HTTP

extension Router {
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

    /// `/portForward/{namespace}/{pod}?port=…`: a connection to each of the ports.
    func portForward(_ exchange: Exchange) {
        let path = exchange.target.path
        let ports: [UInt16]
        do throws(NodeServiceError) { ports = try PortsWire.ports(exchange.target) } catch {
            return exchange.respond(error)
        }
        upgrade(
            exchange, ChannelProtocol.ports,
            channels: { (channels) throws(NodeServiceError) in PortsWire(channels, ports) },
            count: ports.count
        ) { [self] (index, client) throws(NodeServiceError) in
            try service.forward(namespace: path[1], pod: path[2], port: ports[index], client: client)
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
