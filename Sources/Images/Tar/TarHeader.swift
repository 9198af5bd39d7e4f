/// The 512-byte header block, decoded field by field. Every number is checked; nothing traps.
struct TarHeader {
    static let blockSize = 512

    let block: [UInt8]

    /// - Parameter block: 512 bytes.
    init(_ block: [UInt8]) throws(ImageError) {
        self.block = block
        guard block.count == Self.blockSize else { throw TarReaderError.truncated }
        // The field itself counts as blanks.
        var unsigned: Int64 = 8 * 0x20
        var signed = unsigned
        block.withUnsafeBytes { bytes in
            for i in 0..<Self.blockSize where i < 148 || i >= 156 {
                unsigned += Int64(bytes[i])
                signed += Int64(Int8(bitPattern: bytes[i]))
            }
        }
        // Old writers summed signed characters.
        let stored = try number(148, 8, "checksum")
        guard stored == unsigned || stored == signed else { throw TarReaderError.corrupt("wrong checksum") }
    }

    static func isZero(_ block: [UInt8]) -> Bool { block.allSatisfy { $0 == 0 } }

    private static let posixMagic = Array("ustar\0".utf8)

    var type: UInt8 { block[156] }
    /// POSIX, whose `prefix` continues the name. (GNU uses the place otherwise.)
    var isPOSIX: Bool { block[257..<263].elementsEqual(Self.posixMagic) }

    /// A text field up to its first NUL.
    func text(_ offset: Int, _ length: Int) -> [UInt8] { Array(block[offset..<offset + length].prefix { $0 != 0 }) }

    var path: [UInt8] {
        let name = text(0, 100)
        let prefix = isPOSIX ? text(345, 155) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    /// An octal field, or GNU's base 256 when the first bit is set.
    func number(_ offset: Int, _ length: Int, _ name: String) throws(ImageError) -> Int64 {
        let field = block[offset..<offset + length]
        guard let first = field.first else { return 0 }
        if first & 0x80 != 0 {
            // Two's complement, without the marking bit.
            var value = Int64(Int8(bitPattern: first << 1) >> 1)
            for byte in field.dropFirst() {
                let (shifted, overflow) = value.multipliedReportingOverflow(by: 256)
                if overflow { throw TarReaderError.corrupt("\(name) out of range") }
                value = shifted | Int64(byte)
            }
            return value
        }
        var value: Int64 = 0
        var ended = false
        var started = false
        for byte in field {
            switch byte {
            case 0x30...0x37:
                if ended { throw TarReaderError.corrupt("\(name) is no octal number") }
                started = true
                value = value << 3 | Int64(byte - 0x30)
            case 0x20, 0x00: if started { ended = true }
            default: throw TarReaderError.corrupt("\(name) is no octal number")
            }
        }
        return value
    }
}
