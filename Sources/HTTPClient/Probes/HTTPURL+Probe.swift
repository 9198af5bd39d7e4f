import HTTP

extension HTTPURL {
    /// The URL of a probe.
    ///
    /// - Parameter path: as a manifest has it: with a query perhaps, and with characters that must be escaped.
    /// - Throws: `HTTPError` when `host` is neither a name nor an address.
    public init(isSecure: Bool, host: String, port: UInt16, path: String) throws(HTTPError) {
        let authority = host.contains(":") ? "[\(host)]" : host
        try self.init("\(isSecure ? "https" : "http")://\(authority):\(port)\(Self.target(path))")
    }

    /// The path as it is sent. Where a `%` begins no escape, the text is taken as it stands.
    static func target(_ path: String) -> String {
        let bytes = Array(path.utf8)
        let isEscaped = bytes.indices.allSatisfy { i in
            bytes[i] != UInt8(ascii: "%")
                || i + 2 < bytes.count && isHexDigit(bytes[i + 1]) && isHexDigit(bytes[i + 2])
        }
        var target: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in bytes {
            if isEscaped, byte == UInt8(ascii: "#") { break }
            if mustEscape(byte) || !isEscaped && Array("%?#".utf8).contains(byte) {
                target += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            } else {
                target.append(byte)
            }
        }
        return String(decoding: target, as: UTF8.self)
    }

    /// Where `location`, found in an answer of this URL, leads; nil when it leads to nothing that can be asked.
    func resolving(_ location: String) -> HTTPURL? {
        let text = String(location.prefix { $0 != "#" })
        if text.hasPrefix("//") { return Self.absolute(isSecure ? "https:" : "http:", text) }
        let head = text.prefix { $0 != "/" && $0 != "?" }
        if head.hasSuffix(":") { return Self.absolute(String(head), String(text.dropFirst(head.count))) }
        if head.contains(":") { return nil }
        var next = self
        let path = String(target.prefix { $0 != "?" })
        if text.isEmpty {
            return self
        } else if text.hasPrefix("?") {
            next.target = path + Self.target(text).dropFirst()
        } else if text.hasPrefix("/") {
            next.target = Self.target(text)
        } else {
            let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
            next.target = Self.target(folder + text)
        }
        return next
    }

    /// `rest` begins with `//`.
    private static func absolute(_ scheme: String, _ rest: String) -> HTTPURL? {
        let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
        return try? HTTPURL("\(scheme)//\(authority)\(target(String(rest.dropFirst(2 + authority.count))))")
    }

    private static func isHexDigit(_ c: UInt8) -> Bool {
        (0x30...0x39).contains(c) || (0x41...0x46).contains(c & 0xDF)
    }

    private static func mustEscape(_ c: UInt8) -> Bool {
        c <= 0x20 || c >= 0x7F || Array("\"<>\\^`{|}".utf8).contains(c)
    }
}
