import JSON

/// A template in kubectl's JSONPath: text with paths in braces, `{range}` and `{end}`.
/// https://kubernetes.io/docs/reference/kubectl/jsonpath/
struct JSONPathTemplate: Hashable, Sendable {
    let parts: [JSONPathPart]

    /// - Throws: `JSONPathError` that says what is wrong, and where.
    init(_ text: String) throws(JSONPathError) {
        var parser = JSONPathParser(text)
        parts = try parser.template()
    }

    /// A single path as `wait`, `--sort-by` and custom columns take it: braces and the dot in front may be missing.
    ///
    /// - Throws: `JSONPathError` that says what is wrong, and where.
    init(relaxed text: String) throws(JSONPathError) {
        var path = text[...]
        if path.hasPrefix("{"), path.hasSuffix("}") { path = path.dropFirst().dropLast() }
        guard !path.isEmpty else { throw JSONPathError("the path is empty; a path is .metadata.name, for example") }
        let isRooted = path.hasPrefix(".") || path.hasPrefix("[") || path.hasPrefix("@") || path.hasPrefix("$")
        try self.init("{" + (isRooted ? "" : ".") + path + "}")
    }

    /// What the template says of `value`. Fields that are not there say nothing.
    ///
    /// - Throws: `JSONPathError` for a place outside a list, or a comparison of what cannot be compared.
    func text(of value: JSONValue) throws(JSONPathError) -> String {
        var out = ""
        try write(parts, value, into: &out)
        return out
    }

    /// The values that the paths of the template find, in order.
    func values(in value: JSONValue) throws(JSONPathError) -> [JSONValue] {
        var found: [JSONValue] = []
        for case .path(let nodes) in parts { found += try JSONPathEvaluator.values(nodes, [value]) }
        return found
    }

    private func write(_ parts: [JSONPathPart], _ value: JSONValue, into out: inout String) throws(JSONPathError) {
        for part in parts {
            switch part {
            case .text(let text): out += text
            case .path(let nodes):
                let values = try JSONPathEvaluator.values(nodes, [value])
                out += values.map(Self.text).joined(separator: " ")
            case .range(let nodes, let body):
                for element in try JSONPathEvaluator.values(nodes, [value]) { try write(body, element, into: &out) }
            }
        }
    }

    /// Strings as they are, lists and objects as JSON on one line.
    static func text(_ value: JSONValue) -> String {
        switch value.content {
        case .null: ""
        case .string(let text): text
        case .bool, .integer, .number: JSONWriter().text(value)
        // Go's encoder, and so kubectl, keeps out what means something in HTML.
        case .array, .object:
            JSONWriter(sortsKeys: true).text(value).replacing("<", with: "\\u003c")
                .replacing(">", with: "\\u003e").replacing("&", with: "\\u0026")
        }
    }
}
