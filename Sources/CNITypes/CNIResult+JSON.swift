import JSON

private let routeAttributes = ["mtu", "advmss", "priority", "table", "scope"]

extension CNIResult {
    /// Reads a result of any version spoken here. Its `cniVersion` is checked when there is one; unknown members have
    /// no effect.
    ///
    /// - Throws: `JSONError` with the place.
    public init(json: JSONValue) throws(JSONError) {
        if let version = try json.optionalString("cniVersion"), CNIVersion(rawValue: version) == nil {
            throw JSONError("cniVersion: a result of version \(version) cannot be read", at: json.position)
        }
        self.init()
        for value in try json.optional("interfaces", "a list", { $0.arrayValue }) ?? [] {
            interfaces.append(try Self.interface(value))
        }
        for value in try json.optional("ips", "a list", { $0.arrayValue }) ?? [] {
            ips.append(try Self.ip(value, interfaces: interfaces.count))
        }
        for value in try json.optional("routes", "a list", { $0.arrayValue }) ?? [] {
            routes.append(try Self.route(value))
        }
        if let value = json["dns"], !value.isNull {
            dns.nameservers = try value.optionalStrings("nameservers") ?? []
            dns.domain = try value.optionalString("domain")
            dns.search = try value.optionalStrings("search") ?? []
            dns.options = try value.optionalStrings("options") ?? []
        }
    }

    private static func interface(_ value: JSONValue) throws(JSONError) -> Interface {
        var interface = Interface(
            name: try value.requiredString("name"), mac: try value.optionalString("mac"),
            sandbox: try value.optionalString("sandbox"))
        interface.mtu = try value.optionalInteger("mtu")
        interface.socketPath = try value.optionalString("socketPath")
        interface.pciID = try value.optionalString("pciID")
        return interface
    }

    private static func ip(_ value: JSONValue, interfaces: Int) throws(JSONError) -> IP {
        let index = try value.optionalInteger("interface")
        if let index, !(0..<Int64(interfaces)).contains(index) {
            throw JSONError("interface: \(index) is no index of the \(interfaces) interfaces", at: value.position)
        }
        let address = try value.required("address", "an address with its prefix length") { prefix($0) }
        return IP(interface: index.map { Int($0) }, address: address, gateway: try gateway(value, "gateway"))
    }

    private static func route(_ value: JSONValue) throws(JSONError) -> Route {
        let destination = try value.required("dst", "a network with its prefix length") { prefix($0) }
        var route = Route(destination: destination, gateway: try gateway(value, "gw"))
        for name in routeAttributes { route.attributes[name] = try value.optionalInteger(name) }
        return route
    }

    private static func prefix(_ value: JSONValue) -> IPPrefix? { value.stringValue.flatMap { IPPrefix($0) } }

    private static func gateway(_ value: JSONValue, _ key: String) throws(JSONError) -> String? {
        guard let text = try value.optionalString(key), !text.isEmpty else { return nil }
        guard IPPrefix.parse(text) != nil else { throw JSONError("\(key): expected an address", at: value.position) }
        return text
    }

    /// The result as `version` says it: before 1.0.0 each address names its family and `dns` is always there, and what
    /// 1.1.0 has added is left out of the older ones.
    public func json(_ version: CNIVersion) -> JSONValue {
        var object = JSONObject()
        object.append("cniVersion", .string(version.rawValue))
        if !interfaces.isEmpty { object.append("interfaces", .array(interfaces.map { Self.json($0, version) })) }
        if !ips.isEmpty { object.append("ips", .array(ips.map { Self.json($0, version) })) }
        if !routes.isEmpty { object.append("routes", .array(routes.map { Self.json($0, version) })) }
        let names = Self.json(dns)
        if version < .v100 || !names.isEmpty { object.append("dns", .object(names)) }
        return .object(object)
    }

    private static func json(_ interface: Interface, _ version: CNIVersion) -> JSONValue {
        var object = JSONObject()
        object.append("name", .string(interface.name))
        object.append("mac", ifPresent: interface.mac.map { .string($0) })
        if version >= .v110 { object.append("mtu", ifPresent: interface.mtu.map { .integer($0) }) }
        object.append("sandbox", ifPresent: interface.sandbox.map { .string($0) })
        if version >= .v110 {
            object.append("socketPath", ifPresent: interface.socketPath.map { .string($0) })
            object.append("pciID", ifPresent: interface.pciID.map { .string($0) })
        }
        return .object(object)
    }

    private static func json(_ ip: IP, _ version: CNIVersion) -> JSONValue {
        var object = JSONObject()
        if version < .v100 { object.append("version", .string(ip.address.isIPv6 ? "6" : "4")) }
        object.append("interface", ifPresent: ip.interface.map { .integer($0) })
        object.append("address", .string(ip.address.description))
        object.append("gateway", ifPresent: ip.gateway.map { .string($0) })
        return .object(object)
    }

    private static func json(_ route: Route, _ version: CNIVersion) -> JSONValue {
        var object = JSONObject()
        object.append("dst", .string(route.destination.description))
        object.append("gw", ifPresent: route.gateway.map { .string($0) })
        if version >= .v110 {
            for name in routeAttributes { object.append(name, ifPresent: route.attributes[name].map { .integer($0) }) }
        }
        return .object(object)
    }

    private static func json(_ dns: DNS) -> JSONObject {
        var object = JSONObject()
        if !dns.nameservers.isEmpty { object.append("nameservers", .strings(dns.nameservers)) }
        object.append("domain", ifPresent: dns.domain.map { .string($0) })
        if !dns.search.isEmpty { object.append("search", .strings(dns.search)) }
        if !dns.options.isEmpty { object.append("options", .strings(dns.options)) }
        return object
    }
}
