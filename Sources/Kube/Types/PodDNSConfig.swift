import JSON

/// core/v1.PodDNSConfig: what is added to the resolv.conf that the dnsPolicy gives.
public struct PodDNSConfig: KubeValue {
    public var nameservers: [String]
    public var searches: [String]
    public var options: [PodDNSConfigOption]

    public init(nameservers: [String] = [], searches: [String] = [], options: [PodDNSConfigOption] = []) {
        self.nameservers = nameservers
        self.searches = searches
        self.options = options
    }

    public init(_ value: JSONValue) {
        self.init(
            nameservers: value.strings("nameservers"), searches: value.strings("searches"),
            options: value.values("options"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("nameservers", nameservers)
        object.put("options", options)
        object.put("searches", searches)
        return .object(object)
    }
}

/// core/v1.PodDNSConfigOption: `name`, or `name:value`.
public struct PodDNSConfigOption: KubeValue {
    public var name: String
    public var value: String?

    public init(name: String, value: String? = nil) {
        self.name = name
        self.value = value
    }

    public init(_ value: JSONValue) { self.init(name: value.text("name") ?? "", value: value.text("value")) }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("name", name)
        object.put("value", value)
        return .object(object)
    }
}
