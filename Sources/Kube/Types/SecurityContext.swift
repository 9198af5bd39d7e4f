import JSON

/// core/v1.SecurityContext: of one container; goes before the pod's.
public struct SecurityContext: KubeValue {
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var runAsNonRoot: Bool?
    public var privileged: Bool?
    public var readOnlyRootFilesystem: Bool?
    public var allowPrivilegeEscalation: Bool?
    public var capabilities: Capabilities?
    public var seccompProfile: SeccompProfile?
    public var appArmorProfile: AppArmorProfile?

    public init() {}

    public init(_ value: JSONValue) {
        runAsUser = value.integer("runAsUser")
        runAsGroup = value.integer("runAsGroup")
        runAsNonRoot = value.bool("runAsNonRoot")
        privileged = value.bool("privileged")
        readOnlyRootFilesystem = value.bool("readOnlyRootFilesystem")
        allowPrivilegeEscalation = value.bool("allowPrivilegeEscalation")
        capabilities = value.value("capabilities")
        seccompProfile = value.value("seccompProfile")
        appArmorProfile = value.value("appArmorProfile")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("allowPrivilegeEscalation", allowPrivilegeEscalation)
        object.put("appArmorProfile", appArmorProfile)
        object.put("capabilities", capabilities)
        object.put("privileged", privileged)
        object.put("readOnlyRootFilesystem", readOnlyRootFilesystem)
        object.put("runAsGroup", runAsGroup)
        object.put("runAsNonRoot", runAsNonRoot)
        object.put("runAsUser", runAsUser)
        object.put("seccompProfile", seccompProfile)
        return .object(object)
    }
}

/// core/v1.PodSecurityContext: for all containers of a pod.
public struct PodSecurityContext: KubeValue {
    public var runAsUser: Int64?
    public var runAsGroup: Int64?
    public var runAsNonRoot: Bool?
    public var seccompProfile: SeccompProfile?
    public var appArmorProfile: AppArmorProfile?
    /// The group that volumes are handed to; every container's user is in it.
    public var fsGroup: Int64?
    public var supplementalGroups: [Int64]
    public var supplementalGroupsPolicy: SupplementalGroupsPolicy?
    public var sysctls: [Sysctl]
    /// Fields without effect here, kept for printing.
    public var carried: JSONObject

    /// Nil is Always.
    public var fsGroupChangePolicy: FSGroupChangePolicy?

    static let carriedFields: Set<String> = ["seLinuxChangePolicy"]

    public init() {
        supplementalGroups = []
        sysctls = []
        carried = JSONObject()
    }

    public init(_ value: JSONValue) {
        fsGroup = value.integer("fsGroup")
        fsGroupChangePolicy = value.choice("fsGroupChangePolicy")
        supplementalGroups = value["supplementalGroups"]?.arrayValue?.compactMap(\.integerValue) ?? []
        supplementalGroupsPolicy = value.choice("supplementalGroupsPolicy")
        sysctls = value.values("sysctls")
        carried = value.members(Self.carriedFields)
        runAsUser = value.integer("runAsUser")
        runAsGroup = value.integer("runAsGroup")
        runAsNonRoot = value.bool("runAsNonRoot")
        seccompProfile = value.value("seccompProfile")
        appArmorProfile = value.value("appArmorProfile")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("appArmorProfile", appArmorProfile)
        object.put("fsGroup", fsGroup)
        object.put("fsGroupChangePolicy", fsGroupChangePolicy)
        object.put("runAsGroup", runAsGroup)
        object.put("runAsNonRoot", runAsNonRoot)
        object.put("runAsUser", runAsUser)
        object.put("seccompProfile", seccompProfile)
        if !supplementalGroups.isEmpty {
            object.append("supplementalGroups", .array(supplementalGroups.map { .integer($0) }))
        }
        object.put("supplementalGroupsPolicy", supplementalGroupsPolicy)
        object.put("sysctls", sysctls)
        object.put(carried: carried)
        return .object(object)
    }
}

/// Whether a user has the groups of the image's /etc/group beside those of the manifest.
public enum SupplementalGroupsPolicy: String, Sendable, Hashable, CaseIterable {
    case merge = "Merge"
    case strict = "Strict"
}

/// core/v1.Capabilities: added to and dropped from the usual set. Names stand without `CAP_`; `ALL` is all.
public struct Capabilities: KubeValue {
    public var add: [String]
    public var drop: [String]

    public init(add: [String] = [], drop: [String] = []) {
        self.add = add
        self.drop = drop
    }

    public init(_ value: JSONValue) { self.init(add: value.strings("add"), drop: value.strings("drop")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("add", add)
        object.put("drop", drop)
        return .object(object)
    }
}

/// core/v1.SeccompProfile.
public struct SeccompProfile: KubeValue {
    public enum ProfileType: String, Sendable, Hashable, CaseIterable {
        case runtimeDefault = "RuntimeDefault"
        case unconfined = "Unconfined"
        /// A profile file of the node.
        case localhost = "Localhost"
    }
    public var type: ProfileType
    /// With `localhost`: the file, relative to the node's folder of profiles.
    public var localhostProfile: String?

    public init(type: ProfileType, localhostProfile: String? = nil) {
        self.type = type
        self.localhostProfile = localhostProfile
    }

    public init(_ value: JSONValue) {
        self.init(type: value.choice("type") ?? .runtimeDefault, localhostProfile: value.text("localhostProfile"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("localhostProfile", localhostProfile)
        object.append("type", .string(type.rawValue))
        return .object(object)
    }
}

/// Whether a volume that outlives its pods is handed to the pod's group each time.
public enum FSGroupChangePolicy: String, Sendable, Hashable, CaseIterable {
    case always = "Always"
    /// Only when the volume's own folder is not the group's.
    case onRootMismatch = "OnRootMismatch"
}
