import Base
import JSON

/// core/v1.ContainerStatus.
public struct ContainerStatus: KubeValue {
    public var name: String
    public var state: ContainerState
    /// The state before, once a container has ended.
    public var lastState: ContainerState?
    public var ready: Bool
    public var restartCount: Int32
    public var image: String
    public var imageID: String
    /// `swiftlet://<id>`; nil while there is none.
    public var containerID: String?
    public var started: Bool?
    public var allocatedResources: [String: Quantity]
    public var resources: ResourceRequirements?
    /// The signal it is asked to end by, where the manifest names one.
    public var stopSignal: String?
    public var user: LinuxContainerUser?
    public var volumeMounts: [VolumeMountStatus]

    public init(name: String, image: String, state: ContainerState = .waiting(ContainerStateWaiting())) {
        self.name = name
        self.image = image
        self.state = state
        ready = false
        restartCount = 0
        imageID = ""
        allocatedResources = [:]
        volumeMounts = []
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", image: value.text("image") ?? "",
            state: value["state"].flatMap { ContainerState($0) } ?? .waiting(ContainerStateWaiting()))
        lastState = value["lastState"].flatMap { ContainerState($0) }
        ready = value.bool("ready") ?? false
        restartCount = Int32(clamping: value.integer("restartCount") ?? 0)
        imageID = value.text("imageID") ?? ""
        containerID = value.text("containerID")
        started = value.bool("started")
        allocatedResources = value.quantities("allocatedResources")
        resources = value.value("resources")
        stopSignal = value.text("stopSignal")
        user = value["user"]?.value("linux")
        volumeMounts = value.values("volumeMounts")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("allocatedResources", allocatedResources)
        object.put("containerID", containerID)
        object.append("image", .string(image))
        object.append("imageID", .string(imageID))
        object.append("lastState", lastState?.json ?? [:])
        object.append("name", .string(name))
        object.append("ready", .bool(ready))
        object.put("resources", resources)
        object.append("restartCount", .integer(restartCount))
        object.put("started", started)
        object.append("state", state.json)
        object.put("stopSignal", stopSignal)
        if let user { object.append("user", ["linux": user.json]) }
        object.put("volumeMounts", volumeMounts)
        return .object(object)
    }
}

/// core/v1.LinuxContainerUser: whom the container's first process runs as.
public struct LinuxContainerUser: KubeValue {
    public var uid: Int64
    public var gid: Int64
    public var supplementalGroups: [Int64]

    public init(uid: Int64, gid: Int64, supplementalGroups: [Int64] = []) {
        self.uid = uid
        self.gid = gid
        self.supplementalGroups = supplementalGroups
    }

    public init(_ value: JSONValue) {
        self.init(
            uid: value.integer("uid") ?? 0, gid: value.integer("gid") ?? 0,
            supplementalGroups: value["supplementalGroups"]?.arrayValue?.compactMap(\.integerValue) ?? [])
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("gid", .integer(gid))
        if !supplementalGroups.isEmpty {
            object.append("supplementalGroups", .array(supplementalGroups.map { .integer($0) }))
        }
        object.append("uid", .integer(uid))
        return .object(object)
    }
}

/// core/v1.VolumeMountStatus.
public struct VolumeMountStatus: KubeValue {
    public var name: String
    public var mountPath: String
    public var readOnly: Bool
    /// Of a read-only mount, whether what is mounted below is so, too.
    public var recursiveReadOnly: RecursiveReadOnlyMode?

    public init(
        name: String, mountPath: String, readOnly: Bool = false, recursiveReadOnly: RecursiveReadOnlyMode? = nil
    ) {
        self.name = name
        self.mountPath = mountPath
        self.readOnly = readOnly
        self.recursiveReadOnly = recursiveReadOnly
    }

    /// What was done of what was asked for.
    public init(_ mount: VolumeMount) {
        self.init(
            name: mount.name, mountPath: mount.mountPath, readOnly: mount.readOnly,
            recursiveReadOnly: mount.readOnly ? (mount.isRecursivelyReadOnly ? .enabled : .disabled) : nil)
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", mountPath: value.text("mountPath") ?? "",
            readOnly: value.bool("readOnly") ?? false, recursiveReadOnly: value.choice("recursiveReadOnly"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("mountPath", .string(mountPath))
        object.append("name", .string(name))
        object.put(flag: "readOnly", readOnly)
        object.put("recursiveReadOnly", recursiveReadOnly)
        return .object(object)
    }
}
