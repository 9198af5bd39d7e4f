import JSON

/// A further network that a pod asks for by annotation, as the Network Plumbing Working Group's multi-network
/// specification (v1.3) says it, and what it asks of that network.
public struct NetworkSelection: Hashable, Sendable {
    /// Lists the networks beside the default one.
    public static let annotation = "k8s.v1.cni.cncf.io/networks"
    /// Says of a pod what it is attached to.
    public static let statusAnnotation = "k8s.v1.cni.cncf.io/network-status"
    /// The most that a pod may have.
    static let limit = 32

    /// Why an annotation is refused.
    public struct Refusal: Error, Hashable, CustomStringConvertible {
        public let description: String
        init(_ description: String) { self.description = description }
    }

    public var name: String
    /// Of the definition; nil for the pod's.
    public var namespace: String?
    /// The interface in the pod.
    public var interface: String
    /// What plugins with these capabilities are told: `ips`, `mac`, `portMappings`, `bandwidth`, `infinibandGUID`,
    /// `deviceID`.
    public var capabilities = JSONObject()
    /// For the plugins' `args.cni`.
    public var arguments: JSONObject?
    /// Gateways of the pod's default routes, which are then this network's; empty where the default network keeps them.
    public var gateways: [String] = []

    /// Reads the annotation: names between commas, each `[NAMESPACE/]NAME[@INTERFACE]`, or a JSON list of objects.
    ///
    /// - Throws: `Refusal`.
    public static func read(_ text: String) throws(Refusal) -> [NetworkSelection] {
        let trimmed = text.drop { $0.isWhitespace }
        if trimmed.isEmpty { return [] }
        var selections: [NetworkSelection] = []
        var wanted: [String?] = []
        do {
            if trimmed.first == "[" {
                let list = try JSONParser.parse(trimmed.utf8).arrayValue ?? []
                try require(list.count <= limit, "a pod may have at most \(limit) further networks")
                for (n, value) in list.enumerated() {
                    do {
                        let (selection, interface) = try self.selection(value)
                        selections.append(selection)
                        wanted.append(interface)
                    } catch {
                        throw Refusal("[\(n)]: \(error)")
                    }
                }
            } else {
                try require(trimmed.first != "{", "must be names between commas or a JSON list")
                for item in trimmed.split(separator: ",", omittingEmptySubsequences: false) {
                    let (selection, interface) = try self.selection(item)
                    selections.append(selection)
                    wanted.append(interface)
                }
                try require(selections.count <= limit, "a pod may have at most \(limit) further networks")
            }
            var taken: Set<String> = ["eth0", "lo"]
            for (n, name) in wanted.enumerated() {
                let name = name ?? "net\(n + 1)"
                try require(taken.insert(name).inserted, "interface \"\(name)\" is there twice")
                selections[n].interface = name
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal("\(error)")
        }
        try require(selections.count { !$0.gateways.isEmpty } <= 1, "only one network can have the default-route")
        return selections
    }

    private static func require(_ condition: Bool, _ words: @autoclosure () -> String) throws(Refusal) {
        if !condition { throw Refusal(words()) }
    }

    // MARK: - Names between commas

    private static func selection(_ item: Substring) throws(Refusal) -> (NetworkSelection, String?) {
        let text = item.filter { !$0.isWhitespace }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        let names = (parts.first ?? "").split(separator: "/", omittingEmptySubsequences: false)
        guard !text.isEmpty, parts.count <= 2, (1...2).contains(names.count) else {
            throw Refusal("\"\(item)\" is not of the form [NAMESPACE/]NAME[@INTERFACE]")
        }
        let selection = try selection(
            name: String(names[names.count - 1]), namespace: names.count == 2 ? String(names[0]) : nil)
        guard parts.count == 2 else { return (selection, nil) }
        return (selection, try interface(String(parts[1])))
    }

    private static func selection(name: String, namespace: String?) throws(Refusal) -> NetworkSelection {
        let others = Array("_.-".utf8)
        func isWord(_ c: UInt8) -> Bool { 0x30...0x39 ~= c || 0x41...0x5A ~= c || 0x61...0x7A ~= c }
        guard let first = name.utf8.first, isWord(first), name.utf8.allSatisfy({ isWord($0) || others.contains($0) })
        else {
            throw Refusal(
                "\"\(name)\" cannot be a network's name: letters, digits, _, . and -, first a letter or digit")
        }
        if let namespace, let wrong = Names.label(namespace) {
            throw Refusal("namespace \"\(namespace)\": \(wrong)")
        }
        return NetworkSelection(name: name, namespace: namespace, interface: "")
    }

    private static func interface(_ name: String) throws(Refusal) -> String {
        guard (1...15).contains(name.utf8.count), name != ".", name != "..",
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") })
        else { throw Refusal("\"\(name)\" cannot be an interface's name") }
        return name
    }

    // MARK: - The JSON list

    private static func selection(_ value: JSONValue) throws -> (NetworkSelection, String?) {
        guard let object = value.objectValue else { throw Refusal("expected an object, found \(value.kind)") }
        var selection = try selection(
            name: try value.requiredString("name"), namespace: try value.optionalString("namespace"))
        for member in object.members where !known.contains(member.key) {
            throw Refusal("unknown field \"\(member.key)\"; known are \(known.joined(separator: ", "))")
        }
        if let ips = try value.optionalStrings("ips"), !ips.isEmpty {
            for ip in ips {
                try require(Names.address(String(ip.prefix { $0 != "/" })) == nil, "ips: \"\(ip)\" is no address")
            }
            selection.capabilities.append("ips", .strings(ips))
        }
        for (key, capability) in [("mac", "mac"), ("infiniband-guid", "infinibandGUID"), ("deviceID", "deviceID")] {
            guard let text = try value.optionalString(key), !text.isEmpty else { continue }
            if key == "mac" { try require(isMAC(text), "mac: \"\(text)\" is no MAC address") }
            selection.capabilities.append(capability, .string(text))
        }
        if let mappings = try value.optional("portMappings", "a list", { $0.arrayValue }), !mappings.isEmpty {
            for mapping in mappings {
                for key in ["hostPort", "containerPort"] {
                    let port = try mapping.requiredInteger(key)
                    try require((1...65535).contains(port), "portMappings: \(key): \(port) is no port")
                }
            }
            selection.capabilities.append("portMappings", .array(mappings))
        }
        if let bandwidth = try value.optional("bandwidth", "an object", { $0.objectValue }) {
            for member in bandwidth.members {
                try require(
                    rates.contains(member.key) && (member.value.integerValue ?? -1) >= 0,
                    "bandwidth: \(member.key): expected a number of \(rates.joined(separator: ", "))")
            }
            selection.capabilities.append("bandwidth", .object(bandwidth))
        }
        selection.arguments = try value.optional("cni-args", "an object") { $0.objectValue }
        selection.gateways = try value.optionalStrings("default-route") ?? []
        for gateway in selection.gateways {
            try require(Names.address(gateway) == nil, "default-route: \"\(gateway)\" is no address")
        }
        return (selection, try value.optionalString("interface").map(interface))
    }

    private static let known = [
        "name", "namespace", "interface", "ips", "mac", "portMappings", "bandwidth", "infiniband-guid", "deviceID",
        "cni-args", "default-route",
    ]
    private static let rates = ["ingressRate", "ingressBurst", "egressRate", "egressBurst"]

    private static func isMAC(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        return parts.count == 6
            && parts.allSatisfy { part in
                part.count == 2 && part.allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= ($0 | 0x20) }
            }
    }
}
