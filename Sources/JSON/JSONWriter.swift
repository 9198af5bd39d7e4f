/// Writes a value as JSON text.
public struct JSONWriter {
    /// Spaces an indentation level; 0 writes everything on one line.
    public var indent: Int
    /// Keys in byte order instead of the object's own.
    public var sortsKeys: Bool
    /// `<`, `>`, `&` and the line separators of Unicode as `\u003c` and so on, as Go's encoder writes them.
    public var escapesHTML: Bool

    public init(indent: Int = 0, sortsKeys: Bool = false, escapesHTML: Bool = false) {
        self.indent = indent
        self.sortsKeys = sortsKeys
        self.escapesHTML = escapesHTML
    }

    public func bytes(_ value: JSONValue) -> [UInt8] {
        var out: [UInt8] = []
        write(value, level: 0, into: &out)
        return out
    }

    public func text(_ value: JSONValue) -> String { String(decoding: bytes(value), as: UTF8.self) }

    private func write(_ value: JSONValue, level: Int, into out: inout [UInt8]) {
        switch value.content {
        case .null: out.append(contentsOf: "null".utf8)
        case .bool(let v): out.append(contentsOf: (v ? "true" : "false").utf8)
        case .integer(let v): out.append(contentsOf: String(v).utf8)
        case .number(let literal): out.append(contentsOf: literal.utf8)
        case .string(let v): writeString(v, into: &out)
        case .array(let values):
            if values.isEmpty { return out.append(contentsOf: "[]".utf8) }
            out.append(UInt8(ascii: "["))
            for (n, element) in values.enumerated() {
                if n > 0 { out.append(UInt8(ascii: ",")) }
                newline(level + 1, into: &out)
                write(element, level: level + 1, into: &out)
            }
            newline(level, into: &out)
            out.append(UInt8(ascii: "]"))
        case .object(let object):
            if object.isEmpty { return out.append(contentsOf: "{}".utf8) }
            out.append(UInt8(ascii: "{"))
            let members = sortsKeys ? object.members.sorted { $0.key < $1.key } : object.members
            for (n, member) in members.enumerated() {
                if n > 0 { out.append(UInt8(ascii: ",")) }
                newline(level + 1, into: &out)
                writeString(member.key, into: &out)
                out.append(UInt8(ascii: ":"))
                if indent > 0 { out.append(0x20) }
                write(member.value, level: level + 1, into: &out)
            }
            newline(level, into: &out)
            out.append(UInt8(ascii: "}"))
        }
    }

    private func newline(_ level: Int, into out: inout [UInt8]) {
        guard indent > 0 else { return }
        out.append(0x0A)
        out.append(contentsOf: repeatElement(0x20, count: level * indent))
    }

    private func writeString(_ text: String, into out: inout [UInt8]) {
        let hex = Array("0123456789abcdef".utf8)
        out.append(UInt8(ascii: "\""))
        for c in text.utf8 {
            switch c {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                out.append(UInt8(ascii: "\\"))
                out.append(c)
            case 0x0A: out.append(contentsOf: "\\n".utf8)
            case 0x0D: out.append(contentsOf: "\\r".utf8)
            case 0x09: out.append(contentsOf: "\\t".utf8)
            case UInt8(ascii: "<") where escapesHTML, UInt8(ascii: ">") where escapesHTML,
                UInt8(ascii: "&") where escapesHTML, 0..<0x20, 0x7F:
                out.append(contentsOf: "\\u00".utf8)
                out.append(hex[Int(c >> 4)])
                out.append(hex[Int(c & 15)])
            case 0xA8 where escapesHTML && out.suffix(2).elementsEqual([0xE2, 0x80]),
                0xA9 where escapesHTML && out.suffix(2).elementsEqual([0xE2, 0x80]):
                out.removeLast(2)
                out.append(contentsOf: (c == 0xA8 ? "\\u2028" : "\\u2029").utf8)
            default: out.append(c)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
