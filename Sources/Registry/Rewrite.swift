import CCurl
import CLinux

/// A change of a repository's name: a POSIX extended regular expression, and what takes the place of what it matches,
/// with `$1` to `$9` for its groups.
public struct Rewrite: Hashable, Sendable {
    public let pattern: String
    public let replacement: String

    /// Nil, with the reason, for a pattern that is none.
    static func make(_ pattern: String, _ replacement: String) -> (rewrite: Rewrite?, problem: String) {
        for (sign, what) in [
            ("(?", "groups with \"(?\""), ("\\d", "\"\\d\"; write [0-9]"), ("*?", "\"*?\""), ("+?", "\"+?\""),
        ] where pattern.contains(sign) {
            return (nil, "POSIX extended regular expressions do not have \(what)")
        }
        var compiled = regex_t()
        let code = regcomp(&compiled, pattern, REG_EXTENDED)
        guard code == 0 else {
            var words = [CChar](repeating: 0, count: 128)
            _ = regerror(code, &compiled, &words, words.count)
            return (nil, "no regular expression: \(words.withUnsafeBufferPointer { Self.text($0) })")
        }
        regfree(&compiled)
        return (Rewrite(pattern: pattern, replacement: replacement), "")
    }

    private static func text(_ words: UnsafeBufferPointer<CChar>) -> String {
        String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The changed name; nil when the pattern does not match.
    func apply(to repository: String) -> String? {
        var compiled = regex_t()
        guard regcomp(&compiled, pattern, REG_EXTENDED) == 0 else { return nil }
        defer { regfree(&compiled) }
        var groups = [regmatch_t](repeating: regmatch_t(), count: 10)
        guard regexec(&compiled, repository, groups.count, &groups, 0) == 0 else { return nil }
        let bytes = Array(repository.utf8)
        func group(_ n: Int) -> ArraySlice<UInt8> {
            let match = groups[n]
            return match.rm_so < 0 ? [] : bytes[Int(match.rm_so)..<Int(match.rm_eo)]
        }
        var out = Array(bytes[..<Int(groups[0].rm_so)])
        let signs = Array(replacement.utf8)
        var i = 0
        while i < signs.count {
            if signs[i] == UInt8(ascii: "$"), i + 1 < signs.count {
                if signs[i + 1] == UInt8(ascii: "$") {
                    out.append(signs[i])
                    i += 2
                    continue
                }
                let braced = signs[i + 1] == UInt8(ascii: "{")
                let at = braced ? i + 2 : i + 1
                if at < signs.count, (0x30...0x39).contains(signs[at]),
                    !braced || at + 1 < signs.count && signs[at + 1] == UInt8(ascii: "}")
                {
                    out += group(Int(signs[at] - 0x30))
                    i = braced ? at + 2 : at + 1
                    continue
                }
            }
            out.append(signs[i])
            i += 1
        }
        return String(decoding: out + bytes[Int(groups[0].rm_eo)...], as: UTF8.self)
    }
}
