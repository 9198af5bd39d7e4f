import JSON

/// core/v1.HTTPGetAction: a request of a URL of the pod.
public struct HTTPGetAction: KubeValue {
    public enum Scheme: String, Sendable, Hashable, CaseIterable {
        case http = "HTTP"
        case https = "HTTPS"
    }

    /// A field of the request; one without a value takes a field away that is sent otherwise.
    public struct Header: KubeValue {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }

        public init(_ value: JSONValue) {
            self.init(name: value.text("name") ?? "", value: value.text("value") ?? "")
        }

        public var json: JSONValue { ["name": .string(name), "value": .string(value)] }
    }

    /// Nil for the pod's address.
    public var host: String?
    public var httpHeaders: [Header]
    public var path: String
    public var port: PortReference
    public var scheme: Scheme

    public init(
        path: String = "/", port: PortReference, scheme: Scheme = .http, host: String? = nil,
        httpHeaders: [Header] = []
    ) {
        self.path = path
        self.port = port
        self.scheme = scheme
        self.host = host
        self.httpHeaders = httpHeaders
    }

    public init(_ value: JSONValue) {
        self.init(
            path: value.text("path") ?? "/", port: PortReference(value["port"]),
            scheme: value.choice("scheme") ?? .http, host: value.text("host"), httpHeaders: value.values("httpHeaders"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("host", host)
        object.put("httpHeaders", httpHeaders)
        object.put("path", path)
        object.append("port", port.json)
        object.put("scheme", scheme)
        return .object(object)
    }
}
