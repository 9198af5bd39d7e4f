/// A challenge of a WWW-Authenticate header: how a server wants to be authenticated to.
struct Challenge: Hashable, Sendable {
    /// In lower case: `bearer`, `basic`.
    var scheme: String
    /// Names in lower case.
    var parameters: [String: String]

    /// The challenges of a header's value. What follows something that is none is not read.
    static func parse(_ text: String) -> [Challenge] {
        var scanner = Scanner(bytes: Array(text.utf8.prefix(16 << 10)))
        var challenges: [Challenge] = []
        while true {
            scanner.skipSeparators()
            guard let scheme = scanner.token() else { return challenges }
            var challenge = Challenge(scheme: scheme.lowercased(), parameters: [:])
            while let (name, value) = scanner.parameter() {
                // The first of a name holds.
                if challenge.parameters[name] == nil { challenge.parameters[name] = value }
            }
            challenges.append(challenge)
        }
    }

    private struct Scanner {
        let bytes: [UInt8]
        var at = 0

        private func byte(_ offset: Int = 0) -> UInt8? { at + offset < bytes.count ? bytes[at + offset] : nil }

        private static func isToken(_ c: UInt8) -> Bool {
            switch c {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
            default: "!#$%&'*+-.^_`|~".utf8.contains(c)
            }
        }

        mutating func skipSpaces() { while let c = byte(), c == 0x20 || c == 0x09 { at += 1 } }

        mutating func skipSeparators() {
            while let c = byte(), c == 0x20 || c == 0x09 || c == UInt8(ascii: ",") { at += 1 }
        }

        mutating func token() -> String? {
            let start = at
            while let c = byte(), Self.isToken(c) { at += 1 }
            return at == start ? nil : String(decoding: bytes[start..<at], as: UTF8.self)
        }

        /// `name=value` or `name="value"`; nil, and nothing passed over, when the next thing is none.
        mutating func parameter() -> (String, String)? {
            let start = at
            skipSeparators()
            guard let name = token() else {
                at = start
                return nil
            }
            skipSpaces()
            guard byte() == UInt8(ascii: "=") else {
                at = start
                return nil
            }
            at += 1
            skipSpaces()
            guard byte() == UInt8(ascii: "\"") else { return (name.lowercased(), token() ?? "") }
            at += 1
            var value: [UInt8] = []
            while let c = byte(), c != UInt8(ascii: "\"") {
                if c == UInt8(ascii: "\\"), let next = byte(1) {
                    value.append(next)
                    at += 2
                } else {
                    value.append(c)
                    at += 1
                }
            }
            at += 1
            return (name.lowercased(), String(decoding: value, as: UTF8.self))
        }
    }
}
