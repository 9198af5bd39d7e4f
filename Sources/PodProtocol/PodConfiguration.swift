import JSON

/// What a supervisor is started with: a file in the pod's run folder.
public struct PodConfiguration: Hashable, Sendable {
    /// The pod's UID.
    public var uid: String
    /// `namespace/name`, for messages.
    public var name: String
    /// The host name inside; only with a UTS namespace of its own.
    public var hostname: String?
    public var network: Namespace
    public var ipc: Namespace
    public var uts: Namespace
    /// The containers share one pid namespace, with a pause process as its first.
    public var sharesProcessNamespace: Bool
    /// Kernel parameters of the pod's own namespaces, by their paths below /proc/sys. A supervisor that sets them has the
    /// feature `ProtocolVersion.sysctls`.
    public var sysctls: [String: String] = [:]
    /// The pod's folder in /run: exit records go to `exits/` in it.
    public var runFolder: String

    public init(
        uid: String, name: String, hostname: String?, network: Namespace, ipc: Namespace, uts: Namespace,
        sharesProcessNamespace: Bool, runFolder: String
    ) {
        self.uid = uid
        self.name = name
        self.hostname = hostname
        self.network = network
        self.ipc = ipc
        self.uts = uts
        self.sharesProcessNamespace = sharesProcessNamespace
        self.runFolder = runFolder
    }

    /// Where a namespace comes from.
    public enum Namespace: Hashable, Sendable {
        case host
        /// Made by the supervisor.
        case own
        /// Joined: an nsfs file.
        case path(String)
    }

    /// Where the exit record of an attempt is.
    public static func exitRecordPath(runFolder: String, container: String, attempt: Int64) -> String {
        "\(runFolder)/exits/\(container).\(attempt).json"
    }

    /// The supervisor's socket.
    public static func socketPath(runFolder: String) -> String { "\(runFolder)/supervisor.sock" }

    /// This configuration's file.
    public static func path(runFolder: String) -> String { "\(runFolder)/supervisor.json" }

    /// - Throws: `JSONError`; also for a newer schema number.
    public init(json: JSONValue) throws(JSONError) {
        let schema = try json.requiredInteger("schema")
        guard schema <= ProtocolVersion.schema else {
            throw JSONError(
                "schema \(schema) is newer than \(ProtocolVersion.schema), which this build reads", at: json.position)
        }
        uid = try json.requiredString("uid")
        name = try json.optionalString("name") ?? ""
        hostname = try json.optionalString("hostname")
        network = try Self.namespace("network", json)
        ipc = try Self.namespace("ipc", json)
        uts = try Self.namespace("uts", json)
        sharesProcessNamespace = try json.optionalBool("shareProcessNamespace") ?? false
        for member in json["sysctls"]?.objectValue?.members ?? [] {
            guard let value = member.value.stringValue else {
                throw JSONError("sysctls: expected a string for \(member.key)", at: member.value.position)
            }
            sysctls[member.key] = value
        }
        runFolder = try json.requiredString("runFolder")
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("schema", .integer(ProtocolVersion.schema))
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        object.append("uid", .string(uid))
        object.append("name", .string(name))
        object.append("hostname", ifPresent: hostname.map { .string($0) })
        for (key, value) in [("network", network), ("ipc", ipc), ("uts", uts)] {
            object.append(key, Self.json(value))
        }
        object.append("shareProcessNamespace", .bool(sharesProcessNamespace))
        if !sysctls.isEmpty {
            let members = sysctls.sorted { $0.key < $1.key }
            object.append(
                "sysctls", .object(JSONObject(members.map { .init(key: $0.key, value: .string($0.value)) })))
        }
        object.append("runFolder", .string(runFolder))
        return .object(object)
    }

    private static func namespace(_ key: String, _ json: JSONValue) throws(JSONError) -> Namespace {
        let text = try json.requiredString(key)
        switch text {
        case "host": return .host
        case "own": return .own
        case _ where text.hasPrefix("/"): return .path(text)
        default: throw JSONError("\(key): expected host, own or an absolute path", at: json.position)
        }
    }

    private static func json(_ namespace: Namespace) -> JSONValue {
        switch namespace {
        case .host: "host"
        case .own: "own"
        case .path(let path): .string(path)
        }
    }
}
