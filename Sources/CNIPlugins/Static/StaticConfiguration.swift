import CNITypes
import JSON

/// What the plugin `static` is configured to give out.
struct StaticConfiguration: Sendable {
    var addresses: [CNIResult.IP] = []
    var routes: [CNIResult.Route] = []
    var dns = CNIResult.DNS()

    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let section = "the ipam section of network \(configuration.name)"
        let read = try reading(section) { () throws(JSONError) -> StaticConfiguration in
            try StaticConfiguration(.object(configuration.raw), environment)
        }
        self = read
    }

    private init(_ root: JSONValue, _ environment: PluginEnvironment) throws(JSONError) {
        func object(_ value: JSONValue?, _ key: String) throws(JSONError) -> JSONValue? {
            try value?.optional(key, "an object") { $0.objectValue.map { JSONValue.object($0) } }
        }
        let ipam = try root.required("ipam", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        // Addresses, routes and dns are written as in a result.
        let written = ["addresses": "ips", "routes": "routes", "dns": "dns"].compactMap { key, name in
            ipam[key].flatMap { $0.isNull ? nil : JSONObject.Member(key: name, value: $0) }
        }
        let result = try CNIResult(json: .object(JSONObject(written)))
        (addresses, routes, dns) = (result.ips, result.routes, result.dns)
        // Of CNI_ARGS they are further ones; the others stand in their place.
        var further = try Self.addresses(Self.list(environment, "IP"), root)
        for text in Self.list(environment, "GATEWAY") {
            guard let gateway = IPPrefix.parse(text) else {
                throw JSONError("GATEWAY: \"\(text)\" is no address", at: root.position)
            }
            for i in further.indices where further[i].address.contains(gateway) { further[i].gateway = text }
        }
        addresses += further
        let arguments = try object(object(root, "args"), "cni")?.optionalStrings("ips") ?? []
        if !arguments.isEmpty { addresses = try Self.addresses(arguments, root) }
        let runtime = try object(root, "runtimeConfig")?.optionalStrings("ips") ?? []
        if !runtime.isEmpty { addresses = try Self.addresses(runtime, root) }
    }

    /// The values of a variable of CNI_ARGS, between commas.
    private static func list(_ environment: PluginEnvironment, _ key: String) -> [String] {
        environment.arguments.filter { $0.key == key }.flatMap { $0.value.split(separator: ",") }
            .map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    private static func addresses(_ texts: [String], _ root: JSONValue) throws(JSONError) -> [CNIResult.IP] {
        var addresses: [CNIResult.IP] = []
        for text in texts {
            guard let prefix = IPPrefix(text) else {
                throw JSONError(
                    "the address \"\(text)\" cannot be given out: expected one with its prefix length, as 10.1.2.3/24",
                    at: root.position)
            }
            addresses.append(.init(address: prefix))
        }
        return addresses
    }
}
