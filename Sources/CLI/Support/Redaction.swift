import JSON
import Kube

/// Takes out what may be a secret, of what is given away. It errs on the side of taking too much.
enum Redaction {
    static let mark = "(redacted)"

    // MARK: Values

    /// A value of the API or of a manifest: environments, headers, what is named like a secret, and what text of any
    /// field gives away.
    static func value(_ value: JSONValue) -> JSONValue {
        if let object = value.objectValue {
            var result = JSONObject()
            // Only of a ConfigMap is it said that what it holds is no secret.
            let isOpen = object["kind"]?.stringValue == DataObject.Kind.configMap.rawValue
            for member in object.members {
                let holds = ["data", "stringData", "binaryData"].contains(member.key) && !isOpen
                result.append(member.key, holds ? hidden(member.value) : Self.member(member.key, member.value))
            }
            return .object(result)
        }
        if let items = value.arrayValue {
            // `--password hunter2`: what follows the option.
            var isSecret = false
            return .array(
                items.map { item in
                    guard let text = item.stringValue else {
                        isSecret = false
                        return Self.value(item)
                    }
                    defer { isSecret = text.hasPrefix("-") && !text.contains("=") && namesSecret(Array(text.utf8)) }
                    return .string(isSecret ? mark : Self.text(text))
                })
        }
        return value.stringValue.map { .string(text($0)) } ?? value
    }

    private static func member(_ key: String, _ value: JSONValue) -> JSONValue {
        switch key {
        case "env", "httpHeaders": .array((value.arrayValue ?? []).map(withoutValue))
        // The manifest once more, as one string.
        case "kubectl.kubernetes.io/last-applied-configuration": .string(mark)
        // Names of headers with lists of values.
        case "staticPodURLHeader", "statusURLHeader": hidden(value)
        default: isText(value) && namesSecret(Array(key.utf8)) ? hidden(value) : Self.value(value)
        }
    }

    /// A text, or a list of texts.
    private static func isText(_ value: JSONValue) -> Bool {
        value.stringValue != nil || value.arrayValue.map { $0.allSatisfy { $0.stringValue != nil } } == true
    }

    /// The same with a mark for each text.
    private static func hidden(_ value: JSONValue) -> JSONValue {
        if let items = value.arrayValue { return .array(items.map(hidden)) }
        guard let object = value.objectValue else { return value.stringValue == nil ? value : .string(mark) }
        var result = JSONObject()
        for member in object.members { result.append(member.key, hidden(member.value)) }
        return .object(result)
    }

    /// `{name, value}` of an environment or of headers.
    private static func withoutValue(_ entry: JSONValue) -> JSONValue {
        guard let object = entry.objectValue else { return entry }
        var result = JSONObject()
        for member in object.members {
            result.append(member.key, member.key == "value" ? .string(mark) : Self.value(member.value))
        }
        return .object(result)
    }

    // MARK: Text

    private static let words = [
        "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "api-key", "authorization",
        "credential", "private_key", "privatekey", "private-key", "access_key", "accesskey", "access-key", "cookie",
    ].map { Array($0.utf8) }
    /// Names that end so say where a secret is, not what it is.
    private static let harmlessEnds = ["name", "file", "path", "ref", "refs", "mount", "seconds", "volume", "uid"].map {
        Array($0.utf8)
    }

    /// Whether what has this name is a secret.
    static func namesSecret(_ name: [UInt8]) -> Bool {
        let name = name.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
        return words.contains { name.contains($0) } && !harmlessEnds.contains { name.hasSuffix($0) }
    }

    /// Lines of any kind: logs, the journal, configuration.
    static func text(_ text: String) -> String { String(decoding: bytes(Array(text.utf8)), as: UTF8.self) }

    static func bytes(_ text: [UInt8]) -> [UInt8] {
        var scanner = RedactionScanner(text)
        return scanner.run()
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ end: [UInt8]) -> Bool { suffix(end.count).elementsEqual(end) }
}
