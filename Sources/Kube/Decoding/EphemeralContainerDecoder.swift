import JSON

/// What a request to a pod's `ephemeralcontainers` asks for.
public enum EphemeralContainerDecoder {
    /// A pod has no more of them, so that what is kept of a pod stays bounded.
    public static let limit = 100

    /// The pod's ephemeral containers as they are to be.
    ///
    /// - Parameter request: a Pod, or the part of one, of which only `spec.ephemeralContainers` counts.
    /// - Throws: `PodDecodingError` when it asks for more than to add some, or for what cannot be had.
    public static func decode(
        _ request: JSONValue, _ form: ListForm, of pod: Pod
    ) throws(PodDecodingError) -> [EphemeralContainer] {
        let path = FieldPath().field("spec").field("ephemeralContainers")
        func fail(_ message: String, _ path: FieldPath) -> PodDecodingError {
            PodDecodingError([ManifestIssue(message, at: .none, path: path)])
        }
        guard request.objectValue != nil else { throw fail("expected a Pod, found \(request.kind)", FieldPath()) }
        let asked = path.value(in: request) ?? []
        guard let asked = asked.arrayValue else { throw fail("expected a list, found \(asked.kind)", path) }
        let present = pod.spec.ephemeralContainers
        let values = form == .whole ? asked : merged(present, asked)
        guard values.count <= limit else {
            throw fail("Too many: \(values.count): must have at most \(limit) items", path)
        }

        var pod = pod
        pod.spec.ephemeralContainers = values.map { EphemeralContainer($0) }
        let isNew = { (n: Int) in !present.contains { $0.name == pod.spec.ephemeralContainers[n].name } }
        var walker = SchemaWalker(.manifest)
        for (n, value) in values.enumerated() { walker.object(value, "EphemeralContainer", path[n]) }
        var issues = walker.issues
        if walker.misshapen == 0 {
            var validator = PodValidator(["spec": ["ephemeralContainers": .array(values)]])
            validator.ephemeral(pod.spec, path, isNew: isNew)
            for old in present {
                let same = pod.spec.ephemeralContainers.filter { $0.name == old.name }
                let name = ManifestIssue.quoted(old.name)
                if same.isEmpty {
                    validator.forbidden("existing ephemeral containers \(name) may not be removed", path)
                } else if same.contains(where: { $0.json != old.json }) {
                    validator.forbidden("existing ephemeral containers \(name) may not be changed", path)
                } else if same.count > 1 {
                    validator.duplicate(old.name, path)
                }
            }
            issues += validator.issues
        }
        // Places are those of a text that nobody has: the paths say it.
        issues = issues.map { ManifestIssue($0.message, at: .none, path: $0.path) }
        if !issues.isEmpty { throw PodDecoder.error(issues, omitted: walker.omitted) }
        // In the order in which they came.
        return present + pod.spec.ephemeralContainers.enumerated().filter { isNew($0.offset) }.map(\.element)
    }

    /// The list with a patch: members of an object replace those of the one with its name.
    private static func merged(_ present: [EphemeralContainer], _ patch: [JSONValue]) -> [JSONValue] {
        var values = present.map(\.json)
        for change in patch {
            let name = change["name"]?.stringValue
            guard let name, let n = present.firstIndex(where: { $0.name == name }),
                var object = values[n].objectValue
            else {
                values.append(change)
                continue
            }
            for member in change.objectValue?.members ?? [] {
                object[member.key] = member.value.isNull ? nil : member.value
            }
            values[n] = .object(object)
        }
        return values
    }
}
