/// One walk over a text that copies it without secrets: private keys, user names and passwords in URLs, bearer and
/// JSON web tokens, and the values of names that say they are secrets.
struct RedactionScanner {
    private let text: [UInt8]
    private var out: [UInt8] = []
    private var i = 0

    init(_ text: [UInt8]) {
        self.text = text
        out.reserveCapacity(text.count)
    }

    mutating func run() -> [UInt8] {
        while i < text.count {
            if skipPrivateKey() { continue }
            guard Self.isWord(text[i]) else {
                copy(1)
                continue
            }
            word()
        }
        return out
    }

    // MARK: What there is

    /// A word, and what it tells of what follows.
    private mutating func word() {
        let start = i
        var end = i
        while end < text.count, Self.isWord(text[end]) { end += 1 }
        let word = Array(text[start..<end])
        if Self.isWebToken(word) {
            i = end
            return redact()
        }
        copy(end - start)
        if starts(with: "://") {
            copy(3)
            userInformation()
        } else if word.count == 6, word.map({ $0 | 0x20 }) == Array("bearer".utf8), starts(with: " ") {
            let token = run(from: i + 1) { Self.isWord($0) || $0 == 0x2B || $0 == 0x2F || $0 == 0x3D }
            if token.count >= 8 {
                copy(1)
                i = token.upperBound
                redact()
            }
        } else if Redaction.namesSecret(word) {
            value(of: word)
        }
    }

    /// `user:password@` of a URL.
    private mutating func userInformation() {
        let authority = run(from: i) { $0 > 0x20 && !Self.ends.contains($0) && $0 != 0x2F && $0 != 0x3F }
        guard let at = text[authority].lastIndex(of: 0x40) else { return }
        i = at
        redact()
    }

    /// `=value`, `: value`, `": "value"`.
    private mutating func value(of name: [UInt8]) {
        var next = i
        if next < text.count, Self.isQuote(text[next]) { next += 1 }
        while next < text.count, text[next] == 0x20 { next += 1 }
        guard next < text.count, text[next] == 0x3D || text[next] == 0x3A else { return }
        // `a::b` is a name in many languages.
        if next + 1 < text.count, text[next + 1] == text[next] { return }
        next += 1
        while next < text.count, text[next] == 0x20 || text[next] == 0x09 { next += 1 }
        guard next < text.count, text[next] != 0x7B else { return }
        if text[next] == 0x5B {
            let list = run(from: next + 1) { $0 != 0x5D && $0 != 0x0A }
            // One of objects holds names of its own.
            guard !list.isEmpty, !text[list].contains(0x7B) else { return }
            copy(list.lowerBound - i)
            i = list.upperBound
            return redact()
        }
        let isQuoted = Self.isQuote(text[next])
        if isQuoted { next += 1 }
        let found: Range<Int>
        if isQuoted {
            found = quoted(from: next, by: text[next - 1])
        } else if name.map({ $0 | 0x20 }).suffix(13).elementsEqual("authorization".utf8) {
            // Scheme and credentials.
            found = run(from: next) { !Self.ends.contains($0) && $0 >= 0x20 }
        } else {
            found = run(from: next) { $0 > 0x20 && !Self.ends.contains($0) }
        }
        if found.isEmpty { return }
        copy(next - i)
        i = found.upperBound
        redact()
    }

    /// To the quote that ends it, which a backslash protects, or to the line's end.
    private func quoted(from start: Int, by quote: UInt8) -> Range<Int> {
        var end = start
        while end < text.count, text[end] != quote, text[end] != 0x0A {
            end += text[end] == 0x5C && end + 1 < text.count && text[end + 1] != 0x0A ? 2 : 1
        }
        return start..<end
    }

    /// A private key in PEM, also one that is cut off.
    private mutating func skipPrivateKey() -> Bool {
        guard text[i] == 0x2D, starts(with: "-----BEGIN ") else { return false }
        let line = run(from: i) { $0 != 0x0A && $0 != 0x5C }
        guard contains("PRIVATE KEY", in: line) else { return false }
        var end = line.upperBound
        while end < text.count {
            if text[end] == 0x2D, starts(with: "-----END ", at: end) {
                end += "-----END ".utf8.count
                while end < text.count, text[end] != 0x2D { end += 1 }
                while end < text.count, text[end] == 0x2D { end += 1 }
                break
            }
            end += 1
        }
        i = end
        redact()
        return true
    }

    /// Three parts of base64 with points between; the first is an object.
    private static func isWebToken(_ word: [UInt8]) -> Bool {
        word.count > 20 && word.starts(with: "eyJ".utf8) && word.count(where: { $0 == 0x2E }) >= 2
    }

    // MARK: Bytes

    private mutating func copy(_ count: Int) {
        out += text[i..<i + count]
        i += count
    }

    private mutating func redact() { out += Redaction.mark.utf8 }

    private func starts(with word: String, at place: Int? = nil) -> Bool {
        text[(place ?? i)...].starts(with: word.utf8)
    }

    private func contains(_ word: String, in range: Range<Int>) -> Bool { text[range].contains(Array(word.utf8)) }

    private func run(from start: Int, while isIn: (UInt8) -> Bool) -> Range<Int> {
        var end = min(start, text.count)
        while end < text.count, isIn(text[end]) { end += 1 }
        return min(start, text.count)..<end
    }

    /// What ends a value that is not in quotes.
    private static let ends = Set("\"'`,;&)]}<>\\".utf8)

    private static func isQuote(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x27 }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D, 0x2E: true
        default: byte >= 0x80
        }
    }
}
