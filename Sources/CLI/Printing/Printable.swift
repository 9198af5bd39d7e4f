/// Text that came from a manifest, an image or a container, made safe for a terminal.
enum Printable {
    /// `text` with control characters (but line ends and tabs) and those that turn the direction of writing shown as
    /// escapes: a container's message cannot repaint the screen.
    static func text(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 == 0x0A || $0 == 0x09 }) { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A, 0x09: out.append(scalar)
            case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069:
                out.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: out.append(scalar)
            }
        }
        return String(out)
    }

    /// The same on one line.
    static func line(_ line: String) -> String {
        let text = text(line)
        guard text.utf8.contains(0x0A) || text.utf8.contains(0x09) else { return text }
        return text.map { $0.isNewline ? "\\n" : $0 == "\t" ? " " : String($0) }.joined()
    }
}
