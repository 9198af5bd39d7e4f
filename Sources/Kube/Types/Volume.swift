import JSON

/// core/v1.Volume: exactly one source is set after decoding.
public struct Volume: KubeValue {
    public var name: String
    public var emptyDir: EmptyDirVolumeSource?
    public var hostPath: HostPathVolumeSource?
    public var image: ImageVolumeSource?
    /// persistentVolumeClaim.
    public var claim: ClaimVolumeSource?
    /// configMap, secret, downwardAPI or projected.
    public var files: ProjectedFiles?

    public init(
        name: String, emptyDir: EmptyDirVolumeSource? = nil, hostPath: HostPathVolumeSource? = nil,
        image: ImageVolumeSource? = nil, claim: ClaimVolumeSource? = nil, files: ProjectedFiles? = nil
    ) {
        self.name = name
        self.claim = claim
        self.image = image
        self.emptyDir = emptyDir
        self.hostPath = hostPath
        self.files = files
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", emptyDir: value.value("emptyDir"), hostPath: value.value("hostPath"),
            image: value.value("image"), claim: value.value("persistentVolumeClaim"),
            files: ProjectedFiles(volume: value))
    }

    public var json: JSONValue {
        var object = JSONObject()
        if let files, files.field.rawValue < "emptyDir" { object.append(files.field.rawValue, files.json) }
        object.put("emptyDir", emptyDir)
        object.put("hostPath", hostPath)
        object.put("image", image)
        object.append("name", .string(name))
        object.put("persistentVolumeClaim", claim)
        if let files, files.field.rawValue > "emptyDir" { object.append(files.field.rawValue, files.json) }
        return .object(object)
    }

    var hasSource: Bool { emptyDir != nil || hostPath != nil || image != nil || claim != nil || files != nil }

    /// Nothing can write to it, whatever its mounts say.
    public var isReadOnly: Bool { image != nil || files != nil || claim?.readOnly == true }

    /// The ConfigMaps and Secrets that it shows.
    public var dataSources: [DataVolumeSource] { files?.sources.compactMap(\.data) ?? [] }
}

/// core/v1.EmptyDirVolumeSource.
public struct EmptyDirVolumeSource: KubeValue {
    public var medium: StorageMedium
    public var sizeLimit: Quantity?

    public init(medium: StorageMedium = .default, sizeLimit: Quantity? = nil) {
        self.medium = medium
        self.sizeLimit = sizeLimit
    }

    public init(_ value: JSONValue) {
        self.init(medium: value.choice("medium") ?? .default, sizeLimit: value.quantity("sizeLimit"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("medium", medium.rawValue)
        object.put("sizeLimit", sizeLimit)
        return .object(object)
    }
}

/// What an emptyDir lies on.
public enum StorageMedium: String, Sendable, Hashable, CaseIterable {
    case `default` = ""
    case memory = "Memory"
}

/// core/v1.HostPathVolumeSource.
public struct HostPathVolumeSource: KubeValue {
    public var path: String
    public var type: HostPathType

    public init(path: String, type: HostPathType = .unset) {
        self.path = path
        self.type = type
    }

    public init(_ value: JSONValue) {
        self.init(path: value.text("path") ?? "", type: value.choice("type") ?? .unset)
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("path", .string(path))
        // The API server fills the type in, so kubectl always shows it.
        object.append("type", .string(type.rawValue))
        return .object(object)
    }
}

/// What must be, or is made, at a host path.
public enum HostPathType: String, Sendable, Hashable, CaseIterable {
    case unset = ""
    case blockDevice = "BlockDevice"
    case charDevice = "CharDevice"
    case directory = "Directory"
    case directoryOrCreate = "DirectoryOrCreate"
    case file = "File"
    case fileOrCreate = "FileOrCreate"
    case socket = "Socket"
}
