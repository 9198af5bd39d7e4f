/// RFC 4648 base64, with padding.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var filled = 0
        func put(_ characters: Int) {
            for i in 0..<characters { out.append(alphabet[Int(group >> (18 - 6 * UInt32(i))) & 63]) }
        }
        for byte in bytes {
            group |= UInt32(byte) << (16 - 8 * UInt32(filled))
            filled += 1
            if filled == 3 {
                put(4)
                group = 0
                filled = 0
            }
        }
        if filled > 0 {
            put(filled + 1)
            for _ in filled..<3 { out.append(UInt8(ascii: "=")) }
        }
        return out
    }

    /// Nil for everything that `encode` does not write.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var filled = 0
        var padding = 0
        for character in text {
            if character == UInt8(ascii: "=") {
                padding += 1
                group <<= 6
            } else {
                guard padding == 0, let value = value(character) else { return nil }
                group = group << 6 | value
            }
            filled += 1
            guard filled == 4 else { continue }
            guard padding <= 2, padding == 0 || group & (padding == 1 ? 0xFF : 0xFFFF) == 0 else { return nil }
            for i in 0..<(3 - padding) { out.append(UInt8(truncatingIfNeeded: group >> (16 - 8 * UInt32(i)))) }
            group = 0
            filled = 0
        }
        return out
    }

    private static func value(_ c: UInt8) -> UInt32? {
        switch c {
        case 0x41...0x5A: UInt32(c) - 0x41
        case 0x61...0x7A: UInt32(c) - 0x61 + 26
        case 0x30...0x39: UInt32(c) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
