import Digest
import HTTP

extension Router {
    /// Protocols that a request can switch to: our own frames, and the kubelet's channels over WebSocket.
    static let upgrades = "\(FrameWire.name), websocket"

    /// Switches protocols and carries a process's session.
    func upgrade(
        _ exchange: Exchange, _ begin: (ExecClient) throws(NodeServiceError) -> any ExecSession
    ) {
        upgrade(
            exchange, ChannelProtocol.process,
            channels: { (channels) throws(NodeServiceError) in
                ProcessWire(channels, try ProcessWire.Streams(exchange.target))
            },
            count: 1
        ) { (_, client) throws(NodeServiceError) in try begin(client) }
    }

    /// Switches to what the client asks for and carries sessions.
    ///
    /// - Parameters:
    ///   - known: the subprotocols for this kind of session.
    ///   - channels: how the sessions travel by one of them.
    ///   - count: how many sessions; our own frames carry one.
    ///   - begin: begins one of them.
    func upgrade(
        _ exchange: Exchange, _ known: [ChannelProtocol],
        channels: (ChannelProtocol) throws(NodeServiceError) -> any SessionWire,
        count: Int, begin: (Int, ExecClient) throws(NodeServiceError) -> any ExecSession
    ) {
        do throws(NodeServiceError) {
            if exchange.head.upgrades.contains(FrameWire.name) {
                guard count == 1 else { throw .badRequest("\(FrameWire.name) carries one port at a time") }
                try carry(exchange, FrameWire(), FrameWire.name, HTTPHeaders(), count, begin)
            } else if WebSocketHandshake.isWanted(exchange.head) {
                guard let handshake = handshake(exchange) else { return }
                guard let agreed = ChannelProtocol.agreed(handshake.protocols, among: known) else {
                    throw .badRequest(
                        "none of the subprotocols \(handshake.protocols.joined(separator: ", ")) is known here; "
                            + "this node speaks \(known.map(\.name).joined(separator: ", "))")
                }
                let headers = try Self.answer(handshake, agreed)
                try carry(exchange, try channels(agreed), "websocket", headers, count, begin)
            } else {
                refuseUpgrade(exchange)
            }
        } catch {
            exchange.respond(error)
        }
    }

    /// Nil when it is none, which has been answered then.
    private func handshake(_ exchange: Exchange) -> WebSocketHandshake? {
        do throws(HTTPError) { return try WebSocketHandshake(exchange.head) } catch {
            let headers: HTTPHeaders =
                error.status == 426 ? ["Sec-WebSocket-Version": WebSocketHandshake.version] : HTTPHeaders()
            exchange.respond(error.status, text: error.message, headers: headers)
            return nil
        }
    }

    private static func answer(
        _ handshake: WebSocketHandshake, _ agreed: ChannelProtocol
    ) throws(NodeServiceError) -> HTTPHeaders {
        let sum: [UInt8]
        do throws(DigestError) { sum = try StreamHasher.bytes(.sha1, handshake.challenge) } catch {
            throw .failed("the WebSocket's handshake needs SHA-1: \(error)")
        }
        return handshake.answer(sum: sum, chosen: handshake.protocols.isEmpty ? nil : agreed.name)
    }

    private func carry(
        _ exchange: Exchange, _ wire: any SessionWire, _ name: String, _ headers: HTTPHeaders, _ count: Int,
        _ begin: (Int, ExecClient) throws(NodeServiceError) -> any ExecSession
    ) throws(NodeServiceError) {
        let bridge = SessionBridge(wire)
        var sessions: [any ExecSession] = []
        do throws(NodeServiceError) {
            for i in 0..<count { sessions.append(try begin(i, bridge.client(i))) }
        } catch {
            for session in sessions { session.cancel() }
            throw error
        }
        guard let stream = exchange.upgrade(to: name, headers: headers) else {
            for session in sessions { session.cancel() }
            return
        }
        bridge.start(sessions, stream)
    }

    /// No 101: to clients that know several protocols this says to try the next one.
    private func refuseUpgrade(_ exchange: Exchange) {
        let asked = exchange.head.upgrades
        let reason =
            asked.isEmpty
            ? "this needs a switch of protocols" : "this node does not speak \(asked.joined(separator: ", "))"
        exchange.respond(
            426, text: "\(reason); it speaks WebSocket and \(FrameWire.name)",
            headers: ["Upgrade": Self.upgrades, "Connection": "Upgrade"])
    }
}
