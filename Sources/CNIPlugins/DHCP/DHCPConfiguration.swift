import CNITypes
import JSON

/// What the plugin `dhcp` is configured to ask for: keys of the `ipam` section.
struct DHCPConfiguration: Sendable {
    static let defaultSocket = "/run/cni/dhcp.sock"

    /// Where the daemon listens.
    var socketPath: String
    /// Sent to servers, by the numbers of the options, beside who the container is.
    var provided: [UInt8: [UInt8]] = [:]
    /// The numbers of the options that servers are asked for.
    var requested: [UInt8]
    /// Of the routes; 0: the kernel's.
    var priority: Int64 = 0

    /// By the names that the reference plugin knows; any number can be given too.
    private static let names: [String: UInt8] = [
        "subnet-mask": 1, "routers": 3, "host-name": 12, "vendor-class-identifier": 60, "dhcp-client-identifier": 61,
        "user-class": 77,
    ]

    private typealias Option = DHCPMessage.Option

    /// What is asked for unless `skipDefault` says otherwise.
    private static let usual: [UInt8] = [
        Option.subnetMask, Option.routers, Option.classlessRoutes, Option.staticRoutes,
    ]

    /// Where the daemon listens; whatever else the configuration says.
    static func socketPath(_ configuration: NetworkConfiguration) -> String {
        let path = configuration.raw["ipam"]?["daemonSocketPath"]?.stringValue ?? ""
        return path.isEmpty ? defaultSocket : path
    }

    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let root = JSONValue.object(configuration.raw)
        self = try reading("the ipam section of network \(configuration.name)") {
            () throws(JSONError) -> DHCPConfiguration in
            try DHCPConfiguration(root, environment)
        }
        socketPath = Self.socketPath(configuration)
        guard socketPath.hasPrefix("/"), socketPath.utf8.count < 4096 else {
            throw CNIError(
                .invalidConfiguration, "the ipam section of network \(configuration.name) cannot be used",
                details: "daemonSocketPath: \"\(socketPath)\" is no absolute path")
        }
    }

    private init(_ root: JSONValue, _ environment: PluginEnvironment) throws(JSONError) {
        let ipam = try root.required("ipam", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        socketPath = try ipam.optionalString("daemonSocketPath") ?? ""
        priority = try ipam.optionalInteger("priority") ?? 0
        guard (0...Int64(UInt32.max)).contains(priority) else {
            throw JSONError("priority: \(priority) cannot be a route's", at: ipam.position)
        }
        for item in try ipam.optional("provide", "a list", { $0.arrayValue }) ?? [] {
            let number = try Self.number(item)
            var value = try item.optionalString("value") ?? ""
            if value.isEmpty, let key = try item.optionalString("fromArg"), !key.isEmpty {
                value = environment.arguments.last { $0.key == key }?.value ?? ""
            }
            if !value.isEmpty { provided[number] = try Self.encode(value, number, item) }
        }
        var requested: [UInt8] = []
        var skipsUsual = false
        for item in try ipam.optional("request", "a list", { $0.arrayValue }) ?? [] {
            if try item.optionalBool("skipDefault") == true { skipsUsual = true }
            if item["option"] != nil { requested.append(try Self.number(item)) }
        }
        self.requested = (skipsUsual ? [] : Self.usual) + requested
    }

    private static func number(_ item: JSONValue) throws(JSONError) -> UInt8 {
        let text = try item.requiredString("option")
        guard let number = names[text] ?? UInt8(text), (1..<DHCPMessage.Option.end).contains(number),
            ![DHCPMessage.Option.kind, DHCPMessage.Option.overload].contains(number)
        else {
            let known = names.keys.sorted().joined(separator: ", ")
            throw JSONError("option: \"\(text)\" is none of \(known) nor the number of one", at: item.position)
        }
        return number
    }

    private static func encode(_ value: String, _ number: UInt8, _ item: JSONValue) throws(JSONError) -> [UInt8] {
        let bytes = Array(value.utf8)
        guard bytes.count <= 254 else { throw JSONError("value: longer than 254 bytes", at: item.position) }
        switch number {
        // Of no hardware type.
        case DHCPMessage.Option.clientIdentifier: return [0] + bytes
        // One class (RFC 3004).
        case DHCPMessage.Option.userClass: return [UInt8(bytes.count)] + bytes
        default: return bytes
        }
    }

    /// Who the attachment is to servers.
    ///
    /// - Parameter mac: of its interface, 6 bytes.
    func identity(_ request: AttachmentRequest, mac: [UInt8], wantsBroadcast: Bool) -> DHCPIdentity {
        let environment = request.environment
        // As the reference plugin names it: a server knows the container again.
        let name = "\(environment.containerID)/\(request.configuration.name)/\(environment.interfaceName)"
        var options: [UInt8: [UInt8]] = [
            Option.clientIdentifier: [0] + Array(name.utf8.prefix(254)), Option.requestedOptions: requested,
        ]
        options.merge(provided) { $1 }
        if requested.isEmpty { options[Option.requestedOptions] = nil }
        return DHCPIdentity(hardwareAddress: mac, options: options, wantsBroadcast: wantsBroadcast)
    }
}
