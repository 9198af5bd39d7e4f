/// The records of a PAX extended header.
struct TarPAX {
    /// In their order; where a key comes twice the last one counts.
    private(set) var records: [(key: [UInt8], value: ArraySlice<UInt8>)] = []

    /// Reads `length key=value\n` records.
    init(_ bytes: [UInt8]) throws(ImageError) {
        var i = 0
        while i < bytes.count {
            let start = i
            var length = 0
            while i < bytes.count, bytes[i] >= 0x30, bytes[i] <= 0x39, length < 1 << 24 {
                length = length * 10 + Int(bytes[i] - 0x30)
                i += 1
            }
            // Writers pad the last block with NULs inside the stated size at times.
            if i == start, bytes[i...].allSatisfy({ $0 == 0 }) { return }
            guard i > start, i < bytes.count, bytes[i] == 0x20, length > i - start, length <= bytes.count - start else {
                throw TarReaderError.corrupt("malformed PAX record")
            }
            let end = start + length
            guard bytes[end - 1] == 0x0A, let equals = bytes[i..<end].firstIndex(of: UInt8(ascii: "=")) else {
                throw TarReaderError.corrupt("malformed PAX record")
            }
            records.append((Array(bytes[(i + 1)..<equals]), bytes[(equals + 1)..<(end - 1)]))
            i = end
        }
    }

    /// The last value of `key`, nil when absent or emptied.
    func value(_ key: StaticString) -> ArraySlice<UInt8>? {
        let wanted = UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        guard let value = records.last(where: { $0.key.elementsEqual(wanted) })?.value, !value.isEmpty else {
            return nil
        }
        return value
    }

    /// A decimal number.
    func number(_ key: StaticString) throws(ImageError) -> Int64? {
        guard let value = value(key) else { return nil }
        guard let number = Self.decimal(value) else { throw TarReaderError.corrupt("PAX \(key) is no number") }
        return number
    }

    static func decimal(_ text: some Collection<UInt8>) -> Int64? { Int64(String(decoding: text, as: UTF8.self)) }

    /// Seconds with a fraction, `-1.5` being a second and a half before 1970.
    func time(_ key: StaticString) throws(ImageError) -> (seconds: Int64, nanoseconds: Int)? {
        guard let value = value(key) else { return nil }
        let parts = value.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, var seconds = Self.decimal(whole) else {
            throw TarReaderError.corrupt("PAX \(key) is no time")
        }
        var nanoseconds = 0
        if parts.count == 2 {
            var scale = 100_000_000
            for digit in parts[1] {
                guard digit >= 0x30, digit <= 0x39 else { throw TarReaderError.corrupt("PAX \(key) is no time") }
                nanoseconds += Int(digit - 0x30) * scale
                scale /= 10
            }
        }
        if whole.first == UInt8(ascii: "-"), nanoseconds > 0 {
            (seconds, _) = seconds.subtractingReportingOverflow(1)
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        return (seconds, nanoseconds)
    }

    /// The extended attributes, the last value of each.
    var xattrs: [(name: [UInt8], value: [UInt8])] {
        let prefix = Array("SCHILY.xattr.".utf8)
        var found: [(name: [UInt8], value: [UInt8])] = []
        for record in records where record.key.starts(with: prefix) {
            let name = Array(record.key[prefix.count...])
            found.removeAll { $0.name == name }
            found.append((name, Array(record.value)))
        }
        return found
    }
}
