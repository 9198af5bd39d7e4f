import JSON

/// core/v1.GRPCAction: a call of `grpc.health.v1.Health/Check` at a port of the pod.
public struct GRPCAction: KubeValue {
    public var port: Int32
    /// Empty for the server as a whole.
    public var service: String

    public init(port: Int32, service: String = "") {
        self.port = port
        self.service = service
    }

    public init(_ value: JSONValue) {
        self.init(port: Int32(clamping: value.integer("port") ?? 0), service: value.text("service") ?? "")
    }

    public var json: JSONValue { ["port": .integer(port), "service": .string(service)] }
}
