import JSON

/// Something to say about one field of a manifest.
public struct ManifestIssue: Sendable, Hashable, CustomStringConvertible {
    /// `.none` when the value was not read from a text.
    public var position: SourcePosition
    public var path: FieldPath
    public var message: String

    init(_ message: String, at position: SourcePosition, path: FieldPath) {
        self.position = position
        self.path = path
        self.message = message
    }

    /// `line:column: path: message`.
    public var description: String {
        let path = path.steps.isEmpty ? "" : "\(path): "
        return position == .none ? path + message : "\(position): \(path)\(message)"
    }

    /// Text of a manifest as messages show it: one line, bounded.
    static func printable(_ text: String) -> String {
        var out = ""
        for (n, scalar) in text.unicodeScalars.enumerated() {
            if n == 128 { return out + "..." }
            if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.properties.isBidiControl
                || scalar.value == 0x2028 || scalar.value == 0x2029
            {
                out += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    static func quoted(_ text: String) -> String { "\"\(printable(text))\"" }
}

/// Why a manifest is not a pod that this node runs.
public struct PodDecodingError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In the order of the text, at most `PodDecoder.issueLimit`.
    public var issues: [ManifestIssue]
    /// How many more there are.
    public var omitted: Int

    init(_ issues: [ManifestIssue], omitted: Int = 0) {
        self.issues = issues
        self.omitted = omitted
    }

    /// A line an issue.
    public var description: String {
        var lines = issues.map(\.description)
        if omitted > 0 { lines.append("and \(omitted) more") }
        return lines.joined(separator: "\n")
    }
}
