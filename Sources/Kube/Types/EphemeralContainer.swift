import JSON

/// core/v1.EphemeralContainer: a container that a pod is given while it runs, to look into it.
public struct EphemeralContainer: KubeValue {
    public var container: Container
    /// Whose processes it sees: it is in this container's pid namespace.
    public var targetContainerName: String?
    /// It was not said when its image is pulled: `container.imagePullPolicy` is the default for the tag.
    public var leavesPullPolicyOpen: Bool

    public var name: String { container.name }

    public init(_ container: Container, targetContainerName: String? = nil) {
        self.container = container
        self.targetContainerName = targetContainerName
        leavesPullPolicyOpen = false
    }

    public init(_ value: JSONValue) {
        self.init(Container(value), targetContainerName: value.text("targetContainerName"))
        leavesPullPolicyOpen = value.text("imagePullPolicy") == nil
    }

    public var json: JSONValue {
        var object = container.json.objectValue ?? JSONObject()
        object.put("targetContainerName", targetContainerName)
        return .object(object)
    }

    /// As it was given: what was left open is open.
    public var given: JSONValue {
        guard leavesPullPolicyOpen, var object = json.objectValue else { return json }
        object["imagePullPolicy"] = nil
        return .object(object)
    }
}

extension PodSpec {
    /// The containers of every kind: those of initialisation, the pod's own, and those that it was given since.
    public var allContainers: [Container] { initContainers + containers + ephemeralContainers.map(\.container) }

    /// The field that holds the container of this name.
    public func list(of name: String) -> String {
        if initContainers.contains(where: { $0.name == name }) { return "initContainers" }
        return ephemeralContainers.contains { $0.name == name } ? "ephemeralContainers" : "containers"
    }
}

extension PodStatus {
    /// What is said of the containers of every kind.
    public var allContainerStatuses: [ContainerStatus] {
        initContainerStatuses + containerStatuses + ephemeralContainerStatuses
    }
}
