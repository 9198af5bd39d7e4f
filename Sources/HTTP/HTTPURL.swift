/// An absolute `http` or `https` URL, as a client asks for it. Without user, password and fragment.
public struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    public var isSecure: Bool
    /// A name in lower case, or an address; IPv6 without its brackets.
    public var host: String
    public var port: UInt16
    /// Path and query, as they are sent.
    public var target: String

    /// - Throws: `HTTPError` with what is wrong with the text.
    public init(_ text: String) throws(HTTPError) {
        let (isSecure, rest) = try Self.scheme(text)
        guard text.utf8.count <= 8192, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPError(400, "a URL has at most 8192 characters of ASCII without spaces; percent-encode others")
        }
        guard !rest.contains("#") else { throw HTTPError(400, "a fragment (#) means nothing to a server; remove it") }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else {
            throw HTTPError(400, "no user and password in a URL: give a header or a token file")
        }
        self.isSecure = isSecure
        (host, port) = try Self.authority(authority, isSecure ? 443 : 80)
        let target = String(rest[end...])
        self.target = target.hasPrefix("/") ? target : "/" + target
    }

    private static func scheme(_ text: String) throws(HTTPError) -> (Bool, Substring) {
        let lower = ASCII.lowercase(text.prefix(8))
        if lower.hasPrefix("https://") { return (true, text.dropFirst(8)) }
        if lower.hasPrefix("http://") { return (false, text.dropFirst(7)) }
        throw HTTPError(400, "expected a URL that begins with https:// or http://")
    }

    private static func authority(_ text: Substring, _ usual: UInt16) throws(HTTPError) -> (String, UInt16) {
        var host = text
        var port = Substring()
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw HTTPError(400, "a [ without its ]") }
            host = text[text.index(after: text.startIndex)..<close]
            port = text[text.index(after: close)...]
            guard host.contains(":"), host.utf8.count <= 45,
                host.utf8.allSatisfy({ ASCII.hex($0) != nil || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw HTTPError(400, "no IPv6 address between [ and ]") }
        } else {
            if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                port = text[colon...]
            }
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameByte) else {
                throw HTTPError(400, "no host, or one with characters that a name does not have")
            }
        }
        guard !port.isEmpty else { return (ASCII.lowercase(host), usual) }
        guard port.first == ":", port.utf8.dropFirst().allSatisfy(ASCII.isDigit), let number = UInt16(port.dropFirst()),
            number > 0
        else { throw HTTPError(400, "expected a port from 1 to 65535 after the host") }
        return (ASCII.lowercase(host), number)
    }

    private static func isNameByte(_ c: UInt8) -> Bool {
        switch c {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// The host is this machine whatever a name server says: `localhost`, `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { $0.utf8.allSatisfy(ASCII.isDigit) && UInt8($0) != nil }
    }

    /// As the field `Host` has it.
    public var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// For people: without the query, which may hold secrets.
    public var description: String {
        let path = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return "\(isSecure ? "https" : "http")://\(authority)\(path.first ?? "")" + (path.count > 1 ? "?…" : "")
    }
}
