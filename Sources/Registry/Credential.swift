/// What a registry is told to know us. Never shown: its description has no secret.
public struct Credential: Hashable, Sendable, CustomStringConvertible {
    public var username = ""
    public var password = ""
    /// For the token server, instead of a password.
    public var identityToken = ""
    /// Sent to the registry as it is.
    public var registryToken = ""

    public init() {}

    public init(username: String, password: String) {
        self.username = username
        self.password = password
    }

    /// USER:PASSWORD in base64; nil for anything else.
    init?(auth text: String) {
        guard let bytes = LooseBase64.decode(text.filter { !$0.isWhitespace }),
            let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { return nil }
        username = String(decoding: bytes[..<colon], as: UTF8.self)
        // Some writers end it with a zero byte.
        let rest = bytes[bytes.index(after: colon)...]
        password = String(decoding: rest.prefix { $0 != 0 }, as: UTF8.self)
    }

    var isEmpty: Bool { username.isEmpty && password.isEmpty && identityToken.isEmpty && registryToken.isEmpty }

    /// The value of an Authorization header.
    var basic: String { "Basic " + LooseBase64.encode("\(username):\(password)") }

    public var description: String { "a credential" + (username.isEmpty ? "" : " of \(escaped(username))") }
}
