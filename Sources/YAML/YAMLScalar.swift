import JSON

/// What a scalar means: YAML 1.1 with the exceptions of Kubernetes' parser (no base 60, times stay strings).
enum YAMLScalar {
    static let prefix = "tag:yaml.org,2002:"

    static func show(_ tag: String) -> String {
        tag.hasPrefix(prefix) ? "!!" + tag.dropFirst(prefix.count) : tag
    }

    /// - Throws: `YAMLError` for tags that are unknown or do not fit the text, and for infinities.
    static func value(_ text: String, isPlain: Bool, tag: String?, at position: SourcePosition) throws(YAMLError)
        -> JSONValue
    {
        guard let tag else {
            guard isPlain else { return JSONValue(.string(text), at: position) }
            return JSONValue(try finite(resolve(text), text, position), at: position)
        }
        if tag == "!" || tag == prefix + "str" { return JSONValue(.string(text), at: position) }
        let content = try finite(resolve(text), text, position)
        switch (tag, content) {
        case (prefix + "bool", .bool), (prefix + "null", .null), (prefix + "int", .integer),
            (prefix + "float", .number), (prefix + "float", .integer):
            return JSONValue(content, at: position)
        case (prefix + "int", .number(let literal)) where literal.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }):
            return JSONValue(content, at: position)
        case (prefix + "bool", _), (prefix + "null", _), (prefix + "int", _), (prefix + "float", _):
            throw YAMLError("\"\(text)\" does not fit its tag \(show(tag))", at: position)
        default: throw YAMLError("unsupported tag \(show(tag))", at: position)
        }
    }

    private static func finite(_ content: JSONValue.Content?, _ text: String, _ position: SourcePosition)
        throws(YAMLError) -> JSONValue.Content
    {
        guard let content else { throw YAMLError("\(text) is no number that can be used here", at: position) }
        return content
    }

    /// The meaning of a plain scalar; nil for infinities and not-a-number, which JSON does not have.
    static func resolve(_ text: String) -> JSONValue.Content? {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."):
            switch text {
            case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
                return nil
            default: return number(text) ?? .string(text)
            }
        default: break
        }
        switch text {
        case "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        default: return .string(text)
        }
    }

    private static func number(_ text: String) -> JSONValue.Content? {
        let plain =
            text.utf8.first == UInt8(ascii: ".") ? Array(text.utf8) : text.utf8.filter { $0 != UInt8(ascii: "_") }
        if let content = integer(plain[...]) { return content }
        guard isDecimal(plain[...]), let value = Double(String(decoding: plain, as: UTF8.self)), value.isFinite else {
            return nil
        }
        // (`Int64(exactly:)` would need libm.)
        if value.magnitude < 0x1p63, value == Double(Int64(value)) { return .integer(Int64(value)) }
        return .number("\(value)")
    }

    /// Decimal, `0x`, `0o`, `0b` and octal with a leading zero; up to 64 bits.
    private static func integer(_ text: ArraySlice<UInt8>) -> JSONValue.Content? {
        var digits = text
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
        var radix: UInt64 = 10
        if digits.count > 1, digits.first == UInt8(ascii: "0") {
            let mark = digits[digits.startIndex + 1] | 0x20
            radix = mark == UInt8(ascii: "x") ? 16 : mark == UInt8(ascii: "b") ? 2 : 8
            digits = digits.dropFirst(
                mark == UInt8(ascii: "x") || mark == UInt8(ascii: "b") || mark == UInt8(ascii: "o") ? 2 : 1)
        }
        guard !digits.isEmpty else { return nil }
        var magnitude: UInt64 = 0
        for c in digits {
            let digit: UInt8
            switch c {
            case 0x30...0x39: digit = c - 0x30
            case 0x41...0x46: digit = c - 0x41 + 10
            case 0x61...0x66: digit = c - 0x61 + 10
            default: return nil
            }
            guard digit < radix else { return nil }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            magnitude = sum
        }
        if negative {
            return magnitude <= Int64.min.magnitude ? .integer(Int64(truncatingIfNeeded: 0 &- magnitude)) : nil
        }
        return Int64(exactly: magnitude).map { .integer($0) } ?? .number(String(magnitude))
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimal(_ text: ArraySlice<UInt8>) -> Bool {
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            let count = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(count)
            return count
        }
        func sign(_ rest: inout ArraySlice<UInt8>) {
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        }
        var rest = text
        sign(&rest)
        var count = digits(&rest)
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            count += digits(&rest)
        }
        if count == 0 { return false }
        if let e = rest.first, e | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            sign(&rest)
            if digits(&rest) == 0 { return false }
        }
        return rest.isEmpty
    }

    /// Whether readers of YAML 1.1 could take `text` for something else than a string when it stands without quotes.
    static func needsQuotes(_ text: String) -> Bool {
        guard case .string = resolve(text) else { return true }
        return text == "<<" || text == "=" || looksLikeTime(text) || looksLikeBase60(text)
    }

    /// Begins as a date, `2001-1-1`: the rest may be left open, quotes never harm.
    private static func looksLikeTime(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, (1...2).contains(parts[1].count) else { return false }
        let day = parts[2].prefix { $0 >= 0x30 && $0 <= 0x39 }
        let next = parts[2].dropFirst(day.count).first
        return (1...2).contains(day.count) && parts[..<2].joined().allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
            && (next == nil || next == 0x20 || next.map { $0 | 0x20 } == UInt8(ascii: "t"))
    }

    /// `1:30`, `-1:2.5`: digits and colons.
    private static func looksLikeBase60(_ text: String) -> Bool {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return false }
        return text.utf8.enumerated().allSatisfy { n, c in
            (c >= 0x30 && c <= 0x39) || c == UInt8(ascii: ":") || c == UInt8(ascii: "_") || c == UInt8(ascii: ".")
                || (n == 0 && (c == UInt8(ascii: "+") || c == UInt8(ascii: "-")))
        }
    }
}
