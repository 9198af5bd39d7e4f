/// Writes tar streams, wrong ones too.
struct TarBuilder {
    private(set) var bytes: [UInt8] = []

    /// One entry. `size` overrides what the header says of the content.
    mutating func add(
        _ path: String, type: Character = "0", content: [UInt8] = [], link: String = "", mode: Int = 0o644,
        uid: Int = 0,
        gid: Int = 0, modified: Int = 1_700_000_000, size: Int? = nil, device: (Int, Int) = (0, 0),
        xattrs: [(String, [UInt8])] = [], pax: [(String, String)] = []
    ) {
        var records = pax.map { ($0.0, Array($0.1.utf8)) } + xattrs.map { ("SCHILY.xattr." + $0.0, $0.1) }
        if path.utf8.count > 100 { records.append(("path", Array(path.utf8))) }
        if link.utf8.count > 100 { records.append(("linkpath", Array(link.utf8))) }
        if !records.isEmpty {
            let body = records.flatMap { Self.record($0.0, $0.1) }
            header(
                "PaxHeader", "x", mode: 0o644, uid: 0, gid: 0, modified: 0, size: body.count, link: "", device: (0, 0))
            append(body)
        }
        header(
            String(path.prefix(100)), type, mode: mode, uid: uid, gid: gid, modified: modified,
            size: size ?? content.count, link: String(link.prefix(100)), device: device)
        append(content)
    }

    mutating func directory(
        _ path: String, mode: Int = 0o755, uid: Int = 0, gid: Int = 0, modified: Int = 1_600_000_000
    ) {
        add(path, type: "5", mode: mode, uid: uid, gid: gid, modified: modified)
    }

    mutating func file(_ path: String, _ text: String, mode: Int = 0o644) {
        add(path, content: Array(text.utf8), mode: mode)
    }

    /// The end mark, with `blocks` zero blocks.
    mutating func finish(blocks: Int = 2) { bytes.append(contentsOf: repeatElement(0, count: 512 * blocks)) }

    mutating func raw(_ more: [UInt8]) { bytes.append(contentsOf: more) }

    static func record(_ key: String, _ value: [UInt8]) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [0x0A]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }

    private mutating func append(_ content: [UInt8]) {
        bytes.append(contentsOf: content)
        bytes.append(contentsOf: repeatElement(0, count: (512 - content.count % 512) % 512))
    }

    mutating func header(
        _ path: String, _ type: Character, mode: Int, uid: Int, gid: Int, modified: Int, size: Int, link: String,
        device: (Int, Int)
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Collection<UInt8>, at offset: Int) {
            for (i, byte) in text.enumerated() { block[offset + i] = byte }
        }
        func octal(_ value: Int, at offset: Int, digits: Int) {
            guard value >= 0, value < 1 << (3 * digits) else {
                // Base 256, as GNU writes what has no place in octal digits.
                let width = digits + 1
                for i in 0..<width {
                    block[offset + width - 1 - i] = UInt8(truncatingIfNeeded: value >> (8 * min(i, 7)))
                }
                block[offset] = value < 0 ? 0xFF : 0x80
                return
            }
            let text = String(value, radix: 8)
            put(Array(String(repeating: "0", count: digits - text.utf8.count).utf8) + Array(text.utf8), at: offset)
        }
        put(path.utf8.prefix(100), at: 0)
        octal(mode, at: 100, digits: 7)
        octal(uid, at: 108, digits: 7)
        octal(gid, at: 116, digits: 7)
        octal(size, at: 124, digits: 11)
        octal(modified, at: 136, digits: 11)
        block[156] = type.asciiValue ?? 0
        put(link.utf8.prefix(100), at: 157)
        put("ustar\u{0}00".utf8, at: 257)
        octal(device.0, at: 329, digits: 7)
        octal(device.1, at: 337, digits: 7)
        Self.checksum(&block)
        bytes.append(contentsOf: block)
    }

    /// Writes the right checksum into a header block.
    static func checksum(_ block: inout [UInt8]) {
        for i in 148..<156 { block[i] = 0x20 }
        let sum = block.reduce(0) { $0 + Int($1) }
        let text = String(sum, radix: 8)
        let padded = String(repeating: "0", count: 6 - text.utf8.count) + text
        for (i, byte) in padded.utf8.enumerated() { block[148 + i] = byte }
        block[154] = 0
    }
}

/// A finished tar stream.
func tar(_ build: (inout TarBuilder) -> Void) -> [UInt8] {
    var builder = TarBuilder()
    build(&builder)
    builder.finish()
    return builder.bytes
}
