import JSON

/// core/v1.Sysctl: a kernel parameter of the pod's namespaces.
public struct Sysctl: KubeValue {
    /// `net.ipv4.tcp_syncookies`, or with slashes.
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    public init(_ value: JSONValue) { self.init(name: value.text("name") ?? "", value: value.text("value") ?? "") }

    public var json: JSONValue { ["name": .string(name), "value": .string(value)] }

    /// The parameter's path below /proc/sys.
    public var path: String { Self.path(name) }

    /// The first separator says which of the two it is: in `net/ipv4/conf/eth0.5` the dot is a part of a name, and in
    /// `net.ipv4.conf.eth0/5` the slash stands for one.
    public static func path(_ name: String) -> String {
        guard name.first(where: { $0 == "." || $0 == "/" }) == "." else { return name }
        return String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
    }

    /// The namespaces that have parameters of their own.
    public enum Namespace: String, Hashable, Sendable {
        case ipc
        case network = "net"
    }

    /// The namespace that the parameter is of; nil for one of the whole machine.
    public var namespace: Namespace? { Self.namespace(path: path) }

    public static func namespace(path: String) -> Namespace? {
        if path.hasPrefix("net/") { return .network }
        let isOfMessages = path == "kernel/sem" || path.hasPrefix("kernel/shm") || path.hasPrefix("kernel/msg")
        return isOfMessages || path.hasPrefix("fs/mqueue/") ? .ipc : nil
    }
}
