/// A label selector as kubectl takes it: `app=web,tier!=test,env in (a,b),!old`.
/// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
struct LabelSelector: Hashable, Sendable {
    enum Requirement: Hashable, Sendable {
        case exists(String)
        case missing(String)
        case among(String, Set<String>)
        /// A label that is not there is among none.
        case notAmong(String, Set<String>)
    }

    var requirements: [Requirement]

    /// - Throws: `CLIError` that names the part that is no requirement.
    init(_ text: String) throws(CLIError) {
        requirements = []
        for part in Self.split(text) {
            let part = Self.trimmed(part)
            if part.isEmpty { continue }
            requirements.append(try Self.requirement(part))
        }
    }

    func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .exists(let key): labels[key] != nil
            case .missing(let key): labels[key] == nil
            case .among(let key, let values): labels[key].map { values.contains($0) } ?? false
            case .notAmong(let key, let values): labels[key].map { !values.contains($0) } ?? true
            }
        }
    }

    /// At commas outside of parentheses.
    private static func split(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var isInside = false
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "(": isInside = true
            case ")": isInside = false
            case "," where !isInside:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return parts + [text[start...]]
    }

    private static func requirement(_ part: Substring) throws(CLIError) -> Requirement {
        for word in ["!=", "==", "="] {
            guard let range = part.firstRange(of: word) else { continue }
            let key = try self.key(part[..<range.lowerBound], part)
            let value = String(trimmed(part[range.upperBound...]))
            guard value.allSatisfy({ isNamePart($0) }) else { throw wrong(part) }
            return word == "!=" ? .notAmong(key, [value]) : .among(key, [value])
        }
        if part.hasSuffix(")"), let open = part.firstIndex(of: "(") {
            let words = part[..<open].split(separator: " ")
            guard words.count == 2 else { throw wrong(part) }
            let key = try self.key(words[0], part)
            let values = part[part.index(after: open)...].dropLast().split(separator: ",")
                .map { String(trimmed($0)) }
            guard !values.isEmpty, values.allSatisfy({ $0.allSatisfy { isNamePart($0) } }) else { throw wrong(part) }
            switch words[1] {
            case "in": return .among(key, Set(values))
            case "notin": return .notAmong(key, Set(values))
            default: throw wrong(part)
            }
        }
        if part.hasPrefix("!") { return .missing(try key(part.dropFirst(), part)) }
        return .exists(try key(part, part))
    }

    private static func key(_ text: Substring, _ part: Substring) throws(CLIError) -> String {
        let key = trimmed(text)
        guard !key.isEmpty, key.allSatisfy({ isNamePart($0) || $0 == "/" }) else { throw wrong(part) }
        return String(key)
    }

    private static func wrong(_ part: Substring) -> CLIError {
        .usage("--selector: cannot read \"\(part)\"; examples: app=web, tier!=test, env in (a,b), !old")
    }

    private static func isNamePart(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
