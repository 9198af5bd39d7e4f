import Base
import CNITypes
import JSON

/// A network: its name and the plugins that make an attachment, in order (specification 1.1.0, section 1).
public struct NetworkList: Sendable, Hashable {
    /// One plugin's own configuration.
    public struct Plugin: Sendable, Hashable {
        public var type: String
        /// All members that were given: unknown ones are passed on.
        public var configuration: JSONObject

        public init(type: String, configuration: JSONObject) {
            self.type = type
            self.configuration = configuration
        }

        /// What the plugin wants to be told at run time.
        public var capabilities: Set<String> {
            let members = configuration["capabilities"]?.objectValue?.members ?? []
            return Set(members.filter { $0.value.boolValue == true }.map(\.key))
        }
    }

    public let name: String
    /// The newest version that the list allows and that is spoken here.
    public let version: CNIVersion
    public let disablesCheck: Bool
    public let disablesGarbageCollection: Bool
    public let plugins: [Plugin]
    /// Whether configurations in the folder of the network's name are to be appended.
    public let takesDropIns: Bool

    public init(
        name: String, version: CNIVersion, plugins: [Plugin], disablesCheck: Bool = false,
        disablesGarbageCollection: Bool = false
    ) {
        self.disablesCheck = disablesCheck
        self.name = name
        self.version = version
        self.plugins = plugins
        self.disablesGarbageCollection = disablesGarbageCollection
        takesDropIns = false
    }

    /// Reads a list (`.conflist`), or a single plugin's configuration (`.conf`, `.json`) as a list of one.
    ///
    /// - Throws: `CNIError` 6 for what is no JSON object, 1 for versions that are not spoken here, 7 for members that
    ///   are missing or not well formed.
    public init(_ json: JSONValue) throws(CNIError) {
        guard let object = json.objectValue else {
            throw CNIError(.undecodable, "the network configuration is \(json.kind), not an object")
        }
        do {
            name = try json.requiredString("name")
            guard PluginEnvironment.isIdentifier(name) else {
                throw JSONError("name: \"\(name)\" has characters it may not have", at: json.position)
            }
            disablesCheck = try Self.flag("disableCheck", object)
            disablesGarbageCollection = try Self.flag("disableGC", object)
            if object["plugins"] == nil, object["type"] != nil {
                plugins = [try Self.plugin(json)]
                takesDropIns = false
            } else {
                takesDropIns = try !Self.flag("loadOnlyInlinedPlugins", object)
                var plugins: [Plugin] = []
                for value in try json.optional("plugins", "a list", { $0.arrayValue }) ?? [] {
                    plugins.append(try Self.plugin(value))
                }
                self.plugins = plugins
            }
        } catch {
            throw CNIError(.invalidConfiguration, "the network configuration is not valid", details: "\(error)")
        }
        version = try Self.version(json)
        guard !plugins.isEmpty || takesDropIns else {
            throw CNIError(.invalidConfiguration, "network \(name) has no plugins")
        }
    }

    /// Whether a plugin of the network wants to be told this at run time (`capabilities` in its configuration).
    public func hasCapability(_ name: String) -> Bool { plugins.contains { $0.capabilities.contains(name) } }

    /// Each capability that some plugin wants to be told of.
    public var capabilities: Set<String> { plugins.reduce(into: []) { $0.formUnion($1.capabilities) } }

    /// The list with these members in every plugin's `args.cni`, in place of those of their names.
    public func adding(arguments: JSONObject) -> NetworkList {
        let plugins = plugins.map { plugin in
            var plugin = plugin
            var all = plugin.configuration["args"]?.objectValue ?? JSONObject()
            var own = all["cni"]?.objectValue ?? JSONObject()
            for member in arguments.members { own[member.key] = member.value }
            all["cni"] = .object(own)
            plugin.configuration["args"] = .object(all)
            return plugin
        }
        return NetworkList(
            name: name, version: version, plugins: plugins, disablesCheck: disablesCheck,
            disablesGarbageCollection: disablesGarbageCollection)
    }

    /// The list with further plugins behind its own (drop-ins of version 1.1.0).
    ///
    /// - Throws: `CNIError` 7 when there are no plugins at all, or one is not well formed.
    public func appending(_ dropIns: [JSONValue]) throws(CNIError) -> NetworkList {
        var all = plugins
        for value in dropIns {
            do { all.append(try Self.plugin(value)) } catch {
                throw CNIError(.invalidConfiguration, "a drop-in of network \(name) is not valid", details: "\(error)")
            }
        }
        guard !all.isEmpty else { throw CNIError(.invalidConfiguration, "network \(name) has no plugins") }
        return NetworkList(
            name: name, version: version, plugins: all, disablesCheck: disablesCheck,
            disablesGarbageCollection: disablesGarbageCollection)
    }

    /// The list as it is kept beside an attachment: DEL is asked of what ADD was asked of.
    public var json: JSONValue {
        [
            "cniVersion": .string(version.rawValue), "name": .string(name),
            "disableCheck": .bool(disablesCheck), "disableGC": .bool(disablesGarbageCollection),
            "plugins": .array(plugins.map { .object($0.configuration) }),
        ]
    }

    private static func plugin(_ value: JSONValue) throws(JSONError) -> Plugin {
        guard let object = value.objectValue else {
            throw JSONError("a plugin: expected an object, found \(value.kind)", at: value.position)
        }
        let type = try value.requiredString("type")
        guard !type.isEmpty, !type.contains("/"), !type.utf8.contains(0) else {
            throw JSONError("type: \"\(type)\" is no plugin's name", at: value.position)
        }
        return Plugin(type: type, configuration: object)
    }

    /// libcni takes the words for the values too.
    private static func flag(_ key: String, _ object: JSONObject) throws(JSONError) -> Bool {
        guard let value = object[key], !value.isNull else { return false }
        if let flag = value.boolValue { return flag }
        switch value.stringValue?.lowercased() {
        case "true": return true
        case "false": return false
        default: throw JSONError("\(key): expected true or false", at: value.position)
        }
    }

    private static func version(_ json: JSONValue) throws(CNIError) -> CNIVersion {
        let offered: [String]
        do {
            let single = try json.optionalString("cniVersion")
            let several = try json.optionalStrings("cniVersions") ?? []
            // Without any it is the first version ever, as the specification says.
            offered = [single ?? (several.isEmpty ? "0.1.0" : nil)].compactMap { $0 } + several
        } catch {
            throw CNIError(.undecodable, "the network configuration has no usable version", details: "\(error)")
        }
        guard let version = offered.compactMap({ CNIVersion(rawValue: $0) }).max() else {
            let known = CNIVersion.allCases.map(\.rawValue).joined(separator: ", ")
            throw CNIError(
                .incompatibleVersion, "incompatible CNI versions",
                details: "the network is of \(offered.joined(separator: ", ")); spoken here are \(known)")
        }
        return version
    }
}
