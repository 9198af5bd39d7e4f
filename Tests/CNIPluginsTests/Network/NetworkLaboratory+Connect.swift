import Base
import CLinux
import Testing

extension NetworkLaboratory {
    typealias Endpoint = NetworkSocket.Endpoint

    /// What became of a connection.
    enum Outcome: Hashable, CustomStringConvertible {
        /// It arrived, from this address.
        case seenFrom(String)
        case failed(Errno)

        static let refused = Outcome.failed(.connectionRefused)

        var description: String {
            switch self {
            case .seenFrom(let address): "seen from \(address)"
            case .failed(let errno): "failed: \(errno)"
            }
        }
    }

    /// Connects from a namespace (nil: the host) and says which address the server, listening at `target` in the pod,
    /// sees. Of UDP an answer goes back too.
    func connect(
        _ kind: NetworkSocket.Kind, from client: String?, to endpoint: Endpoint, target: UInt16 = 80,
        in server: String = NetworkLaboratory.pod
    ) throws -> Outcome {
        let isIPv6 = endpoint.address.count == 16
        let listener = try inside(server) {
            try NetworkSocket.server(kind, Endpoint(isIPv6 ? "::" : "0.0.0.0", target))
        }
        let socket = try inside(client) { try NetworkSocket(kind, isIPv6: isIPv6) }
        do {
            try socket.connect(to: endpoint)
            switch kind {
            case .tcp: return .seenFrom(Self.address(try listener.accept()))
            case .udp:
                try socket.send("ping")
                try socket.waitFor(listener)
                let (text, from) = try listener.receive()
                #expect(text == "ping")
                try listener.send("pong", to: from)
                #expect(try socket.receive().text == "pong")
                return .seenFrom(Self.address(from))
            }
        } catch let error as SystemError {
            return .failed(error.errno)
        }
    }

    private static func address(_ endpoint: Endpoint) -> String {
        String(endpoint.description.dropLast("\(endpoint.port)".utf8.count + 1))
    }
}
