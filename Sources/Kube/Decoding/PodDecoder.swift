import JSON

/// A pod as its manifest has it, with defaults filled in.
public struct DecodedPod: Sendable, Hashable {
    public var pod: Pod
    /// The fields of the manifest that do nothing here, with the reason.
    public var withoutEffect: [ManifestIssue]
}

/// Makes pods of values.
public enum PodDecoder {
    /// Issues that one error holds at most.
    public static let issueLimit = 20

    /// A pod from a manifest: every field is known and of its type, none is refused, defaults are filled in and the
    /// whole is valid as the API server sees it.
    ///
    /// - Throws: `PodDecodingError` with all that is wrong.
    public static func decode(_ value: JSONValue) throws(PodDecodingError) -> DecodedPod {
        try checkKind(value)
        var walker = SchemaWalker(.manifest)
        walker.object(value, "Pod", FieldPath())
        var issues = walker.issues
        var pod = Pod(value)
        if walker.misshapen == 0 {
            // Fields that are missing because they were misspelt are not complained about twice.
            PodDefaults.apply(to: &pod, from: value)
            issues += PodValidator.issues(of: pod, from: value)
        }
        if !issues.isEmpty { throw error(issues, omitted: walker.omitted) }
        PodDefaults.leaveOutAccessTokens(of: &pod, from: value)
        return DecodedPod(pod: pod, withoutEffect: walker.withoutEffect)
    }

    /// A pod as this node's own API prints it: types are checked, unknown fields left out, nothing is filled in.
    ///
    /// - Throws: `PodDecodingError` with all that is wrong.
    public static func read(_ value: JSONValue) throws(PodDecodingError) -> Pod {
        try checkKind(value)
        var walker = SchemaWalker(.reading)
        walker.object(value, "Pod", FieldPath())
        if !walker.issues.isEmpty { throw error(walker.issues, omitted: walker.omitted) }
        return Pod(value)
    }

    static func error(_ issues: [ManifestIssue], omitted: Int) -> PodDecodingError {
        // Stable: issues at one place stay in their order.
        let sorted = issues.enumerated().sorted {
            ($0.element.position.line, $0.element.position.column, $0.offset)
                < ($1.element.position.line, $1.element.position.column, $1.offset)
        }.map(\.element)
        return PodDecodingError(Array(sorted.prefix(issueLimit)), omitted: max(0, sorted.count - issueLimit) + omitted)
    }

    private static func checkKind(_ value: JSONValue) throws(PodDecodingError) {
        func fail(_ field: String?, _ message: String) -> PodDecodingError {
            let path = field.map { FieldPath().field($0) } ?? FieldPath()
            return PodDecodingError([ManifestIssue(message, at: path.position(in: value), path: path)])
        }
        guard value.objectValue != nil else { throw fail(nil, "expected a Pod, found \(value.kind)") }
        guard let version = value.text("apiVersion") else { throw fail("apiVersion", "missing; a Pod has \"v1\"") }
        guard let kind = value.text("kind") else { throw fail("kind", "missing; expected \"Pod\"") }
        guard kind == "Pod" else {
            let kinds = (["Pod"] + DataObject.Kind.allCases.map(\.rawValue)).joined(separator: ", ")
            let message = "\(ManifestIssue.quoted(kind)) is not run here; only \(kinds), and List of them"
            throw fail("kind", message)
        }
        guard version == "v1" else {
            throw fail("apiVersion", "\(ManifestIssue.quoted(version)) has no Pod; expected \"v1\"")
        }
    }
}
