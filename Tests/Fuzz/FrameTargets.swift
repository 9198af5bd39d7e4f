import HTTP
import JSON
import PodProtocol

private struct Reading<Event: Equatable, Failure: Equatable>: Equatable {
    var events: [Event] = []
    var error: Failure?
}

func fuzzWebSocket(_ bytes: [UInt8]) {
    for peer in [WebSocketDecoder.Peer.client, .server] {
        let reading = read(bytes, of: peer)
        if let error = reading.error {
            precondition(error.code.isSendable && !error.message.isEmpty, "an error that cannot be told")
            precondition(WebSocketFrame.close(error.code, error.message).payload.count <= 125, "a long last frame")
        }
        // What was understood is understood the same when it is written again.
        let mask: UInt32? = peer == .client ? 0x0102_0304 : nil
        let again = read(reading.events.flatMap { frame($0).bytes(maskedBy: mask) }, of: peer)
        precondition(again.error == nil && again.events == reading.events, "messages change")
    }
}

private func read(
    _ bytes: [UInt8], of peer: WebSocketDecoder.Peer
) -> Reading<WebSocketDecoder.Event, WebSocketError> {
    sameForAllPieces(bytes) { pieces in
        var decoder = WebSocketDecoder(of: peer, limits: .init(frame: 1000, message: 1500))
        var reading = Reading<WebSocketDecoder.Event, WebSocketError>()
        for piece in pieces {
            decoder.receive(piece)
            do throws(WebSocketError) {
                while let event = try decoder.next() { reading.events.append(event) }
            } catch {
                reading.error = error
                return reading
            }
            precondition(decoder.buffered <= 1500 + 1000 + 14, "bytes are kept: \(decoder.buffered)")
        }
        return reading
    }
}

private func frame(_ event: WebSocketDecoder.Event) -> WebSocketFrame {
    switch event {
    case .text(let text): WebSocketFrame(.text, Array(text.utf8))
    case .binary(let bytes): WebSocketFrame(.binary, bytes)
    case .ping(let bytes): WebSocketFrame(.ping, bytes)
    case .pong(let bytes): WebSocketFrame(.pong, bytes)
    case .close(nil, _): WebSocketFrame(.close)
    case .close(let code?, let reason): WebSocketFrame.close(code, reason)
    }
}

/// Frames between agent, supervisor and clients, and the messages in them.
func fuzzFrame(_ bytes: [UInt8]) {
    let reading = sameForAllPieces(bytes) { pieces in
        var decoder = FrameDecoder()
        var reading = Reading<Frame, FrameDecoder.Failure>()
        for piece in pieces {
            decoder.append(Array(piece))
            do throws(FrameDecoder.Failure) {
                while let frame = try decoder.next() { reading.events.append(frame) }
            } catch {
                reading.error = error
                return reading
            }
        }
        return reading
    }
    var again = FrameDecoder()
    again.append(reading.events.flatMap(\.bytes))
    for frame in reading.events {
        precondition((try? again.next()) == frame, "a frame changes")
        if frame.channel == .control { fuzzJSON(frame.payload) }
    }
}

func fuzzJSON(_ bytes: [UInt8]) {
    guard let value = try? JSONParser.parse(bytes, limits: .init(bytes: 1 << 20, depth: 16)) else { return }
    let again = try? JSONParser.parse(JSONWriter().bytes(value))
    precondition(again == value, "a value changes")
}
