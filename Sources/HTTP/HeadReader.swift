/// Collects the field lines of a head, or of trailers.
struct HeadReader: Sendable {
    private(set) var fields: [HTTPHeaders.Field] = []
    private var bytes = 0

    /// Counts a line against the limits of the head.
    mutating func count(_ line: [UInt8], _ limits: HTTPLimits) throws(HTTPError) {
        bytes += line.count + 2
        guard bytes <= limits.head else { throw HTTPError(431, "the head is longer than \(limits.head) bytes") }
    }

    /// Adds a field line.
    mutating func add(_ line: [UInt8], _ limits: HTTPLimits) throws(HTTPError) {
        try count(line, limits)
        guard fields.count < limits.fields else { throw HTTPError(431, "more than \(limits.fields) fields") }
        guard let first = line.first, first != 0x20, first != 0x09 else {
            throw HTTPError(400, "a folded field line")
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
            throw HTTPError(400, "a field line without a name")
        }
        guard line[..<colon].allSatisfy(ASCII.isToken) else {
            throw HTTPError(400, "a field name with a character that is not allowed there")
        }
        guard line[(colon + 1)...].allSatisfy(ASCII.isFieldByte) else {
            throw HTTPError(400, "a control character in a field value")
        }
        var value = line[(colon + 1)...]
        while let c = value.first, c == 0x20 || c == 0x09 { value.removeFirst() }
        while let c = value.last, c == 0x20 || c == 0x09 { value.removeLast() }
        fields.append(
            HTTPHeaders.Field(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self)))
    }
}

/// How long a body is, by the fields of its head.
enum BodyLength: Sendable, Equatable {
    case none
    case fixed(Int64)
    case chunked
    case untilClose

    /// - Returns: nil when no field says anything.
    /// - Throws: `HTTPError` for everything that two readers could understand differently.
    static func declared(_ headers: HTTPHeaders, _ version: HTTPVersion) throws(HTTPError) -> BodyLength? {
        let lengths = headers.all("Content-Length")
        let encodings = headers.all("Transfer-Encoding")
        if !encodings.isEmpty {
            guard lengths.isEmpty else { throw HTTPError(400, "both Transfer-Encoding and Content-Length") }
            guard version == .http11 else { throw HTTPError(400, "Transfer-Encoding in HTTP/1.0") }
            guard encodings.count == 1, let encoding = encodings.first else {
                throw HTTPError(400, "Transfer-Encoding more than once")
            }
            guard ASCII.lowercase(encoding) == "chunked" else {
                throw HTTPError(501, "a Transfer-Encoding other than chunked")
            }
            return .chunked
        }
        guard let text = lengths.first else { return nil }
        guard lengths.count == 1 else { throw HTTPError(400, "Content-Length more than once") }
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy(ASCII.isDigit), let length = Int64(text) else {
            throw HTTPError(400, "a Content-Length that is no number")
        }
        return .fixed(length)
    }
}
