import JSON

/// One reading of a PersistentVolume or PersistentVolumeClaim whose shape is right, in Kubernetes' words.
struct StorageReader: IssueCollector {
    let root: JSONValue
    private let kind: DataObject.Kind
    var issues: [ManifestIssue] = []

    init(_ root: JSONValue, _ kind: DataObject.Kind) {
        self.root = root
        self.kind = kind
    }

    mutating func read() -> DataObject {
        var object = DataObject(kind, metadata(isNamespaced: kind == .claim))
        let spec = FieldPath().field("spec")
        if kind == .volume { object.volume = volume(spec) } else { object.claim = claim(spec) }
        return object
    }

    // MARK: Volumes

    private mutating func volume(_ path: FieldPath) -> PersistentVolume {
        let value = path.value(in: root) ?? .null
        let volume = PersistentVolume(spec: value)
        modes(value, path.field("accessModes"), "")
        className(value, path.field("storageClassName"))
        let capacity = path.field("capacity")
        let amounts = value.quantities("capacity")
        if amounts.isEmpty {
            required(capacity)
        } else if amounts["storage"] == nil || amounts.count > 1 {
            let found = amounts.keys.sorted().joined(separator: ", ")
            unsupported(found, ["storage"], capacity)
        }
        positive(amounts["storage"], capacity.key("storage"))
        source(value, volume, path)
        if let claim = value["claimRef"] {
            let path = path.field("claimRef")
            name(claim.text("name") ?? "", path.field("name"), Names.subdomain)
            if let namespace = claim.text("namespace") { name(namespace, path.field("namespace"), Names.label) }
        }
        nodes(value["nodeAffinity"], path.field("nodeAffinity"))
        return volume
    }

    private mutating func source(_ value: JSONValue, _ volume: PersistentVolume, _ path: FieldPath) {
        let found = (["hostPath", "local"] + StorageSchema.foreignSources).filter {
            value[$0].map { !$0.isNull } ?? false
        }
        if found.isEmpty { return required(path, "must specify a volume type") }
        if found.count > 1 { return forbidden("may not specify more than 1 volume type", path.field(found[1])) }
        let place: String
        switch volume.source {
        case .local(let path): place = path
        case .hostPath(let source): place = source.path
        }
        guard found[0] == "local" || found[0] == "hostPath" else { return }
        let field = path.field(found[0]).field("path")
        if place.isEmpty {
            required(field)
        } else if place.split(separator: "/").contains("..") {
            invalid(place, "must not contain '..'", field)
        } else if !place.utf8.starts(with: "/".utf8) {
            invalid(place, "must be an absolute path", field)
        }
        if found[0] == "local", value["nodeAffinity"]?.objectValue == nil {
            required(path.field("nodeAffinity"), "Local volume requires node affinity")
        }
    }

    private mutating func nodes(_ value: JSONValue?, _ path: FieldPath) {
        guard let value, value.objectValue != nil else { return }
        let required = path.field("required")
        guard let selector = value["required"], selector.objectValue != nil else {
            return self.required(required, "must specify required node constraints")
        }
        let path = required.field("nodeSelectorTerms")
        guard let terms = selector["nodeSelectorTerms"]?.arrayValue, !terms.isEmpty else {
            return self.required(path, "must have at least one node selector term")
        }
        for (n, term) in terms.enumerated() { expressions(term, path[n].field("matchExpressions")) }
    }

    // MARK: Claims

    private mutating func claim(_ path: FieldPath) -> PersistentVolumeClaim {
        let value = path.value(in: root) ?? .null
        modes(value, path.field("accessModes"), "at least 1 access mode is required")
        className(value, path.field("storageClassName"))
        let requests = path.field("resources").field("requests")
        let request = value["resources"]?.quantities("requests")["storage"]
        if request == nil { required(requests.key("storage")) }
        positive(request, requests.key("storage"))
        if let selector = value["selector"], selector.objectValue != nil {
            let path = path.field("selector")
            for (key, label) in selector.stringMap("matchLabels").sorted(by: { $0.key < $1.key }) {
                if let wrong = Names.qualifiedName(key) { invalid(key, wrong, path.field("matchLabels").key(key)) }
                if let wrong = Names.labelValue(label) { invalid(label, wrong, path.field("matchLabels").key(key)) }
            }
            expressions(selector, path.field("matchExpressions"))
        }
        if let volume = value.text("volumeName") { name(volume, path.field("volumeName"), Names.subdomain) }
        return PersistentVolumeClaim(spec: value)
    }

    // MARK: Both

    private mutating func expressions(_ value: JSONValue, _ path: FieldPath) {
        for (n, expression) in (value["matchExpressions"]?.arrayValue ?? []).enumerated() {
            let path = path[n]
            name(expression.text("key") ?? "", path.field("key"), Names.qualifiedName)
            guard let choice: LabelRequirements.Operator = expression.choice("operator") else {
                // One that is none is complained about where its values are.
                if expression.text("operator") == nil { required(path.field("operator")) }
                continue
            }
            let isEmpty = expression.strings("values").isEmpty
            switch choice {
            case .in, .notIn:
                if isEmpty {
                    required(path.field("values"), "must be specified when `operator` is 'In' or 'NotIn'")
                }
            case .exists, .doesNotExist:
                if !isEmpty {
                    let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                    add("Forbidden: \(detail)", path.field("values"))
                }
            }
        }
    }

    private mutating func modes(_ value: JSONValue, _ path: FieldPath, _ detail: String) {
        let modes = value.strings("accessModes")
        if modes.isEmpty { required(path, detail) }
        let known = AccessMode.allCases.map(\.rawValue).sorted()
        for (n, mode) in modes.enumerated() where !known.contains(mode) {
            let list = known.map { "\"\($0)\"" }.joined(separator: ", ")
            add("Unsupported value: \(ManifestIssue.quoted(mode)): supported values: \(list)", path[n])
        }
        if modes.count > 1, modes.contains(AccessMode.readWriteOncePod.rawValue) {
            add("Forbidden: may not use ReadWriteOncePod with other access modes", path)
        }
    }

    private mutating func className(_ value: JSONValue, _ path: FieldPath) {
        if let text = value.text("storageClassName") { name(text, path, Names.subdomain) }
    }

    private mutating func positive(_ amount: Quantity?, _ path: FieldPath) {
        guard let amount, amount.isNegative || amount.isZero else { return }
        invalid(amount.description, "must be greater than zero", path)
    }
}
