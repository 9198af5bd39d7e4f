import Base
import CNITypes
import JSON

/// What is on record of a container's lease, so that a daemon that is started anew keeps it.
struct DHCPRecord: Sendable {
    /// The version of this file's layout. A newer one is refused.
    private static let schema: Int64 = 1

    var request: AttachmentRequest
    var lease: DHCPLease
    /// On the boot clock: a record does not outlive the kernel.
    var begin: BootInstant

    /// Where the daemon that listens at `socket` has its records.
    static func folder(_ socket: String) -> String { socket + ".leases" }

    /// None of the names has a comma.
    static func name(_ network: String, _ containerID: String, _ interface: String) -> String {
        "\(network),\(containerID),\(interface)"
    }

    static func name(_ request: AttachmentRequest) -> String {
        name(request.configuration.name, request.environment.containerID, request.environment.interfaceName)
    }

    /// The attachment that a file's name stands for.
    static func attachment(_ name: String) -> (network: String, attachment: NetworkConfiguration.Attachment)? {
        let parts = name.split(separator: ",").map { String($0) }
        guard parts.count == 3 else { return nil }
        return (parts[0], .init(containerID: parts[1], interfaceName: parts[2]))
    }

    func save(in folder: String) throws(SystemError) {
        try Files.makeDirectories(folder, mode: 0o700)
        let json: JSONValue = [
            "schema": .integer(Self.schema), "request": DHCPCall(command: .add, request).json,
            "begin": .integer(begin.nanoseconds), "lease": lease.json,
        ]
        try Files.replace(
            Path.join(folder, Self.name(request)), with: JSONWriter().bytes(json), mode: 0o600, durable: false)
    }

    /// - Throws: `SystemError`, `JSONError` or `CNIError` for what is no record.
    init(_ path: String) throws {
        let value = try JSONParser.parse(
            try Files.read(path, limit: NetworkConfiguration.limits.bytes), limits: NetworkConfiguration.limits)
        let schema = try value.requiredInteger("schema")
        guard schema <= Self.schema else { throw JSONError("schema \(schema) is newer than \(Self.schema)", at: .none) }
        request = try DHCPCall(value["request"] ?? .null).request
        begin = BootInstant(nanoseconds: try value.requiredInteger("begin"))
        lease = try DHCPLease(value["lease"] ?? .null)
    }

    init(request: AttachmentRequest, lease: DHCPLease, begin: BootInstant) {
        self.request = request
        self.lease = lease
        self.begin = begin
    }
}

extension DHCPLease {
    fileprivate var json: JSONValue {
        var object = JSONObject()
        object.append("result", result(priority: 0).json(.current))
        object.append("server", .string(IPPrefix.text(server)))
        if let duration { object.append("duration", .integer(duration)) }
        object.append("renewal", .integer(renewal))
        object.append("rebinding", .integer(rebinding))
        return .object(object)
    }

    fileprivate init(_ value: JSONValue) throws {
        func seconds(_ key: String) throws(JSONError) -> UInt32 { UInt32(clamping: try value.requiredInteger(key)) }
        let result = try CNIResult(json: value["result"] ?? .null)
        guard let ip = result.ips.first, let server = IPPrefix.parse(try value.requiredString("server")) else {
            throw JSONError("it has no address or no server", at: value.position)
        }
        self.init(
            address: ip.address, server: server, gateway: ip.gateway.flatMap { IPPrefix.parse($0) },
            routes: result.routes, duration: value["duration"] == nil ? nil : try seconds("duration"),
            renewal: try seconds("renewal"), rebinding: try seconds("rebinding"))
    }
}
