import JSON

/// core/v1.ConfigMapKeySelector or core/v1.SecretKeySelector: a value of an object in the pod's namespace.
public struct DataKeySelector: Sendable, Hashable {
    public var kind: DataObject.Kind
    public var name: String
    public var key: String
    /// nil counts as false.
    public var optional: Bool?

    public init(_ kind: DataObject.Kind, name: String, key: String, optional: Bool? = nil) {
        self.kind = kind
        self.name = name
        self.key = key
        self.optional = optional
    }

    init?(_ kind: DataObject.Kind, _ value: JSONValue) {
        guard value.objectValue != nil else { return nil }
        self.init(
            kind, name: value.text("name") ?? "", key: value.text("key") ?? "", optional: value.bool("optional"))
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("key", .string(key))
        object.put("name", name)
        object.put("optional", optional)
        return .object(object)
    }
}

/// core/v1.EnvFromSource: all values of an object as variables.
public struct EnvFromSource: KubeValue {
    /// Stands before each name.
    public var prefix: String
    /// Nil only before validation.
    public var reference: DataReference?

    public init(_ reference: DataReference, prefix: String = "") {
        self.prefix = prefix
        self.reference = reference
    }

    public init(_ value: JSONValue) {
        prefix = value.text("prefix") ?? ""
        reference =
            value["configMapRef"].flatMap { DataReference(.configMap, $0) }
            ?? value["secretRef"].flatMap { DataReference(.secret, $0) }
    }

    public var json: JSONValue {
        var object = JSONObject()
        if let reference, reference.kind == .configMap { object.append("configMapRef", reference.json) }
        object.put("prefix", prefix)
        if let reference, reference.kind == .secret { object.append("secretRef", reference.json) }
        return .object(object)
    }
}

/// core/v1.ConfigMapEnvSource or core/v1.SecretEnvSource: an object in the pod's namespace.
public struct DataReference: Sendable, Hashable {
    public var kind: DataObject.Kind
    public var name: String
    /// nil counts as false.
    public var optional: Bool?

    public init(_ kind: DataObject.Kind, name: String, optional: Bool? = nil) {
        self.kind = kind
        self.name = name
        self.optional = optional
    }

    init?(_ kind: DataObject.Kind, _ value: JSONValue) {
        guard value.objectValue != nil else { return nil }
        self.init(kind, name: value.text("name") ?? "", optional: value.bool("optional"))
    }

    var json: JSONValue {
        var object = JSONObject()
        object.put("name", name)
        object.put("optional", optional)
        return .object(object)
    }
}
