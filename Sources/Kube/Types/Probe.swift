import JSON

/// core/v1.Probe: how a container is looked at, how often, and how many answers count.
public struct Probe: KubeValue {
    /// What is done in or with the container.
    public enum Handler: Sendable, Hashable {
        case exec(ExecAction)
        case httpGet(HTTPGetAction)
        case tcpSocket(TCPSocketAction)
        case grpc(GRPCAction)
    }

    /// Nil only before validation.
    public var handler: Handler?
    public var initialDelaySeconds: Int32
    public var timeoutSeconds: Int32
    public var periodSeconds: Int32
    public var successThreshold: Int32
    public var failureThreshold: Int32
    /// Replaces the pod's when the probe ends the container.
    public var terminationGracePeriodSeconds: Int64?

    public init(_ handler: Handler?) {
        self.handler = handler
        (initialDelaySeconds, timeoutSeconds, periodSeconds) = (0, 1, 10)
        (successThreshold, failureThreshold) = (1, 3)
    }

    public init(_ value: JSONValue) {
        self.init(Self.handler(value))
        // Where the API has a default, 0 asks for it.
        func number(_ key: String, or usual: Int32) -> Int32 {
            let number = value.integer(key).map { Int32(clamping: $0) } ?? 0
            return number == 0 ? usual : number
        }
        initialDelaySeconds = number("initialDelaySeconds", or: 0)
        timeoutSeconds = number("timeoutSeconds", or: 1)
        periodSeconds = number("periodSeconds", or: 10)
        successThreshold = number("successThreshold", or: 1)
        failureThreshold = number("failureThreshold", or: 3)
        terminationGracePeriodSeconds = value.integer("terminationGracePeriodSeconds")
    }

    private static func handler(_ value: JSONValue) -> Handler? {
        if let action: ExecAction = value.value("exec") { return .exec(action) }
        if let action: HTTPGetAction = value.value("httpGet") { return .httpGet(action) }
        if let action: TCPSocketAction = value.value("tcpSocket") { return .tcpSocket(action) }
        if let action: GRPCAction = value.value("grpc") { return .grpc(action) }
        return nil
    }

    public var json: JSONValue {
        var object = JSONObject()
        if case .exec(let action) = handler { object.append("exec", action.json) }
        object.put("failureThreshold", failureThreshold)
        if case .grpc(let action) = handler { object.append("grpc", action.json) }
        if case .httpGet(let action) = handler { object.append("httpGet", action.json) }
        if initialDelaySeconds != 0 { object.put("initialDelaySeconds", initialDelaySeconds) }
        object.put("periodSeconds", periodSeconds)
        object.put("successThreshold", successThreshold)
        if case .tcpSocket(let action) = handler { object.append("tcpSocket", action.json) }
        object.put("terminationGracePeriodSeconds", terminationGracePeriodSeconds)
        object.put("timeoutSeconds", timeoutSeconds)
        return .object(object)
    }
}
