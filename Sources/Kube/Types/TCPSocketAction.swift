import JSON

/// core/v1.TCPSocketAction: a connection to a port of the pod.
public struct TCPSocketAction: KubeValue {
    /// Nil for the pod's address.
    public var host: String?
    public var port: PortReference

    public init(port: PortReference, host: String? = nil) {
        self.port = port
        self.host = host
    }

    public init(_ value: JSONValue) { self.init(port: PortReference(value["port"]), host: value.text("host")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("host", host)
        object.append("port", port.json)
        return .object(object)
    }
}
