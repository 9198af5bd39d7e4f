import JSON

/// core/v1.EnvVar: a value, or where it comes from.
public struct EnvVar: KubeValue {
    public var name: String
    /// May hold `$(OTHER)`. Empty when `valueFrom` is given.
    public var value: String
    public var valueFrom: EnvVarSource?

    public init(name: String, value: String = "", valueFrom: EnvVarSource? = nil) {
        self.name = name
        self.value = value
        self.valueFrom = valueFrom
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", value: value.text("value") ?? "", valueFrom: value.value("valueFrom"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("name", .string(name))
        object.put("value", value)
        object.put("valueFrom", valueFrom)
        return .object(object)
    }
}

/// core/v1.EnvVarSource: exactly one is set after validation.
public struct EnvVarSource: KubeValue {
    public var fieldRef: ObjectFieldSelector?
    public var resourceFieldRef: ResourceFieldSelector?
    /// configMapKeyRef or secretKeyRef.
    public var keyRef: DataKeySelector?
    public var fileKeyRef: FileKeySelector?

    public init(
        fieldRef: ObjectFieldSelector? = nil, resourceFieldRef: ResourceFieldSelector? = nil,
        keyRef: DataKeySelector? = nil, fileKeyRef: FileKeySelector? = nil
    ) {
        self.fileKeyRef = fileKeyRef
        self.fieldRef = fieldRef
        self.resourceFieldRef = resourceFieldRef
        self.keyRef = keyRef
    }

    public init(_ value: JSONValue) {
        self.init(
            fieldRef: value.value("fieldRef"), resourceFieldRef: value.value("resourceFieldRef"),
            keyRef: value["configMapKeyRef"].flatMap { DataKeySelector(.configMap, $0) }
                ?? value["secretKeyRef"].flatMap { DataKeySelector(.secret, $0) },
            fileKeyRef: value.value("fileKeyRef"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        if let keyRef, keyRef.kind == .configMap { object.append("configMapKeyRef", keyRef.json) }
        object.put("fieldRef", fieldRef)
        object.put("fileKeyRef", fileKeyRef)
        object.put("resourceFieldRef", resourceFieldRef)
        if let keyRef, keyRef.kind == .secret { object.append("secretKeyRef", keyRef.json) }
        return .object(object)
    }
}

/// core/v1.ObjectFieldSelector: a field of the pod, `metadata.name` or `metadata.labels['app']`.
public struct ObjectFieldSelector: KubeValue {
    public var apiVersion: String
    public var fieldPath: String

    public init(fieldPath: String) {
        apiVersion = "v1"
        self.fieldPath = fieldPath
    }

    public init(_ value: JSONValue) {
        fieldPath = value.text("fieldPath") ?? ""
        apiVersion = value.text("apiVersion") ?? "v1"
    }

    public var json: JSONValue {
        .object(
            JSONObject([
                .init(key: "apiVersion", value: .string(apiVersion)),
                .init(key: "fieldPath", value: .string(fieldPath)),
            ]))
    }
}

/// core/v1.FileKeySelector: a variable of a file in an emptyDir, which an init container wrote.
public struct FileKeySelector: KubeValue {
    public var volumeName: String
    /// Relative to the volume.
    public var path: String
    public var key: String
    public var optional: Bool?

    public init(volumeName: String, path: String, key: String, optional: Bool? = nil) {
        self.volumeName = volumeName
        self.path = path
        self.key = key
        self.optional = optional
    }

    public init(_ value: JSONValue) {
        self.init(
            volumeName: value.text("volumeName") ?? "", path: value.text("path") ?? "", key: value.text("key") ?? "",
            optional: value.bool("optional"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("key", .string(key))
        object.put("optional", optional)
        object.append("path", .string(path))
        object.append("volumeName", .string(volumeName))
        return .object(object)
    }
}

/// core/v1.ResourceFieldSelector: `limits.cpu`, `requests.memory`, in units of `divisor`, rounded up.
public struct ResourceFieldSelector: KubeValue {
    /// The container asked for; nil is the one that has the variable.
    public var containerName: String?
    public var resource: String
    /// Zero counts as one.
    public var divisor: Quantity

    public init(resource: String, containerName: String? = nil, divisor: Quantity = Quantity(0)) {
        self.containerName = containerName
        self.resource = resource
        self.divisor = divisor
    }

    public init(_ value: JSONValue) {
        self.init(
            resource: value.text("resource") ?? "", containerName: value.text("containerName"),
            divisor: value.quantity("divisor") ?? Quantity(0))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("containerName", containerName)
        object.append("divisor", .string(divisor.description))
        object.append("resource", .string(resource))
        return .object(object)
    }
}
