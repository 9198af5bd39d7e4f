import JSON

/// What pods use beside them: core/v1.ConfigMap and core/v1.Secret, which are named data, core/v1.PersistentVolume and
/// core/v1.PersistentVolumeClaim.
public struct DataObject: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable, Comparable {
        case configMap = "ConfigMap"
        case volume = "PersistentVolume"
        case claim = "PersistentVolumeClaim"
        case secret = "Secret"

        /// As messages and command lines name it.
        public var word: String { rawValue.lowercased() }
        /// It belongs to a namespace.
        public var isNamespaced: Bool { self != .volume }
        public static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
    }

    /// What one object at a time may have on a node.
    public struct Key: Hashable, Sendable, Comparable, CustomStringConvertible {
        public var kind: Kind
        /// Empty for a PersistentVolume.
        public var namespace: String
        public var name: String

        public init(_ kind: Kind, namespace: String, name: String) {
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }

        public static func < (a: Key, b: Key) -> Bool {
            (a.kind, a.namespace, a.name) < (b.kind, b.namespace, b.name)
        }
        public var description: String { kind.word + " " + (kind.isNamespaced ? "\(namespace)/" : "") + name }
    }

    public var kind: Kind
    public var metadata: ObjectMeta
    /// A Secret's whole data; of a ConfigMap what is text.
    public var data: [String: [UInt8]]
    /// Only of a ConfigMap: what need not be text.
    public var binaryData: [String: [UInt8]]
    /// Only of a Secret.
    public var type: String?
    public var isImmutable: Bool
    /// Of a PersistentVolume, and only of one.
    public var volume: PersistentVolume?
    /// Of a PersistentVolumeClaim, and only of one.
    public var claim: PersistentVolumeClaim?

    public init(
        _ kind: Kind, _ metadata: ObjectMeta, data: [String: [UInt8]] = [:], binaryData: [String: [UInt8]] = [:],
        type: String? = nil, isImmutable: Bool = false
    ) {
        self.kind = kind
        self.metadata = metadata
        self.data = data
        self.binaryData = binaryData
        self.type = type ?? (kind == .secret ? SecretType.opaque : nil)
        self.isImmutable = isImmutable
    }

    public var key: Key { Key(kind, namespace: metadata.namespace, name: metadata.name) }

    /// What a volume shows of it, by key.
    public var files: [String: [UInt8]] { data.merging(binaryData) { text, _ in text } }

    /// The object for the node's own API. A Secret's values are not in it, only how long each is: no base64, so that
    /// nothing takes it for the Secret itself.
    public var shown: JSONValue {
        func map(_ entries: [String: [UInt8]], _ show: ([UInt8]) -> String) -> JSONValue {
            .object(
                JSONObject(
                    entries.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .string(show($0.value))) }))
        }
        var object = JSONObject()
        object.append("apiVersion", "v1")
        if let (spec, status) = volume?.json ?? claim?.json {
            object.append("kind", .string(kind.rawValue))
            object.append("metadata", metadata.json)
            object.append("spec", spec)
            object.append("status", status)
            return .object(object)
        }
        if !binaryData.isEmpty { object.append("binaryData", map(binaryData, Self.length)) }
        if !data.isEmpty {
            let text: ([UInt8]) -> String =
                kind == .secret ? { Self.length($0) } : { String(decoding: $0, as: UTF8.self) }
            object.append("data", map(data, text))
        }
        if isImmutable { object.append("immutable", true) }
        object.append("kind", .string(kind.rawValue))
        object.append("metadata", metadata.json)
        object.put("type", type)
        return .object(object)
    }

    /// The credentials for registries that a Secret of such a type holds, as `docker login` writes them; nil for
    /// others.
    public var dockerConfiguration: String? {
        switch type {
        case SecretType.dockerConfiguration:
            return data[".dockerconfigjson"].map { String(decoding: $0, as: UTF8.self) }
        case SecretType.oldDockerConfiguration:
            // The old form is the list of registries alone.
            return data[".dockercfg"].map { "{\"auths\":" + String(decoding: $0, as: UTF8.self) + "}" }
        default: return nil
        }
    }

    private static func length(_ bytes: [UInt8]) -> String { "<\(bytes.count) bytes>" }
}

/// Never with a value of it.
extension DataObject: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(key)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// The types of Secrets that Kubernetes knows.
public enum SecretType {
    public static let opaque = "Opaque"
    public static let dockerConfiguration = "kubernetes.io/dockerconfigjson"
    public static let oldDockerConfiguration = "kubernetes.io/dockercfg"

    /// The keys that a Secret of the type must have; of `basic-auth` one is enough.
    static func keys(_ type: String) -> [String] {
        switch type {
        case dockerConfiguration: [".dockerconfigjson"]
        case oldDockerConfiguration: [".dockercfg"]
        case "kubernetes.io/basic-auth": ["username", "password"]
        case "kubernetes.io/ssh-auth": ["ssh-privatekey"]
        case "kubernetes.io/tls": ["tls.crt", "tls.key"]
        default: []
        }
    }
}
