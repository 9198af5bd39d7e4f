import Base
import CLinux

/// Writes a tar archive into a descriptor: members of our own with fixed owner, mode and time, so that the same images
/// give the same bytes.
final class SaveOutput {
    private static let bufferSize = 256 << 10

    private let file: SharedDescriptor
    private var buffer: [UInt8] = []

    init(_ file: SharedDescriptor) {
        self.file = file
        buffer.reserveCapacity(Self.bufferSize)
    }

    func folder(_ path: String) throws(ImageError) { try header(path, type: UInt8(ascii: "5"), mode: 0o755, size: 0) }

    func member(_ path: String, _ bytes: [UInt8]) throws(ImageError) {
        try header(path, type: UInt8(ascii: "0"), mode: 0o644, size: Int64(bytes.count))
        try write(bytes)
        try pad(Int64(bytes.count))
    }

    /// A member whose content comes in pieces.
    ///
    /// - Parameter content: gives exactly `size` bytes to what it is called with.
    func member(
        _ path: String, size: Int64,
        _ content: ((UnsafeRawBufferPointer) throws(ImageError) -> Void) throws(ImageError) -> Void
    ) throws(ImageError) {
        try header(path, type: UInt8(ascii: "0"), mode: 0o644, size: size)
        var count: Int64 = 0
        try content { piece throws(ImageError) in
            count += Int64(piece.count)
            if count > size { throw ImageError(.corrupt, "the stream is longer than its outline") }
            try write(piece)
        }
        guard count == size else { throw ImageError(.corrupt, "the stream is shorter than its outline") }
        try pad(size)
    }

    /// The end mark.
    func finish() throws(ImageError) {
        buffer.append(contentsOf: repeatElement(0, count: 1024))
        try flush()
    }

    // MARK: -

    private func header(_ path: String, type: UInt8, mode: Int64, size: Int64) throws(ImageError) {
        var name = path
        if path.utf8.count > 100 {
            let rest = " path=\(path)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length { length += 1 }
            let record = Array("\(length)\(rest)".utf8)
            try block("PaxHeader", type: UInt8(ascii: "x"), mode: 0o644, size: Int64(record.count))
            try write(record)
            try pad(Int64(record.count))
            name = String(decoding: path.utf8.prefix(100), as: UTF8.self)
        }
        try block(name, type: type, mode: mode, size: size)
    }

    private func block(_ name: String, type: UInt8, mode: Int64, size: Int64) throws(ImageError) {
        var block = [UInt8](repeating: 0, count: TarHeader.blockSize)
        func put(_ bytes: some Collection<UInt8>, at offset: Int) {
            for (i, byte) in bytes.enumerated() { block[offset + i] = byte }
        }
        func octal(_ value: Int64, at offset: Int, digits: Int) {
            let text = String(value, radix: 8)
            if text.utf8.count > digits {
                // Base 256, as GNU tar writes 8 GiB and more.
                for i in 0...digits {
                    block[offset + digits - i] = i < 8 ? UInt8(truncatingIfNeeded: value >> (8 * Int64(i))) : 0
                }
                block[offset] = 0x80
                return
            }
            put(repeatElement(0x30, count: digits - text.utf8.count) + Array(text.utf8), at: offset)
        }
        put(name.utf8.prefix(100), at: 0)
        octal(mode, at: 100, digits: 7)
        octal(0, at: 108, digits: 7)
        octal(0, at: 116, digits: 7)
        octal(size, at: 124, digits: 11)
        octal(0, at: 136, digits: 11)
        block[156] = type
        put("ustar\u{0}00".utf8, at: 257)
        octal(0, at: 329, digits: 7)
        octal(0, at: 337, digits: 7)
        put(repeatElement(0x20, count: 8), at: 148)
        octal(block.reduce(0) { $0 + Int64($1) }, at: 148, digits: 6)
        block[154] = 0
        try write(block)
    }

    private func pad(_ size: Int64) throws(ImageError) {
        buffer.append(contentsOf: repeatElement(0, count: Int((512 - size % 512) % 512)))
    }

    private func write(_ bytes: some Sequence<UInt8>) throws(ImageError) {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.bufferSize { try flush() }
    }

    private func flush() throws(ImageError) {
        try storage { () throws(SystemError) in try file.descriptor.writeAll(buffer, name: "the archive") }
        buffer.removeAll(keepingCapacity: true)
    }
}
