import JSON

/// core/v1.ConfigMapVolumeSource, SecretVolumeSource, ConfigMapProjection or SecretProjection: values of an object in
/// the pod's namespace as files.
public struct DataVolumeSource: Sendable, Hashable {
    public var kind: DataObject.Kind
    public var name: String
    /// Empty for all of them.
    public var items: [KeyToPath]
    /// nil counts as false.
    public var optional: Bool?

    public init(_ kind: DataObject.Kind, name: String, items: [KeyToPath] = [], optional: Bool? = nil) {
        self.kind = kind
        self.name = name
        self.items = items
        self.optional = optional
    }

    /// - Parameter nameField: what the name is called; in a secret volume, and nowhere else, `secretName`.
    init?(_ kind: DataObject.Kind, _ value: JSONValue?, nameField: String = "name") {
        guard let value, value.objectValue != nil else { return nil }
        self.init(
            kind, name: value.text(nameField) ?? "", items: value.values("items"), optional: value.bool("optional"))
    }

    func json(nameField: String = "name", defaultMode: Int32? = nil) -> JSONValue {
        var object = JSONObject()
        object.put("defaultMode", defaultMode)
        object.put("items", items)
        object.put(nameField, name)
        object.put("optional", optional)
        return .object(object)
    }
}

/// core/v1.KeyToPath: where a value lies in the volume.
public struct KeyToPath: KubeValue {
    public var key: String
    /// Relative to the volume.
    public var path: String
    /// nil for the volume's default.
    public var mode: Int32?

    public init(key: String, path: String, mode: Int32? = nil) {
        self.key = key
        self.path = path
        self.mode = mode
    }

    public init(_ value: JSONValue) {
        self.init(
            key: value.text("key") ?? "", path: value.text("path") ?? "",
            mode: value.integer("mode").map { Int32(clamping: $0) })
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("key", .string(key))
        object.put("mode", mode)
        object.append("path", .string(path))
        return .object(object)
    }
}

/// core/v1.DownwardAPIVolumeFile: something of the pod as a file.
public struct DownwardAPIFile: KubeValue {
    public var path: String
    public var fieldRef: ObjectFieldSelector?
    public var resourceFieldRef: ResourceFieldSelector?
    /// nil for the volume's default.
    public var mode: Int32?

    public init(
        path: String, fieldRef: ObjectFieldSelector? = nil, resourceFieldRef: ResourceFieldSelector? = nil,
        mode: Int32? = nil
    ) {
        self.path = path
        self.fieldRef = fieldRef
        self.resourceFieldRef = resourceFieldRef
        self.mode = mode
    }

    public init(_ value: JSONValue) {
        self.init(
            path: value.text("path") ?? "", fieldRef: value.value("fieldRef"),
            resourceFieldRef: value.value("resourceFieldRef"),
            mode: value.integer("mode").map { Int32(clamping: $0) })
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("fieldRef", fieldRef)
        object.put("mode", mode)
        object.append("path", .string(path))
        object.put("resourceFieldRef", resourceFieldRef)
        return .object(object)
    }
}

/// A volume whose files the agent writes: core/v1.ConfigMapVolumeSource, SecretVolumeSource, DownwardAPIVolumeSource
/// and ProjectedVolumeSource are all lists of sources, three of them of one.
public struct ProjectedFiles: Sendable, Hashable {
    /// The volume's field.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        case configMap
        case downwardAPI
        case projected
        case secret
    }

    /// Exactly one in a valid source.
    public struct Source: Hashable, Sendable {
        public var data: DataVolumeSource?
        public var downwardAPI: [DownwardAPIFile]?

        public init(data: DataVolumeSource) { self.data = data }
        public init(downwardAPI: [DownwardAPIFile]) { self.downwardAPI = downwardAPI }

        init(_ value: JSONValue) {
            data =
                DataVolumeSource(.configMap, value["configMap"]) ?? DataVolumeSource(.secret, value["secret"])
            if data == nil, let files = value["downwardAPI"], files.objectValue != nil {
                downwardAPI = files.values("items")
            }
        }

        var json: JSONValue {
            var object = JSONObject()
            if let data { object.append(data.kind == .secret ? "secret" : "configMap", data.json()) }
            if let downwardAPI { object.append("downwardAPI", ProjectedFiles.json(downwardAPI, mode: nil)) }
            return .object(object)
        }
    }

    public var field: Field
    public var sources: [Source]
    public var defaultMode: Int32

    public init(_ field: Field, _ sources: [Source], defaultMode: Int32 = 0o644) {
        self.field = field
        self.sources = sources
        self.defaultMode = defaultMode
    }

    /// The first of the fields that a volume has.
    init?(volume: JSONValue) {
        for field in Field.allCases {
            guard let value = volume[field.rawValue], value.objectValue != nil else { continue }
            let sources: [Source]
            switch field {
            case .configMap: sources = DataVolumeSource(.configMap, value).map { [Source(data: $0)] } ?? []
            case .secret:
                sources =
                    DataVolumeSource(.secret, value, nameField: "secretName").map { [Source(data: $0)] } ?? []
            case .downwardAPI: sources = [Source(downwardAPI: value.values("items"))]
            case .projected: sources = (value["sources"]?.arrayValue ?? []).map { Source($0) }
            }
            self.init(
                field, sources, defaultMode: value.integer("defaultMode").map { Int32(clamping: $0) } ?? 0o644)
            return
        }
        return nil
    }

    var json: JSONValue {
        switch field {
        case .configMap, .secret:
            let name = field == .secret ? "secretName" : "name"
            return sources.first?.data?.json(nameField: name, defaultMode: defaultMode) ?? [:]
        case .downwardAPI: return Self.json(sources.first?.downwardAPI ?? [], mode: defaultMode)
        case .projected:
            return [
                "defaultMode": .integer(defaultMode), "sources": .array(sources.map(\.json)),
            ]
        }
    }

    private static func json(_ files: [DownwardAPIFile], mode: Int32?) -> JSONValue {
        var object = JSONObject()
        object.put("defaultMode", mode)
        object.put("items", files)
        return .object(object)
    }
}
