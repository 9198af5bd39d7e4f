import JSON

/// core/v1.ExecAction: a command that is run in a container, without a shell.
public struct ExecAction: KubeValue {
    public var command: [String]

    public init(command: [String]) { self.command = command }

    public init(_ value: JSONValue) { self.init(command: value.strings("command")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("command", command)
        return .object(object)
    }
}

/// A port by its number or by the name that the container gives it.
public enum PortReference: Sendable, Hashable, CustomStringConvertible {
    case number(Int64)
    case name(String)

    init(_ value: JSONValue?) {
        self = value?.stringValue.map { .name($0) } ?? .number(value?.integerValue ?? 0)
    }

    var json: JSONValue {
        switch self {
        case .number(let number): .integer(number)
        case .name(let name): .string(name)
        }
    }

    public var description: String {
        switch self {
        case .number(let number): "\(number)"
        case .name(let name): name
        }
    }

    /// The port's number; nil when the container names no such port.
    public func number(in container: Container) -> UInt16? {
        switch self {
        case .number(let number): UInt16(exactly: number).flatMap { $0 == 0 ? nil : $0 }
        case .name(let name):
            container.ports.first { $0.name == name }.flatMap { UInt16(exactly: $0.containerPort) }
        }
    }
}

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
