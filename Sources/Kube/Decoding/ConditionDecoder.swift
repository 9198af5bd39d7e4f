import Base
import JSON

/// What a request to a pod's `status` asks for: conditions of others than the node, such as readiness gates.
public enum ConditionDecoder {
    /// A pod has no more of them, so that what is kept of a pod stays bounded.
    public static let limit = 50
    /// What a condition's message may have, in bytes.
    static let messageLimit = 32 << 10

    /// The conditions of others as they are to be.
    ///
    /// - Parameters:
    ///   - request: a Pod, or the part of one, of which only `status.conditions` counts.
    ///   - present: those that others have set so far.
    ///   - now: the time of those whose status changes, unless the request says one.
    /// - Throws: `PodDecodingError` when it asks for what cannot be had.
    public static func decode(
        _ request: JSONValue, _ form: ListForm, beside present: [PodCondition], now: Timestamp
    ) throws(PodDecodingError) -> [PodCondition] {
        let path = FieldPath().field("status").field("conditions")
        var reader = Reader(root: request)
        guard request.objectValue != nil else {
            reader.add("expected a Pod, found \(request.kind)", FieldPath())
            throw reader.error
        }
        let asked = path.value(in: request) ?? []
        guard let asked = asked.arrayValue else {
            reader.add("expected a list, found \(asked.kind)", path)
            throw reader.error
        }
        var wanted = form == .whole ? [] : present
        var seen: Set<String> = []
        for (n, value) in asked.enumerated() {
            let place = path[n]
            let type = value.text("type") ?? ""
            // Who sends the whole status back sends what the node says, too.
            if form == .whole, PodCondition.ofNode.contains(type) { continue }
            if !seen.insert(type).inserted, !type.isEmpty { reader.duplicate(type, place.field("type")) }
            if form == .strategic, value["$patch"]?.stringValue == "delete" {
                wanted.removeAll { $0.type == type }
                continue
            }
            guard var condition = reader.condition(value, place) else { continue }
            let old = present.first { $0.type == type }
            if condition.lastTransitionTime == nil {
                condition.lastTransitionTime = old?.status == condition.status ? old?.lastTransitionTime : now
            }
            if let i = wanted.firstIndex(where: { $0.type == type }) {
                wanted[i] = condition
            } else {
                wanted.append(condition)
            }
        }
        if wanted.count > limit { reader.add("Too many: \(wanted.count): must have at most \(limit) items", path) }
        guard reader.issues.isEmpty else { throw reader.error }
        return wanted
    }

    /// One reading of a request. Places in its text are those of a text that nobody has: the paths say it.
    private struct Reader: IssueCollector {
        let root: JSONValue
        var issues: [ManifestIssue] = []

        var error: PodDecodingError {
            PodDecoder.error(issues.map { ManifestIssue($0.message, at: .none, path: $0.path) }, omitted: 0)
        }

        mutating func condition(_ value: JSONValue, _ path: FieldPath) -> PodCondition? {
            var walker = SchemaWalker(.reading)
            walker.object(value, "PodCondition", path)
            issues += walker.issues
            guard walker.misshapen == 0 else { return nil }
            let condition = PodCondition(value)
            name(condition.type, path.field("type"), Names.qualifiedName)
            if PodCondition.ofNode.contains(condition.type) {
                forbidden("the node says this itself", path.field("type"))
            }
            let states = ConditionStatus.allCases.map(\.rawValue).sorted()
            if let status = value.text("status") {
                if !states.contains(status) { unsupported(status, states, path.field("status")) }
            } else {
                required(path.field("status"))
            }
            if (condition.reason?.utf8.count ?? 0) > 1024 {
                add("Too long: may not be more than 1024 bytes", path.field("reason"))
            }
            if (condition.message?.utf8.count ?? 0) > ConditionDecoder.messageLimit {
                add("Too long: may not be more than \(ConditionDecoder.messageLimit) bytes", path.field("message"))
            }
            return condition
        }
    }
}
