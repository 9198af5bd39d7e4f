import JSON

/// What core/v1.PersistentVolumeClaim says: the storage that pods of a namespace want.
public struct PersistentVolumeClaim: Hashable, Sendable {
    public enum Phase: String, Hashable, Sendable {
        case pending = "Pending"
        case bound = "Bound"
        /// Its volume is gone.
        case lost = "Lost"
    }

    public var request: Quantity
    public var accessModes: Set<AccessMode>
    public var storageClass: String
    /// By labels of the volume; nil for any.
    public var selector: LabelRequirements?
    /// The volume that it has, or asks for; empty for any.
    public var volumeName: String
    public var phase = Phase.pending
    /// Why it is not bound, for people.
    public var message = ""
    /// The manifest's, for printing.
    var spec: JSONObject

    public init(
        request: Quantity, accessModes: Set<AccessMode>, storageClass: String = "",
        selector: LabelRequirements? = nil, volumeName: String = ""
    ) {
        self.request = request
        self.accessModes = accessModes
        self.storageClass = storageClass
        self.selector = selector
        self.volumeName = volumeName
        spec = JSONObject()
    }

    /// Of a spec whose shape was checked.
    init(spec value: JSONValue) {
        self.init(
            request: value["resources"]?.quantities("requests")["storage"] ?? Quantity(0),
            accessModes: AccessMode.all(value), storageClass: value.text("storageClassName") ?? "",
            selector: value["selector"].map { LabelRequirements(selector: $0) },
            volumeName: value.text("volumeName") ?? "")
        spec = value.objectValue ?? JSONObject()
    }

    var json: (spec: JSONValue, status: JSONValue) {
        var object = spec
        if !volumeName.isEmpty { object["volumeName"] = .string(volumeName) }
        var status = JSONObject()
        status.put("message", message)
        status.append("phase", .string(phase.rawValue))
        return (.object(object), .object(status))
    }
}

/// core/v1.PersistentVolumeClaimVolumeSource: what a claim of the pod's namespace is bound to.
public struct ClaimVolumeSource: KubeValue {
    public var claimName: String
    public var readOnly: Bool

    public init(claimName: String, readOnly: Bool = false) {
        self.claimName = claimName
        self.readOnly = readOnly
    }

    public init(_ value: JSONValue) {
        self.init(claimName: value.text("claimName") ?? "", readOnly: value.bool("readOnly") ?? false)
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("claimName", .string(claimName))
        object.put(flag: "readOnly", readOnly)
        return .object(object)
    }
}
