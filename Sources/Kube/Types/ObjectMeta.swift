import Base
import JSON

/// metav1.ObjectMeta.
public struct ObjectMeta: KubeValue {
    public var name: String
    /// `default` after decoding a manifest that has none.
    public var namespace: String
    /// Empty until someone gives it.
    public var uid: String
    public var labels: [String: String]
    public var annotations: [String: String]
    public var generateName: String?
    public var resourceVersion: String?
    public var generation: Int64?
    public var creationTimestamp: Timestamp?
    public var deletionTimestamp: Timestamp?
    public var deletionGracePeriodSeconds: Int64?
    /// `ownerReferences` and `finalizers`: without effect here, printed as they came.
    public var carried: JSONObject

    public init(
        name: String = "", namespace: String = "", uid: String = "", labels: [String: String] = [:],
        annotations: [String: String] = [:]
    ) {
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.labels = labels
        self.annotations = annotations
        carried = JSONObject()
    }

    public init(_ value: JSONValue) {
        self.init(
            name: value.text("name") ?? "", namespace: value.text("namespace") ?? "", uid: value.text("uid") ?? "",
            labels: value.stringMap("labels"), annotations: value.stringMap("annotations"))
        generateName = value.text("generateName")
        resourceVersion = value.text("resourceVersion")
        generation = value.integer("generation")
        creationTimestamp = value.time("creationTimestamp")
        deletionTimestamp = value.time("deletionTimestamp")
        deletionGracePeriodSeconds = value.integer("deletionGracePeriodSeconds")
        carried = value.members(["ownerReferences", "finalizers"])
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("annotations", annotations)
        object.put("creationTimestamp", creationTimestamp)
        object.put("deletionGracePeriodSeconds", deletionGracePeriodSeconds)
        object.put("deletionTimestamp", deletionTimestamp)
        object.put("generateName", generateName)
        object.put("generation", generation)
        object.put("labels", labels)
        object.put("name", name)
        object.put("namespace", namespace)
        object.put("resourceVersion", resourceVersion)
        object.put("uid", uid)
        object.put(carried: carried)
        return .object(object)
    }
}
