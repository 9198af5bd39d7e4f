import JSON

/// The Linux part of a container's configuration.
public struct RuntimeLinux: Sendable, Hashable {
    public var namespaces: [RuntimeNamespace]
    public var devices: [RuntimeDevice]
    public var cgroupsPath: String?
    public var resources: RuntimeResources
    /// `private`, `rprivate`, `slave`, `rslave`, `shared`, `rshared`; nil means `rprivate`.
    public var rootfsPropagation: String?
    public var maskedPaths: [String]
    public var readonlyPaths: [String]
    /// The profile as it stands; the agent compiles it (module Seccomp).
    public var seccomp: JSONValue?
    public var sysctl: [String: String]

    public init() {
        namespaces = []
        devices = []
        resources = RuntimeResources()
        maskedPaths = []
        readonlyPaths = []
        sysctl = [:]
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path,
            keys: [
                "namespaces", "devices", "cgroupsPath", "resources", "rootfsPropagation", "maskedPaths",
                "readonlyPaths", "seccomp", "sysctl",
            ],
            refused: [
                "uidMappings", "gidMappings", "intelRdt", "personality", "timeOffsets", "mountLabel",
                "memoryPolicy", "netDevices",
            ])
        namespaces = try reader.list("namespaces") { (value, path) throws(JSONError) in
            try RuntimeNamespace(json: value, at: path)
        }
        devices = try reader.list("devices") { (value, path) throws(JSONError) in
            try RuntimeDevice(json: value, at: path)
        }
        cgroupsPath = try reader.string("cgroupsPath")
        resources =
            try reader["resources"].map { (value) throws(JSONError) in
                try RuntimeResources(json: value, at: reader.join("resources"))
            } ?? RuntimeResources()
        rootfsPropagation = try reader.string("rootfsPropagation")
        maskedPaths = try reader.strings("maskedPaths")
        readonlyPaths = try reader.strings("readonlyPaths")
        seccomp = reader["seccomp"]
        sysctl = try reader.stringMap("sysctl")
    }

    var json: JSONValue {
        var object = JSONObject()
        if !namespaces.isEmpty { object.append("namespaces", .array(namespaces.map(\.json))) }
        if !devices.isEmpty { object.append("devices", .array(devices.map(\.json))) }
        object.append("cgroupsPath", ifPresent: cgroupsPath.map { .string($0) })
        object.append("resources", ifPresent: resources.json)
        object.append("rootfsPropagation", ifPresent: rootfsPropagation.map { .string($0) })
        object.append("maskedPaths", ifPresent: .nonEmpty(maskedPaths))
        object.append("readonlyPaths", ifPresent: .nonEmpty(readonlyPaths))
        object.append("seccomp", ifPresent: seccomp)
        object.append("sysctl", ifPresent: .nonEmpty(sysctl))
        return .object(object)
    }
}
