/// A frame of RFC 6455, to be sent.
public struct WebSocketFrame: Hashable, Sendable {
    public enum Opcode: UInt8, Sendable {
        case continuation = 0
        case text = 1
        case binary = 2
        case close = 8
        case ping = 9
        case pong = 10

        var isControl: Bool { rawValue >= 8 }
    }

    /// The most bytes of a control frame's payload.
    public static let controlLimit = 125

    public var opcode: Opcode
    public var payload: [UInt8]
    /// Whether the message ends with it.
    public var isFinal: Bool

    public init(_ opcode: Opcode, _ payload: [UInt8] = [], isFinal: Bool = true) {
        self.opcode = opcode
        self.payload = payload
        self.isFinal = isFinal
    }

    /// The last frame of a side. Of `reason` is sent what fits.
    public static func close(_ code: WebSocketCloseCode, _ reason: String = "") -> WebSocketFrame {
        var payload = [UInt8(truncatingIfNeeded: code.rawValue >> 8), UInt8(truncatingIfNeeded: code.rawValue)]
        for character in reason {
            guard payload.count + character.utf8.count <= controlLimit else { break }
            payload += character.utf8
        }
        return WebSocketFrame(.close, payload)
    }

    /// The frame as it travels.
    ///
    /// - Parameter mask: what a client hides its payload with, its first byte the highest; nil for a server.
    public func bytes(maskedBy mask: UInt32? = nil) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(payload.count + 14)
        out.append(opcode.rawValue | (isFinal ? 0x80 : 0))
        let flag: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ...125: out.append(flag | UInt8(truncatingIfNeeded: payload.count))
        case ...0xFFFF:
            out.append(flag | 126)
            Self.append(UInt64(payload.count), bytes: 2, to: &out)
        default:
            out.append(flag | 127)
            Self.append(UInt64(payload.count), bytes: 8, to: &out)
        }
        guard let mask else { return out + payload }
        Self.append(UInt64(mask), bytes: 4, to: &out)
        for (i, byte) in payload.enumerated() { out.append(byte ^ Self.maskByte(mask, i)) }
        return out
    }

    private static func append(_ number: UInt64, bytes: UInt64, to out: inout [UInt8]) {
        for i in (0..<bytes).reversed() { out.append(UInt8(truncatingIfNeeded: number >> (8 * i))) }
    }

    /// What the byte `index` of a payload is hidden with.
    static func maskByte(_ mask: UInt32, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: mask >> (24 - 8 * UInt32(index & 3)))
    }
}
