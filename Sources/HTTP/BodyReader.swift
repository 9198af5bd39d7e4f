/// Reads a body of known or chunked length out of the buffer.
struct BodyReader: Sendable {
    private enum State: Sendable {
        case fixed(left: Int64)
        case untilClose
        case chunkSize
        case chunk(left: Int64)
        case chunkEnd
        case trailers(HeadReader)
        case done
    }

    private var state: State
    /// Bytes of the body handed out so far.
    private var total: Int64 = 0

    init(_ length: BodyLength) {
        switch length {
        case .none: state = .done
        case .fixed(let n): state = n == 0 ? .done : .fixed(left: n)
        case .chunked: state = .chunkSize
        case .untilClose: state = .untilClose
        }
    }

    var isDone: Bool { if case .done = state { true } else { false } }

    /// Whether the end of the connection is the end of the body.
    var endsWithConnection: Bool { if case .untilClose = state { true } else { false } }

    /// The next bytes of the body; nil when more must arrive, or when it is done.
    mutating func next(_ buffer: inout LineBuffer, _ limits: HTTPLimits) throws(HTTPError) -> [UInt8]? {
        while true {
            switch state {
            case .done: return nil
            case .fixed(let left):
                if total == 0 { try check(left, limits) }
                guard buffer.count > 0 else { return nil }
                let part = buffer.take(left)
                total += Int64(part.count)
                state = left == Int64(part.count) ? .done : .fixed(left: left - Int64(part.count))
                return part
            case .untilClose:
                guard buffer.count > 0 else { return nil }
                let part = buffer.take(.max)
                try check(Int64(part.count), limits)
                total += Int64(part.count)
                return part
            case .chunkSize:
                guard let line = try buffer.line(limit: min(limits.line, 1024), tooLong: 400) else { return nil }
                let size = try Self.chunkSize(line)
                try check(size, limits)
                state = size == 0 ? .trailers(HeadReader()) : .chunk(left: size)
            case .chunk(let left):
                guard buffer.count > 0 else { return nil }
                let part = buffer.take(left)
                total += Int64(part.count)
                state = left == Int64(part.count) ? .chunkEnd : .chunk(left: left - Int64(part.count))
                return part
            case .chunkEnd:
                guard let line = try buffer.line(limit: 0, tooLong: 400) else { return nil }
                guard line.isEmpty else { throw HTTPError(400, "a chunk longer than its size") }
                state = .chunkSize
            case .trailers(var reader):
                guard let line = try buffer.line(limit: limits.line, tooLong: 431) else { return nil }
                if line.isEmpty {
                    state = .done
                } else {
                    // Checked and dropped: nothing here wants trailers, and merging them would let a peer add
                    // fields after the head was judged.
                    try reader.add(line, limits)
                    state = .trailers(reader)
                }
            }
        }
    }

    private func check(_ more: Int64, _ limits: HTTPLimits) throws(HTTPError) {
        guard more <= limits.body - total else {
            throw HTTPError(413, "the body is longer than \(limits.body) bytes")
        }
    }

    /// The size of a chunk-size line; its extensions are ignored.
    static func chunkSize(_ line: [UInt8]) throws(HTTPError) -> Int64 {
        var size: Int64 = 0
        var digits = 0
        var rest = line[...]
        while let c = rest.first, let digit = ASCII.hex(c) {
            guard digits < 15 else { throw HTTPError(400, "a chunk size that is too large") }
            size = size << 4 | Int64(digit)
            digits += 1
            rest.removeFirst()
        }
        guard digits > 0 else { throw HTTPError(400, "a chunk without a size") }
        guard rest.allSatisfy(ASCII.isFieldByte) else { throw HTTPError(400, "a control character in a chunk size") }
        while let c = rest.first, c == 0x20 || c == 0x09 { rest.removeFirst() }
        guard rest.isEmpty || rest.first == UInt8(ascii: ";") else {
            throw HTTPError(400, "a chunk size that is no number")
        }
        return size
    }
}
