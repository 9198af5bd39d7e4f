import Base
import JSON

/// core/v1.Event.
public struct Event: KubeValue {
    public enum EventType: String, Sendable, Hashable, CaseIterable {
        case normal = "Normal"
        case warning = "Warning"
    }

    public var metadata: ObjectMeta
    public var involvedObject: ObjectReference
    public var type: EventType
    public var reason: String
    public var message: String
    public var count: Int32
    public var firstTimestamp: Timestamp?
    public var lastTimestamp: Timestamp?
    /// Who found it: `kubelet` on the host `source.host`.
    public var component: String
    public var host: String

    public init(
        metadata: ObjectMeta, involvedObject: ObjectReference, type: EventType, reason: String, message: String,
        at time: Timestamp, component: String, host: String
    ) {
        self.metadata = metadata
        self.involvedObject = involvedObject
        self.type = type
        self.reason = reason
        self.message = message
        count = 1
        firstTimestamp = time
        lastTimestamp = time
        self.component = component
        self.host = host
    }

    public init(_ value: JSONValue) {
        metadata = value.value("metadata") ?? ObjectMeta()
        involvedObject = value.value("involvedObject") ?? ObjectReference()
        type = value.choice("type") ?? .normal
        reason = value.text("reason") ?? ""
        message = value.text("message") ?? ""
        count = Int32(clamping: value.integer("count") ?? 1)
        firstTimestamp = value.time("firstTimestamp")
        lastTimestamp = value.time("lastTimestamp")
        component = value["source"]?.text("component") ?? ""
        host = value["source"]?.text("host") ?? ""
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("apiVersion", "v1")
        object.append("count", .integer(count))
        object.append("eventTime", .null)
        object.put(orNull: "firstTimestamp", firstTimestamp)
        object.append("involvedObject", involvedObject.json)
        object.append("kind", "Event")
        object.put(orNull: "lastTimestamp", lastTimestamp)
        object.put("message", message)
        object.append("metadata", metadata.json)
        object.put("reason", reason)
        object.append("reportingComponent", .string(component))
        object.append("reportingInstance", .string(host))
        var source = JSONObject()
        source.put("component", component)
        source.put("host", host)
        object.append("source", .object(source))
        object.put("type", type)
        return .object(object)
    }
}

/// core/v1.ObjectReference: what an event is about.
public struct ObjectReference: KubeValue {
    public var apiVersion: String
    public var kind: String
    public var name: String
    public var namespace: String
    public var uid: String
    public var resourceVersion: String?
    /// `spec.containers{name}` for an event of one container.
    public var fieldPath: String?

    public init(
        apiVersion: String = "", kind: String = "", name: String = "", namespace: String = "", uid: String = "",
        fieldPath: String? = nil
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.namespace = namespace
        self.uid = uid
        self.fieldPath = fieldPath
    }

    public init(_ value: JSONValue) {
        self.init(
            apiVersion: value.text("apiVersion") ?? "", kind: value.text("kind") ?? "", name: value.text("name") ?? "",
            namespace: value.text("namespace") ?? "", uid: value.text("uid") ?? "", fieldPath: value.text("fieldPath"))
        resourceVersion = value.text("resourceVersion")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("apiVersion", apiVersion)
        object.put("fieldPath", fieldPath)
        object.put("kind", kind)
        object.put("name", name)
        object.put("namespace", namespace)
        object.put("resourceVersion", resourceVersion)
        object.put("uid", uid)
        return .object(object)
    }
}
