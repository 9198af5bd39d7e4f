import Base
import HTTP

/// Channels over a WebSocket: messages to and from them.
struct ChannelCodec {
    enum Event: Equatable {
        case data(channel: Int, [UInt8])
        /// The client sends nothing more to the channel.
        case halfClose(channel: Int)
        case reply([UInt8])
        case close
    }

    /// In the place of a channel's number (v5): the byte after it is a channel that is closed.
    private static let closesChannel: UInt8 = 255

    let channels: ChannelProtocol
    private var decoder = WebSocketDecoder(of: .client)
    /// How the client has closed the connection.
    private var closing: WebSocketCloseCode?

    init(_ channels: ChannelProtocol) { self.channels = channels }

    mutating func receive(_ bytes: [UInt8]) { decoder.receive(bytes) }

    mutating func next() throws(SessionWireError) -> Event? {
        do throws(WebSocketError) {
            while let event = try decoder.next() {
                switch event {
                case .ping(let bytes): return .reply(WebSocketFrame(.pong, bytes).bytes())
                case .pong: break
                case .close(let code, _):
                    closing = code
                    return .close
                case .text(let text): if let event = try message(Array(text.utf8)) { return event }
                case .binary(let bytes): if let event = try message(bytes) { return event }
                }
            }
            return nil
        } catch {
            throw SessionWireError(code: error.code.rawValue, message: error.message)
        }
    }

    private func message(_ bytes: [UInt8]) throws(WebSocketError) -> Event? {
        guard let first = bytes.first else { return nil }
        if channels.version >= .fifth, first == Self.closesChannel {
            guard bytes.count == 2 else {
                throw WebSocketError(.protocolError, "the end of a channel is told in two bytes, not \(bytes.count)")
            }
            return .halfClose(channel: Int(bytes[1]))
        }
        guard channels.isBase64 else { return .data(channel: Int(first), Array(bytes.dropFirst())) }
        guard first >= UInt8(ascii: "0"), let data = Base64.decode(bytes.dropFirst()) else {
            throw WebSocketError(.invalidData, "a message that is no digit and base64")
        }
        return .data(channel: Int(first - UInt8(ascii: "0")), data)
    }

    /// A message to the client.
    func message(_ channel: Int, _ bytes: some Collection<UInt8>) -> [UInt8] {
        let number = UInt8(truncatingIfNeeded: channel)
        if channels.isBase64 {
            return WebSocketFrame(.text, [UInt8(ascii: "0") + number] + Base64.encode(bytes)).bytes()
        }
        return WebSocketFrame(.binary, [number] + bytes).bytes()
    }

    /// The last frame: to a client that has closed, its own code back.
    func end(_ error: SessionWireError?) -> [UInt8] {
        guard let error else { return WebSocketFrame.close(closing ?? .normal).bytes() }
        return WebSocketFrame.close(WebSocketCloseCode(rawValue: error.code), error.message).bytes()
    }
}
