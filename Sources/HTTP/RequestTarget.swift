/// The path and the query of a request target, decoded.
public struct RequestTarget: Sendable, Hashable {
    public struct Item: Sendable, Hashable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// The decoded segments: `["a", "b/c"]` for `/a/b%2Fc`. An empty last segment (`/a/`) is dropped.
    public var path: [String]
    public var query: [Item]

    public init(path: [String], query: [Item] = []) {
        self.path = path
        self.query = query
    }

    /// Reads an origin-form target.
    ///
    /// - Throws: `HTTPError` 400 for a broken percent sequence, NUL, or bytes that are no UTF-8.
    public init(parsing target: String) throws(HTTPError) {
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let text = parts.first, text.first == UInt8(ascii: "/") else {
            throw HTTPError(400, "a target that is no absolute path")
        }
        var segments: [String] = []
        for segment in text.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            segments.append(try PercentEncoding.decode(segment, plusIsSpace: false))
        }
        if segments.last == "" { segments.removeLast() }
        path = segments
        query = []
        guard parts.count == 2 else { return }
        for item in parts[1].split(separator: UInt8(ascii: "&")) {
            guard query.count < 1024 else { throw HTTPError(400, "more than 1024 query parameters") }
            let pair = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try PercentEncoding.decode(pair[0], plusIsSpace: true)
            query.append(Item(name, pair.count == 2 ? try PercentEncoding.decode(pair[1], plusIsSpace: true) : ""))
        }
    }

    /// The value of the first parameter `name`.
    public func value(_ name: String) -> String? { query.first { $0.name == name }?.value }

    /// The values of all parameters `name`, in order.
    public func values(_ name: String) -> [String] { query.compactMap { $0.name == name ? $0.value : nil } }

    /// The target as it is sent.
    public var text: String {
        let path = "/" + path.map(PercentEncoding.encode).joined(separator: "/")
        if query.isEmpty { return path }
        return path + "?"
            + query.map { PercentEncoding.encode($0.name) + "=" + PercentEncoding.encode($0.value) }
            .joined(separator: "&")
    }
}

/// RFC 3986 percent-encoding of single segments, names and values.
public enum PercentEncoding {
    /// - Throws: `HTTPError` 400.
    public static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool) throws(HTTPError) -> String {
        var out: [UInt8] = []
        var high: UInt8?
        // What of `%XY` has been read: 0 nothing, 1 the sign, 2 the first digit too.
        var stage = 0
        for c in text {
            switch stage {
            case 0 where c == UInt8(ascii: "%"): stage = 1
            case 0: out.append(plusIsSpace && c == UInt8(ascii: "+") ? 0x20 : c)
            default:
                guard let digit = ASCII.hex(c) else { throw HTTPError(400, "a percent sign without two digits") }
                if let first = high {
                    out.append(first << 4 | digit)
                    high = nil
                    stage = 0
                } else {
                    high = digit
                    stage = 2
                }
            }
        }
        guard stage == 0 else { throw HTTPError(400, "a percent sign without two digits") }
        guard !out.contains(0), let decoded = String(validating: out, as: UTF8.self) else {
            throw HTTPError(400, "a target with NUL or with bytes that are no UTF-8")
        }
        return decoded
    }

    /// Encodes everything but the unreserved characters.
    public static func encode(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var out: [UInt8] = []
        for c in text.utf8 {
            switch c {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.append(c)
            default: out.append(contentsOf: [UInt8(ascii: "%"), hex[Int(c >> 4)], hex[Int(c & 15)]])
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
