import JSON

/// core/v1.VolumeMount.
public struct VolumeMount: KubeValue {
    public var name: String
    public var mountPath: String
    public var readOnly: Bool
    /// Nil is Disabled: what is mounted below a read-only volume stays as it is.
    public var recursiveReadOnly: RecursiveReadOnlyMode?
    /// The part of the volume that is mounted, relative to it; empty for all of it.
    public var subPath: String
    /// The same with `$(NAME)` of the container's variables in it.
    public var subPathExpr: String
    public var mountPropagation: MountPropagationMode?

    public init(name: String, mountPath: String, readOnly: Bool = false, subPath: String = "") {
        self.name = name
        self.mountPath = mountPath
        self.readOnly = readOnly
        self.subPath = subPath
        subPathExpr = ""
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", mountPath: value.text("mountPath") ?? "",
            readOnly: value.bool("readOnly") ?? false, subPath: value.text("subPath") ?? "")
        subPathExpr = value.text("subPathExpr") ?? ""
        recursiveReadOnly = value.choice("recursiveReadOnly")
        mountPropagation = value.choice("mountPropagation")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("mountPath", .string(mountPath))
        object.put("mountPropagation", mountPropagation)
        object.append("name", .string(name))
        object.put(flag: "readOnly", readOnly)
        object.put("recursiveReadOnly", recursiveReadOnly)
        object.put("subPath", subPath)
        object.put("subPathExpr", subPathExpr)
        return .object(object)
    }

    /// Every kernel that this node runs on can do it: where it is possible it is done.
    public var isRecursivelyReadOnly: Bool {
        readOnly && (recursiveReadOnly == .enabled || recursiveReadOnly == .ifPossible)
    }
}

/// Whether what is mounted below a read-only volume is read-only, too.
public enum RecursiveReadOnlyMode: String, Sendable, Hashable, CaseIterable {
    case disabled = "Disabled"
    case enabled = "Enabled"
    case ifPossible = "IfPossible"
}

/// Whether mounts that are made later below a volume are seen on the other side.
public enum MountPropagationMode: String, Sendable, Hashable, CaseIterable {
    case none = "None"
    case hostToContainer = "HostToContainer"
    case bidirectional = "Bidirectional"
}
