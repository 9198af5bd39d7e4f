import Base
import JSON

/// Checks a value against the schema: unknown fields, types, few-valued fields, refused fields.
struct SchemaWalker {
    enum Mode: Sendable {
        /// A manifest: everything is checked.
        case manifest
        /// An object of our own API: only types are checked, what is unknown is left out.
        case reading
    }

    let mode: Mode
    var issues: [ManifestIssue] = []
    var withoutEffect: [ManifestIssue] = []
    /// How many issues are about the shape rather than about what is not carried out.
    var misshapen = 0
    /// Issues that there was no room for: a hostile manifest fills no memory with them.
    var omitted = 0

    init(_ mode: Mode) { self.mode = mode }

    private var isFull: Bool { issues.count >= 10 * PodDecoder.issueLimit }

    private mutating func add(_ message: String, at position: SourcePosition, _ path: FieldPath) {
        if isFull {
            omitted += 1
        } else {
            issues.append(ManifestIssue(message, at: position, path: path))
        }
    }

    private mutating func wrong(_ message: String, at position: SourcePosition, _ path: FieldPath) {
        misshapen += 1
        add(message, at: position, path)
    }

    /// - Parameter isActive: false below a field without effect, where only the shape counts.
    mutating func object(_ value: JSONValue, _ type: String, _ path: FieldPath, isActive: Bool = true) {
        guard let object = value.objectValue else {
            return wrong("expected an object, found \(value.kind)", at: value.position, path)
        }
        let fields = PodSchema.shared.types[type] ?? DataSchema.types[type] ?? StorageSchema.types[type] ?? []
        let isClassed = isActive && mode == .manifest
        let classes = isClassed ? FieldTable.classes[type] ?? StorageSchema.classes[type] : nil
        for member in object.members {
            let path = path.field(member.key)
            guard let field = fields.first(where: { $0.name == member.key }) else {
                if mode == .manifest { unknown(member, fields, path) }
                continue
            }
            // As in Kubernetes null is the same as nothing.
            if member.value.isNull { continue }
            if mode == .manifest, type == "Volume", field.name == "projected", Volume.isAccessToken(value) {
                note(
                    "there is no API server to give it a token; the volume and its mounts are left out", member, path)
                continue
            }
            switch classes?(field.name) {
            case .refused(let reason, let accepted):
                if !accepted.contains(member.value), !Self.isEmpty(member.value) {
                    // Kubernetes' own word stands for itself.
                    let message = reason.hasPrefix("Forbidden: ") ? reason : "not supported: \(reason)"
                    add(message, at: member.keyPosition, path)
                }
            case .withoutEffect(let reason):
                note(reason, member, path)
                // What another version of Kubernetes wrote there is nobody's mistake.
                if field.name != "status" { check(member.value, field.type, path, isActive: false) }
            case .supported, nil:
                if isActive, type == "ResourceRequirements", field.name == "requests" { local(member.value, path) }
                check(member.value, field.type, path, isActive: isActive)
                if mode == .manifest { few(member.value, "\(type).\(field.name)", path) }
            }
        }
    }

    private mutating func note(_ reason: String, _ member: JSONObject.Member, _ path: FieldPath) {
        guard !Self.isEmpty(member.value), withoutEffect.count < 1000 else { return }
        withoutEffect.append(ManifestIssue("without effect here: \(reason)", at: member.keyPosition, path: path))
    }

    /// Requests only place a pod, but for cpu and memory.
    private mutating func local(_ requests: JSONValue, _ path: FieldPath) {
        guard mode == .manifest else { return }
        for member in requests.objectValue?.members ?? [] where member.key == "ephemeral-storage" {
            note(FieldTable.scheduler, member, path.key(member.key))
        }
    }

    private static func isEmpty(_ value: JSONValue) -> Bool {
        value.stringValue?.isEmpty == true || value.arrayValue?.isEmpty == true
    }

    private mutating func unknown(_ member: JSONObject.Member, _ fields: [PodSchema.Field], _ path: FieldPath) {
        var message = "unknown field"
        if !isFull, let close = Spelling.closest(to: member.key, among: fields.map(\.name)) {
            message += " (did you mean \"\(close)\"?)"
        }
        wrong(message, at: member.keyPosition, path)
    }

    private mutating func few(_ value: JSONValue, _ name: String, _ path: FieldPath) {
        guard let values = FieldValues.table[name] ?? StorageSchema.values[name], let text = value.stringValue,
            !text.isEmpty, !values.supported.contains(text)
        else { return }
        if let reason = values.refused[text] {
            add("\(text) is not supported: \(reason)", at: value.position, path)
        } else {
            let list = values.supported.filter { !$0.isEmpty }.map { "\"\($0)\"" }.joined(separator: ", ")
            let message = "Unsupported value: \(ManifestIssue.quoted(text)): supported values: \(list)"
            add(message, at: value.position, path)
        }
    }

    private mutating func check(_ value: JSONValue, _ type: PodSchema.FieldType, _ path: FieldPath, isActive: Bool) {
        func expected(_ what: String, _ hint: String = "") -> String { "expected \(what), found \(value.kind)\(hint)" }
        switch type {
        case .string:
            if let text = value.stringValue {
                // No name, path or argument on Linux can hold it.
                if text.utf8.contains(0) { wrong("contains a NUL byte", at: value.position, path) }
            } else {
                let isScalar = value.arrayValue == nil && value.objectValue == nil && !value.isNull
                wrong(expected("a string", isScalar ? " (put it in quotes)" : ""), at: value.position, path)
            }
        case .bool:
            if value.boolValue == nil { wrong(expected("a boolean"), at: value.position, path) }
        case .int32:
            guard let number = value.integerValue else {
                return wrong(expected("an integer"), at: value.position, path)
            }
            if Int32(exactly: number) == nil {
                wrong("\(number) is outside the range of 32 bits", at: value.position, path)
            }
        case .int64:
            if value.integerValue == nil { wrong(expected("an integer"), at: value.position, path) }
        case .quantity: quantity(value, path)
        case .time:
            guard let text = value.stringValue else { return wrong(expected("a time"), at: value.position, path) }
            if !text.isEmpty, Timestamp(rfc3339: text) == nil {
                wrong("Invalid value: \(ManifestIssue.quoted(text)): not a time of RFC 3339", at: value.position, path)
            }
        case .integerOrString:
            if value.integerValue == nil, value.stringValue == nil {
                wrong(expected("an integer or a string"), at: value.position, path)
            }
        case .anything:
            if value.objectValue == nil { wrong(expected("an object"), at: value.position, path) }
        case .object(let name): object(value, name, path, isActive: isActive)
        case .list(let element):
            guard let elements = value.arrayValue else { return wrong(expected("a list"), at: value.position, path) }
            for (n, value) in elements.enumerated() { check(value, element, path[n], isActive: isActive) }
        case .map(let element):
            guard let object = value.objectValue else { return wrong(expected("an object"), at: value.position, path) }
            for member in object.members where !member.value.isNull {
                check(member.value, element, path.key(member.key), isActive: isActive)
            }
        }
    }

    private mutating func quantity(_ value: JSONValue, _ path: FieldPath) {
        let text: String
        switch value.content {
        case .string(let string): text = string
        case .integer, .number: text = ""
        default: return wrong("expected a quantity, found \(value.kind)", at: value.position, path)
        }
        guard value.quantityValue == nil else { return }
        let hint = "quantities are numbers with a suffix: n u m k M G T P E, Ki Mi Gi Ti Pi Ei, or an exponent"
        wrong("Invalid value: \(ManifestIssue.quoted(text)): \(hint)", at: value.position, path)
    }
}

extension Volume {
    /// Whether `value` is the volume with a service account's token that the API server adds to every pod.
    static func isAccessToken(_ value: JSONValue) -> Bool {
        guard value["name"]?.stringValue?.hasPrefix("kube-api-access-") == true else { return false }
        return value["projected"]?["sources"]?.arrayValue?.contains { $0["serviceAccountToken"] != nil } == true
    }
}
