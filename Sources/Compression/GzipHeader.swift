/// The header of a gzip member (RFC 1952, 2.3), gathered until it is whole: ISA-L computes a wrong checksum of a header
/// that comes to it in pieces, and then refuses what is right.
struct GzipHeader {
    /// No tool writes more than a name.
    static let longest = 256 << 10

    private enum Field {
        case fixed
        case extraLength
        case extra(rest: Int)
        case name
        case comment
        case checksum(rest: Int)
        case end
    }

    private(set) var bytes: [UInt8] = []
    private var field = Field.fixed
    /// The bits of FLG whose fields are still to come.
    private var flags: UInt8 = 0

    var isWhole: Bool { if case .end = field { true } else { false } }

    /// Takes bytes up to the end of the header.
    ///
    /// - Returns: how many.
    /// - Throws: `CompressionError.corrupt` for a header that is longer than `longest`.
    mutating func take(_ input: Slice<UnsafeRawBufferPointer>) throws(CompressionError) -> Int {
        var taken = 0
        for byte in input {
            if isWhole { break }
            guard bytes.count < Self.longest else {
                throw .corrupt("a gzip header of more than \(Self.longest) bytes")
            }
            bytes.append(byte)
            taken += 1
            step(byte)
        }
        return taken
    }

    private mutating func step(_ byte: UInt8) {
        switch field {
        case .fixed:
            guard bytes.count == 10 else { return }
            flags = bytes[3]
            next()
        case .extraLength:
            guard bytes.count == 12 else { return }
            let length = Int(bytes[10]) | Int(bytes[11]) << 8
            if length > 0 { field = .extra(rest: length) } else { next() }
        case .extra(let rest), .checksum(let rest):
            if rest == 1 { return next() }
            if case .extra = field { field = .extra(rest: rest - 1) } else { field = .checksum(rest: rest - 1) }
        case .name, .comment: if byte == 0 { next() }
        case .end: break
        }
    }

    private mutating func next() {
        // In the order of the bytes, which is not that of the bits.
        let order: [(bit: UInt8, field: Field)] = [
            (1 << 2, .extraLength), (1 << 3, .name), (1 << 4, .comment), (1 << 1, .checksum(rest: 2)),
        ]
        guard let next = order.first(where: { flags & $0.bit != 0 }) else {
            field = .end
            return
        }
        flags &= ~next.bit
        field = next.field
    }
}
