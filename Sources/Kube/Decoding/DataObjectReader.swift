import Base
import JSON

/// One reading of a ConfigMap or Secret whose shape is right.
struct DataObjectReader: IssueCollector {
    let root: JSONValue
    private let kind: DataObject.Kind
    var issues: [ManifestIssue] = []

    init(_ root: JSONValue, _ kind: DataObject.Kind) {
        self.root = root
        self.kind = kind
    }

    mutating func read() -> DataObject {
        var object = DataObject(
            kind, metadata(isNamespaced: true), type: root.text("type"), isImmutable: root.bool("immutable") ?? false)
        switch kind {
        case .configMap:
            object.data = entries("data", isEncoded: false)
            object.binaryData = entries("binaryData", isEncoded: true)
            for key in object.binaryData.keys.sorted() where object.data[key] != nil {
                invalid(key, "duplicate of key present in data", field("binaryData", key))
            }
        case .secret:
            object.data = entries("data", isEncoded: true)
            // What is written plainly goes before what is encoded, as in the API server.
            object.data.merge(entries("stringData", isEncoded: false)) { _, plain in plain }
            checkType(object)
        case .volume, .claim: break
        }
        let size = object.files.values.reduce(0) { $0 + $1.count }
        if size > DataObjectDecoder.sizeLimit {
            add(
                "Too long: may not be more than \(DataObjectDecoder.sizeLimit) bytes, and has \(size)",
                FieldPath().field("data"))
        }
        return object
    }

    private func field(_ name: String, _ key: String) -> FieldPath { FieldPath().field(name).key(key) }

    private mutating func entries(_ name: String, isEncoded: Bool) -> [String: [UInt8]] {
        var entries: [String: [UInt8]] = [:]
        for member in root[name]?.objectValue?.members ?? [] {
            if let wrong = Names.dataKey(member.key) {
                invalid(member.key, wrong, field(name, member.key))
                continue
            }
            let text = Array((member.value.stringValue ?? "").utf8)
            guard isEncoded else {
                entries[member.key] = text
                continue
            }
            // Lines may be broken, as the API server has it: a block of YAML ends with a new line.
            if let bytes = Base64.decode(text.filter { $0 != 0x0A && $0 != 0x0D }) {
                entries[member.key] = bytes
            } else {
                let plain = kind == .secret ? "stringData" : "data"
                add("Invalid value: not base64; plain text belongs into \(plain)", field(name, member.key))
            }
        }
        return entries
    }

    /// What the types that Kubernetes knows must have.
    private mutating func checkType(_ secret: DataObject) {
        let type = secret.type ?? SecretType.opaque
        let keys = SecretType.keys(type)
        let missing = keys.filter { secret.data[$0] == nil }
        let isOneEnough = type == "kubernetes.io/basic-auth"
        if !missing.isEmpty, !isOneEnough || missing.count == keys.count {
            let list = missing.joined(separator: isOneEnough ? " or " : " and ")
            add("Required value: a Secret of the type \(type) has \(list)", FieldPath().field("data"))
        }
        guard type == SecretType.dockerConfiguration || type == SecretType.oldDockerConfiguration,
            let key = keys.first, let text = secret.data[key]
        else { return }
        // Never with what the parser says: it may quote.
        if (try? JSONParser.parse(text, limits: .init(bytes: 1 << 20, depth: 16)))?.objectValue == nil {
            add("Invalid value: not a JSON object as docker login writes it", field("data", key))
        }
    }
}
