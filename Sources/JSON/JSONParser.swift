/// A strict RFC 8259 parser: one value, no duplicate keys, UTF-8 only, bounded depth and size.
public struct JSONParser: ~Copyable {
    /// What a text may at most be. A hostile text costs no more than its size.
    public struct Limits: Sendable {
        public var bytes: Int
        public var depth: Int
        public init(bytes: Int = 16 << 20, depth: Int = 128) {
            self.bytes = bytes
            self.depth = depth
        }
    }

    /// Parses `text`, which must hold one value and nothing else.
    ///
    /// - Throws: `JSONError` with the place.
    public static func parse(_ text: some Collection<UInt8>, limits: Limits = Limits()) throws(JSONError) -> JSONValue {
        let bytes = Array(text)
        guard bytes.count <= limits.bytes else {
            throw JSONError("the text has \(bytes.count) bytes, more than the \(limits.bytes) allowed", at: .none)
        }
        var parser = JSONParser(bytes, limits)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        if parser.i < bytes.count { throw parser.error("unexpected text after the value") }
        return value
    }

    private let b: [UInt8]
    private let limits: Limits
    private var i = 0
    private var line = 1
    private var lineStart = 0

    private init(_ bytes: [UInt8], _ limits: Limits) {
        b = bytes
        self.limits = limits
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { i = 3 }
    }

    private var position: SourcePosition { SourcePosition(line: line, column: i - lineStart + 1) }
    private func error(_ message: String) -> JSONError { JSONError(message, at: position) }

    private mutating func skipSpace() {
        while i < b.count {
            switch b[i] {
            case 0x20, 0x09, 0x0D: i += 1
            case 0x0A:
                i += 1
                line += 1
                lineStart = i
            default: return
            }
        }
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= limits.depth else { throw error("nested deeper than \(limits.depth) levels") }
        guard i < b.count else { throw error("unexpected end of the text") }
        let start = position
        switch b[i] {
        case UInt8(ascii: "{"): return JSONValue(.object(try object(depth: depth)), at: start)
        case UInt8(ascii: "["): return JSONValue(.array(try array(depth: depth)), at: start)
        case UInt8(ascii: "\""): return JSONValue(.string(try string()), at: start)
        case UInt8(ascii: "t"): return JSONValue(try word("true", .bool(true)), at: start)
        case UInt8(ascii: "f"): return JSONValue(try word("false", .bool(false)), at: start)
        case UInt8(ascii: "n"): return JSONValue(try word("null", .null), at: start)
        case UInt8(ascii: "-"), 0x30...0x39: return JSONValue(try number(), at: start)
        default: throw error("unexpected character \(Self.show(b[i]))")
        }
    }

    private static func show(_ byte: UInt8) -> String {
        byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "0x" + String(byte, radix: 16)
    }

    private mutating func word(_ word: StaticString, _ content: JSONValue.Content) throws(JSONError)
        -> JSONValue.Content
    {
        let count = word.utf8CodeUnitCount
        guard i + count <= b.count else { throw error("unexpected end of the text") }
        for k in 0..<count where b[i + k] != word.utf8Start[k] {
            throw error("unknown word; expected \(word)")
        }
        i += count
        return content
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONObject {
        i += 1
        var object = JSONObject()
        var seen: Set<String> = []
        skipSpace()
        if i < b.count, b[i] == UInt8(ascii: "}") {
            i += 1
            return object
        }
        while true {
            skipSpace()
            guard i < b.count, b[i] == UInt8(ascii: "\"") else { throw error("expected a key in quotes") }
            let at = position
            let key = try string()
            // A set only pays off beyond a few members.
            let duplicate =
                object.count < 16
                ? object[key] != nil
                : {
                    if seen.isEmpty { seen = Set(object.members.map(\.key)) }
                    return !seen.insert(key).inserted
                }()
            if duplicate { throw JSONError("duplicate key \"\(key)\"", at: at) }
            skipSpace()
            guard i < b.count, b[i] == UInt8(ascii: ":") else { throw error("expected ':' after the key") }
            i += 1
            skipSpace()
            object.append(key, at: at, try value(depth: depth + 1))
            skipSpace()
            guard i < b.count else { throw error("unexpected end of the text inside an object") }
            if b[i] == UInt8(ascii: "}") {
                i += 1
                return object
            }
            guard b[i] == UInt8(ascii: ",") else { throw error("expected ',' or '}'") }
            i += 1
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> [JSONValue] {
        i += 1
        var values: [JSONValue] = []
        skipSpace()
        if i < b.count, b[i] == UInt8(ascii: "]") {
            i += 1
            return values
        }
        while true {
            skipSpace()
            values.append(try value(depth: depth + 1))
            skipSpace()
            guard i < b.count else { throw error("unexpected end of the text inside a list") }
            if b[i] == UInt8(ascii: "]") {
                i += 1
                return values
            }
            guard b[i] == UInt8(ascii: ",") else { throw error("expected ',' or ']'") }
            i += 1
        }
    }

    private mutating func number() throws(JSONError) -> JSONValue.Content {
        let start = i
        var integral = true
        if b[i] == UInt8(ascii: "-") { i += 1 }
        guard i < b.count, isDigit(b[i]) else { throw error("expected a digit") }
        if b[i] == UInt8(ascii: "0"), i + 1 < b.count, isDigit(b[i + 1]) { throw error("a number with leading zero") }
        while i < b.count, isDigit(b[i]) { i += 1 }
        if i < b.count, b[i] == UInt8(ascii: ".") {
            integral = false
            i += 1
            guard i < b.count, isDigit(b[i]) else { throw error("expected a digit after '.'") }
            while i < b.count, isDigit(b[i]) { i += 1 }
        }
        if i < b.count, b[i] | 0x20 == UInt8(ascii: "e") {
            integral = false
            i += 1
            if i < b.count, b[i] == UInt8(ascii: "+") || b[i] == UInt8(ascii: "-") { i += 1 }
            guard i < b.count, isDigit(b[i]) else { throw error("expected a digit in the exponent") }
            while i < b.count, isDigit(b[i]) { i += 1 }
        }
        let literal = String(decoding: b[start..<i], as: UTF8.self)
        if integral, let value = Int64(literal) { return .integer(value) }
        return .number(literal)
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    private mutating func string() throws(JSONError) -> String {
        i += 1
        let start = i
        // Most strings have no escape: they are taken as they stand.
        while i < b.count, b[i] != UInt8(ascii: "\""), b[i] != UInt8(ascii: "\\"), b[i] >= 0x20 { i += 1 }
        guard i < b.count else { throw error("unexpected end of the text inside a string") }
        if b[i] == UInt8(ascii: "\"") {
            guard let text = String(validating: b[start..<i], as: UTF8.self) else { throw error("invalid UTF-8") }
            i += 1
            return text
        }
        var out = Array(b[start..<i])
        while true {
            guard i < b.count else { throw error("unexpected end of the text inside a string") }
            switch b[i] {
            case UInt8(ascii: "\""):
                guard let text = String(validating: out, as: UTF8.self) else { throw error("invalid UTF-8") }
                i += 1
                return text
            case UInt8(ascii: "\\"): try escape(into: &out)
            case 0..<0x20: throw error("a control character inside a string")
            default:
                out.append(b[i])
                i += 1
            }
        }
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        i += 1
        guard i < b.count else { throw error("unexpected end of the text inside a string") }
        let c = b[i]
        i += 1
        switch c {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(c)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0C)
        case UInt8(ascii: "n"): out.append(0x0A)
        case UInt8(ascii: "r"): out.append(0x0D)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try hex4()
            if (0xD800..<0xDC00).contains(scalar), i + 1 < b.count, b[i] == UInt8(ascii: "\\"),
                b[i + 1] == UInt8(ascii: "u")
            {
                i += 2
                let low = try hex4()
                guard (0xDC00..<0xE000).contains(low) else { throw error("an unpaired surrogate") }
                scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let unicode = UnicodeScalar(scalar) else { throw error("an unpaired surrogate") }
            out.append(contentsOf: Array(String(Character(unicode)).utf8))
        default: throw error("unknown escape \\\(Self.show(c))")
        }
    }

    private mutating func hex4() throws(JSONError) -> UInt32 {
        guard i + 4 <= b.count else { throw error("unexpected end of the text inside a string") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let c = b[i]
            switch c {
            case 0x30...0x39: value = value << 4 | UInt32(c - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(c - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(c - 0x61 + 10)
            default: throw error("expected four hexadecimal digits")
            }
            i += 1
        }
        return value
    }
}
