import HTTP

/// Connections to ports over WebSocket, as the kubelet speaks it for `portForward`: the i-th port has the channels 2i
/// for its bytes and 2i + 1 for what went wrong, and each begins with the port's number.
struct PortsWire: SessionWire {
    /// What one request may ask for: each is a connection. (With base64 a channel is one character.)
    static let most = 32

    private let ports: [UInt16]
    private var codec: ChannelCodec

    init(_ channels: ChannelProtocol, _ ports: [UInt16]) {
        codec = ChannelCodec(channels)
        self.ports = ports
    }

    /// The ports of a request: `port=80&port=443` or `port=80,443`.
    static func ports(_ target: RequestTarget) throws(NodeServiceError) -> [UInt16] {
        var ports: [UInt16] = []
        for text in target.values("port").flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(text), port > 0 else {
                throw .badRequest("port: \"\(text)\" is no number from 1 to 65535")
            }
            ports.append(port)
        }
        guard !ports.isEmpty else { throw .badRequest("port: missing") }
        guard ports.count <= most else { throw .badRequest("port: \(ports.count) of them, more than \(most)") }
        return ports
    }

    let partLimit = 32 << 10

    var greeting: [UInt8] {
        var out: [UInt8] = []
        for (i, port) in ports.enumerated() {
            let number = [UInt8(truncatingIfNeeded: port), UInt8(truncatingIfNeeded: port >> 8)]
            out += codec.message(2 * i, number) + codec.message(2 * i + 1, number)
        }
        return out
    }

    mutating func receive(_ bytes: [UInt8]) { codec.receive(bytes) }

    mutating func next() throws(SessionWireError) -> SessionSignal? {
        while let event = try codec.next() {
            switch event {
            case .data(let channel, let bytes):
                if channel.isMultiple(of: 2), !bytes.isEmpty { return .input(session: channel / 2, bytes) }
            case .halfClose: break
            case .reply(let bytes): return .reply(bytes)
            case .close: return .close
            }
        }
        return nil
    }

    func output(_ session: Int, _ stream: ExecClient.Stream, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
        codec.message(2 * session, bytes)
    }

    func finished(_ session: Int, _ result: Result<Int32, NodeServiceError>) -> [UInt8] {
        guard case .failure(let error) = result else { return [] }
        return codec.message(2 * session + 1, Array(error.message.utf8))
    }

    func end(_ error: SessionWireError?) -> [UInt8] { codec.end(error) }
}
