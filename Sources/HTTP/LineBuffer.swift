/// Bytes that arrived and are not used yet, with a scanner for lines that looks at each byte once.
struct LineBuffer: Sendable {
    private var bytes: [UInt8] = []
    /// Bytes before this are used.
    private var start = 0
    /// Bytes before this hold no end of the current line.
    private var scanned = 0

    var count: Int { bytes.count - start }

    mutating func append(_ new: UnsafeRawBufferPointer) {
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
            start = 0
            scanned = 0
        } else if start > 32 << 10 {
            bytes.removeFirst(start)
            scanned -= start
            start = 0
        }
        bytes.append(contentsOf: new)
    }

    /// The next line without its CR LF; nil when it is not complete.
    ///
    /// - Throws: `HTTPError` for more than `limit` bytes without an end (status `tooLong`), and for a bare CR or LF:
    ///   what one reader takes for the end of a line and another does not is how requests are smuggled.
    mutating func line(limit: Int, tooLong: Int) throws(HTTPError) -> [UInt8]? {
        if scanned < start { scanned = start }
        while scanned < bytes.count {
            let c = bytes[scanned]
            guard scanned - start <= limit else { break }
            if c == 0x0A { throw HTTPError(400, "a line ends with a bare LF") }
            if c == 0x0D {
                guard scanned + 1 < bytes.count else { return nil }
                guard bytes[scanned + 1] == 0x0A else { throw HTTPError(400, "a bare CR in a line") }
                let line = Array(bytes[start..<scanned])
                start = scanned + 2
                scanned = start
                return line
            }
            scanned += 1
        }
        if scanned - start > limit { throw HTTPError(tooLong, "a line is longer than \(limit) bytes") }
        return nil
    }

    /// At most `limit` of the bytes that are there.
    mutating func take(_ limit: Int64) -> [UInt8] {
        let n = Int(clamping: min(Int64(count), limit))
        let part = Array(bytes[start..<start + n])
        start += n
        scanned = start
        return part
    }
}
