/// Reads the messages of one side of a WebSocket (RFC 6455), in whatever pieces they come. It performs no input or
/// output.
///
///     decoder.receive(bytes)
///     while let event = try decoder.next() { ... }
///
/// It holds at most one message and what was handed in with its end: hand in more only when `next` has returned nil.
/// After an error nothing more can be read.
public struct WebSocketDecoder: Sendable {
    public enum Event: Hashable, Sendable {
        /// A whole message, of however many frames.
        case text(String)
        case binary([UInt8])
        /// To be answered with a pong of the same bytes.
        case ping([UInt8])
        case pong([UInt8])
        /// The peer's last frame. What comes after it is not read.
        case close(WebSocketCloseCode?, reason: String)
    }

    /// Whose frames are read. Clients mask what they send, servers do not.
    public enum Peer: Sendable { case client, server }

    /// What a peer may at most send.
    public struct Limits: Sendable {
        /// Bytes of a frame's payload.
        public var frame: Int
        /// Bytes of a message, of however many frames.
        public var message: Int

        public init(frame: Int = 4 << 20, message: Int = 4 << 20) {
            self.frame = frame
            self.message = message
        }
    }

    private struct Header: Sendable {
        var opcode: WebSocketFrame.Opcode
        var isFinal: Bool
        var length: Int
        var mask: UInt32?
    }

    private enum State: Sendable {
        case header
        case payload(Header)
        case closed
        case failed(WebSocketError)
    }

    private let peer: Peer
    private let limits: Limits
    private var state = State.header
    private var buffer: [UInt8] = []
    /// Bytes of the buffer before this are used.
    private var start = 0
    /// The message whose last frame has not come.
    private var message: (isText: Bool, bytes: [UInt8])?

    public init(of peer: Peer, limits: Limits = Limits()) {
        self.peer = peer
        self.limits = limits
    }

    /// Bytes that wait for `next`, or for the rest of their message.
    public var buffered: Int { buffer.count - start + (message?.bytes.count ?? 0) }

    public mutating func receive(_ bytes: some Sequence<UInt8>) {
        switch state {
        case .closed, .failed: return
        case .header, .payload: break
        }
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 64 << 10)
            start = 0
        } else if start > 32 << 10 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next event; nil when more bytes must arrive, or when the peer has closed.
    ///
    /// - Throws: `WebSocketError` with the code to close the connection with.
    public mutating func next() throws(WebSocketError) -> Event? {
        do throws(WebSocketError) {
            return try advance()
        } catch {
            state = .failed(error)
            buffer = []
            start = 0
            message = nil
            throw error
        }
    }

    private mutating func advance() throws(WebSocketError) -> Event? {
        while true {
            switch state {
            case .failed(let error): throw error
            case .closed: return nil
            case .header:
                guard let header = try header() else { return nil }
                state = .payload(header)
            case .payload(let header):
                guard buffer.count - start >= header.length else { return nil }
                var payload = Array(buffer[start..<start + header.length])
                start += header.length
                if let mask = header.mask {
                    for i in payload.indices { payload[i] ^= WebSocketFrame.maskByte(mask, i) }
                }
                state = .header
                if let event = try event(header, payload) { return event }
            }
        }
    }

    // MARK: Frames

    private mutating func header() throws(WebSocketError) -> Header? {
        let here = buffer[start...]
        guard here.count >= 2 else { return nil }
        let (first, second) = (here[start], here[start + 1])
        guard first & 0x70 == 0 else {
            throw WebSocketError(.protocolError, "a reserved bit is set, and no extension was agreed on")
        }
        guard let opcode = WebSocketFrame.Opcode(rawValue: first & 0x0F) else {
            throw WebSocketError(.protocolError, "a frame of the unknown type \(first & 0x0F)")
        }
        let isFinal = first & 0x80 != 0
        let isMasked = second & 0x80 != 0
        guard isMasked == (peer == .client) else {
            throw WebSocketError(
                .protocolError, isMasked ? "a frame of a server with a mask" : "a frame of a client without a mask")
        }
        let short = Int(second & 0x7F)
        try check(opcode, isFinal, short)
        let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
        let size = 2 + lengthBytes + (isMasked ? 4 : 0)
        guard here.count >= size else { return nil }
        var length = UInt64(short)
        if lengthBytes > 0 {
            length = Self.number(here[(start + 2)..<(start + 2 + lengthBytes)])
            guard length > (lengthBytes == 2 ? 125 : 0xFFFF) else {
                throw WebSocketError(.protocolError, "a length in more bytes than it needs")
            }
            guard length >> 63 == 0 else { throw WebSocketError(.protocolError, "a length with its highest bit set") }
        }
        guard length <= UInt64(limits.frame) else {
            throw WebSocketError(.tooBig, "a frame of \(length) bytes, more than the \(limits.frame) allowed")
        }
        if !opcode.isControl, UInt64(message?.bytes.count ?? 0) + length > UInt64(limits.message) {
            throw WebSocketError(.tooBig, "a message of more than the \(limits.message) bytes allowed")
        }
        let mask = isMasked ? UInt32(truncatingIfNeeded: Self.number(here[(start + size - 4)..<(start + size)])) : nil
        start += size
        return Header(opcode: opcode, isFinal: isFinal, length: Int(length), mask: mask)
    }

    /// What can be said of a frame by its first two bytes.
    private func check(_ opcode: WebSocketFrame.Opcode, _ isFinal: Bool, _ short: Int) throws(WebSocketError) {
        switch opcode {
        case .close, .ping, .pong:
            guard isFinal else { throw WebSocketError(.protocolError, "a control frame in fragments") }
            guard short <= WebSocketFrame.controlLimit else {
                throw WebSocketError(
                    .protocolError, "a control frame of more than 125 bytes")
            }
        case .text, .binary:
            guard message == nil else {
                throw WebSocketError(.protocolError, "a new message before the end of the last one")
            }
        case .continuation:
            guard message != nil else { throw WebSocketError(.protocolError, "a continuation of no message") }
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    // MARK: Events

    /// What a frame tells; nil when its message goes on.
    private mutating func event(_ header: Header, _ payload: [UInt8]) throws(WebSocketError) -> Event? {
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        case .close: return try close(payload)
        case .text, .binary, .continuation:
            let isText = message?.isText ?? (header.opcode == .text)
            guard header.isFinal else {
                if message == nil { message = (isText, []) }
                message?.bytes += payload
                return nil
            }
            let bytes = message.map { $0.bytes + payload } ?? payload
            message = nil
            guard isText else { return .binary(bytes) }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw WebSocketError(.invalidData, "a text that is no UTF-8")
            }
            return .text(text)
        }
    }

    private mutating func close(_ payload: [UInt8]) throws(WebSocketError) -> Event {
        var code: WebSocketCloseCode?
        if !payload.isEmpty {
            guard payload.count >= 2 else { throw WebSocketError(.protocolError, "a close frame with half a code") }
            let found = WebSocketCloseCode(rawValue: UInt16(payload[0]) << 8 | UInt16(payload[1]))
            guard found.isSendable else {
                throw WebSocketError(.protocolError, "a close frame with the code \(found.rawValue)")
            }
            code = found
        }
        guard let reason = String(validating: payload.dropFirst(2), as: UTF8.self) else {
            throw WebSocketError(.invalidData, "a reason to close that is no UTF-8")
        }
        state = .closed
        buffer = []
        start = 0
        message = nil
        return .close(code, reason: reason)
    }
}
