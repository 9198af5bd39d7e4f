import JSON

/// Gathers what is wrong with a manifest, in the API server's words.
protocol IssueCollector {
    /// The manifest, for the places of its fields.
    var root: JSONValue { get }
    var issues: [ManifestIssue] { get set }
}

extension IssueCollector {
    mutating func add(_ message: String, _ path: FieldPath) {
        // Enough to fill every report; a hostile manifest gets no more.
        guard issues.count < 10 * PodDecoder.issueLimit else { return }
        issues.append(ManifestIssue(message, at: path.position(in: root), path: path))
    }
    mutating func required(_ path: FieldPath, _ detail: String = "") {
        add("Required value" + (detail.isEmpty ? "" : ": " + detail), path)
    }
    mutating func invalid(_ value: String, _ detail: String, _ path: FieldPath) {
        add("Invalid value: \(ManifestIssue.quoted(value)): \(detail)", path)
    }
    mutating func invalid(_ value: Int64, _ detail: String, _ path: FieldPath) {
        add("Invalid value: \(value): \(detail)", path)
    }
    mutating func duplicate(_ value: String, _ path: FieldPath) {
        add("Duplicate value: \(ManifestIssue.quoted(value))", path)
    }
    mutating func notFound(_ value: String, _ path: FieldPath) {
        add("Not found: \(ManifestIssue.quoted(value))", path)
    }
    mutating func forbidden(_ detail: String, _ path: FieldPath) { add("Forbidden: \(detail)", path) }
    mutating func unsupported(_ value: String, _ supported: [String], _ path: FieldPath) {
        let list = supported.map { "\"\($0)\"" }.joined(separator: ", ")
        add("Unsupported value: \(ManifestIssue.quoted(value)): supported values: \(list)", path)
    }

    /// A name of the grammar `check`, which must be there.
    mutating func name(_ text: String, _ path: FieldPath, _ check: (String) -> String?) {
        if text.isEmpty {
            required(path)
        } else if let wrong = check(text) {
            invalid(text, wrong, path)
        }
    }

    /// The object's own `metadata`, without what only the API server writes.
    mutating func metadata(isNamespaced: Bool) -> ObjectMeta {
        let path = FieldPath().field("metadata")
        let given = ObjectMeta(root["metadata"] ?? .null)
        name(given.name, path.field("name"), Names.subdomain)
        labels(given.labels, path.field("labels"))
        var namespace = given.namespace
        if isNamespaced {
            if namespace.isEmpty { namespace = "default" }
            name(namespace, path.field("namespace"), Names.label)
        } else if !namespace.isEmpty {
            forbidden("not allowed on this type", path.field("namespace"))
            namespace = ""
        }
        return ObjectMeta(
            name: given.name, namespace: namespace, labels: given.labels, annotations: given.annotations)
    }

    /// Keys and values of `metadata.labels`.
    mutating func labels(_ labels: [String: String], _ path: FieldPath) {
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            if let wrong = Names.qualifiedName(key) { invalid(key, wrong, path.key(key)) }
            if let wrong = Names.labelValue(value) { invalid(value, wrong, path.key(key)) }
        }
    }
}
