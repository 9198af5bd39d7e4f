/// One entry of the systemd journal, as its native protocol writes it
/// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
public struct JournalEntry: Hashable, Sendable {
    /// Bytes that a value may have; longer ones are cut, so that an entry always fits a datagram.
    static let longestValue = 32 << 10

    /// The entry as a datagram.
    public private(set) var bytes: [UInt8] = []

    public init(_ fields: [(name: String, value: String)] = []) {
        for field in fields { append(field.name, field.value) }
    }

    /// Adds a field. A name that the journal would not take (it has capital letters, digits and underscores and begins
    /// with a letter) is left out with its value.
    public mutating func append(_ name: String, _ value: String) {
        guard Self.isName(name) else { return }
        let value = Self.cut(value)
        bytes += name.utf8
        if value.contains(0x0A) {
            // A value of several lines: its length, 64 bits and little-endian, stands before it.
            bytes.append(0x0A)
            let count = UInt64(value.count)
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: count >> shift))
            }
        } else {
            bytes.append(UInt8(ascii: "="))
        }
        bytes += value
        bytes.append(0x0A)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, (65...90).contains(first), name.utf8.count <= 64 else { return false }
        return name.utf8.allSatisfy { (65...90).contains($0) || (48...57).contains($0) || $0 == 0x5F }
    }

    private static func cut(_ value: String) -> [UInt8] {
        var bytes = Array(value.utf8.prefix(longestValue + 1))
        guard bytes.count > longestValue else { return bytes }
        bytes.removeLast()
        // Not in the middle of a character.
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if bytes.last.map({ $0 >= 0xC0 }) == true { bytes.removeLast() }
        return bytes + Array("…".utf8)
    }
}
