import CNITypes
import JSON

/// What the plugin `host-local` is configured to do.
struct HostLocalConfiguration: Sendable {
    /// A container gets an address of each.
    var sets: [AddressRangeSet] = []
    var routes: [CNIResult.Route] = []
    /// A file in the format of resolv.conf(5) whose content becomes the result's `dns`.
    var resolverFile: String?
    /// Addresses that the caller wants, in the order of asking.
    var requested: [[UInt8]] = []

    static let defaultDirectory = "/var/lib/cni/networks"

    /// Reads everything that ADD needs.
    ///
    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let section = "the ipam section of network \(configuration.name)"
        let read = try reading(section) { () throws(JSONError) -> HostLocalConfiguration in
            try HostLocalConfiguration(json: .object(configuration.raw), environment)
        }
        self = read
        guard !sets.isEmpty else {
            throw CNIError(
                .invalidConfiguration, "\(section) has no addresses to give out",
                details: "give a subnet, ranges, or runtimeConfig.ipRanges")
        }
        for (index, set) in sets.enumerated() {
            for other in sets[..<index] where other.overlaps(set) {
                throw CNIError(
                    .invalidConfiguration, "\(section) cannot be used", details: "\(other) and \(set) overlap")
            }
        }
    }

    private init(json: JSONValue, _ environment: PluginEnvironment) throws(JSONError) {
        let ipam = try json.required("ipam", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        let runtime = try json.optional("runtimeConfig", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        // The oldest form stands before the list, and what the runtime gives before both.
        var lists = try ipam.optional("ranges", "a list", { $0.arrayValue }) ?? []
        if ipam["subnet"].map({ !$0.isNull }) ?? false { lists.insert(.array([ipam]), at: 0) }
        lists.insert(contentsOf: try runtime?.optional("ipRanges", "a list", { $0.arrayValue }) ?? [], at: 0)
        for list in lists { sets.append(try AddressRangeSet(list)) }

        if let value = ipam["routes"], !value.isNull {
            routes = try CNIResult(json: .object(JSONObject([.init(key: "routes", value: value)]))).routes
        }
        resolverFile = try ipam.optionalString("resolvConf").flatMap { $0.isEmpty ? nil : $0 }

        var wanted = environment.arguments.filter { $0.key == "IP" }.map(\.value)
        let arguments = try json.optional("args", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        let ours = try arguments?.optional("cni", "an object") { $0.objectValue.map { JSONValue.object($0) } }
        wanted += try ours?.optionalStrings("ips") ?? []
        wanted += try runtime?.optionalStrings("ips") ?? []
        for text in wanted where !text.isEmpty {
            // With a prefix length too: the subnet's counts.
            guard let address = IPPrefix.parse(text) ?? IPPrefix(text)?.address else {
                throw JSONError("the requested address \"\(text)\" is none", at: json.position)
            }
            if !requested.contains(address) { requested.append(address) }
        }
    }

    /// The folder that holds a folder of leases for each network: all that DEL, CHECK and GC need, so that leases of an
    /// earlier, differently configured network are found too.
    ///
    /// - Throws: `CNIError` 7.
    static func directory(_ configuration: NetworkConfiguration) throws(CNIError) -> String {
        let section = "the ipam section of network \(configuration.name)"
        let path = try reading(section) { () throws(JSONError) -> String? in
            let ipam = try JSONValue.object(configuration.raw).required("ipam", "an object") {
                $0.objectValue.map { JSONValue.object($0) }
            }
            return try ipam.optionalString("dataDir").flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let path else { return defaultDirectory }
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw CNIError(
                .invalidConfiguration, "\(section) cannot be used", details: "dataDir: expected an absolute path")
        }
        return path
    }
}
