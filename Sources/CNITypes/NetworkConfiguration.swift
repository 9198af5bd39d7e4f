import JSON

/// The configuration a plugin reads from standard input.
public struct NetworkConfiguration: Sendable, Hashable {
    /// A container's interface that still exists, told to GC.
    public struct Attachment: Sendable, Hashable {
        public var containerID: String
        public var interfaceName: String
        public init(containerID: String, interfaceName: String) {
            self.containerID = containerID
            self.interfaceName = interfaceName
        }
    }

    public var version: CNIVersion
    /// The network's name, made of letters, digits, `_`, `.` and `-`.
    public var name: String
    /// The plugin's name.
    public var type: String
    /// What the plugins before this one have made, or, for CHECK and DEL, what the whole ADD has.
    public var previousResult: JSONValue?
    /// Everything that was given: each plugin reads its own members here.
    public var raw: JSONObject

    /// What one text may at most be: a hostile one costs no more.
    public static let limits = JSONParser.Limits(bytes: 4 << 20, depth: 64)

    /// Reads a configuration.
    ///
    /// - Throws: `CNIError` 6 for what is no JSON object, 1 for a version that is not spoken here, 7 for a name or type
    ///   that is missing or not well formed.
    public init(_ bytes: some Collection<UInt8>) throws(CNIError) {
        let value = try Self.parse(bytes)
        guard let object = value.objectValue else {
            throw CNIError(.undecodable, "the network configuration is \(value.kind), not an object")
        }
        version = try Self.version(value)
        name = try Self.text(value, "name")
        guard PluginEnvironment.isIdentifier(name) else {
            throw CNIError(.invalidConfiguration, "the network's name \"\(name)\" has characters it may not have")
        }
        type = try Self.text(value, "type")
        guard !type.contains("/") else {
            throw CNIError(.invalidConfiguration, "the type \"\(type)\" of network \(name) is no plugin's name")
        }
        previousResult = object["prevResult"].flatMap { $0.isNull ? nil : $0 }
        raw = object
    }

    /// `previousResult` read.
    ///
    /// - Throws: `CNIError` 6 when it is no result.
    public func readPreviousResult() throws(CNIError) -> CNIResult? {
        guard let previousResult else { return nil }
        do {
            return try CNIResult(json: previousResult)
        } catch {
            throw CNIError(.undecodable, "prevResult of network \(name) is no result", details: error.description)
        }
    }

    /// The attachments that GC must leave.
    ///
    /// - Throws: `CNIError` 7 when they are missing or not well formed: taking that for an empty list would remove all.
    public func validAttachments() throws(CNIError) -> [Attachment] {
        let key = "cni.dev/valid-attachments"
        do {
            var attachments: [Attachment] = []
            for value in try JSONValue.object(raw).required(key, "a list", { $0.arrayValue }) {
                attachments.append(
                    Attachment(
                        containerID: try value.requiredString("containerID"),
                        interfaceName: try value.requiredString("ifname")))
            }
            return attachments
        } catch {
            throw CNIError(
                .invalidConfiguration, "GC of network \(name) needs \(key)", details: "\(error)")
        }
    }

    static func parse(_ bytes: some Collection<UInt8>) throws(CNIError) -> JSONValue {
        do {
            return try JSONParser.parse(bytes, limits: limits)
        } catch {
            throw CNIError(.undecodable, "standard input is no JSON text", details: error.description)
        }
    }

    private static func text(_ value: JSONValue, _ key: String) throws(CNIError) -> String {
        do {
            let text = try value.requiredString(key)
            guard !text.isEmpty else { throw JSONError("\(key): empty", at: value.position) }
            return text
        } catch {
            throw CNIError(.invalidConfiguration, "the network configuration lacks a \(key)", details: "\(error)")
        }
    }

    /// A configuration without version is one of 0.1.0, as the specification says.
    private static func version(_ value: JSONValue) throws(CNIError) -> CNIVersion {
        let text: String
        do {
            text = try value.optionalString("cniVersion") ?? "0.1.0"
        } catch {
            throw CNIError(.undecodable, "the network configuration has no usable version", details: error.description)
        }
        guard let version = CNIVersion(rawValue: text) else {
            let known = CNIVersion.allCases.map(\.rawValue).joined(separator: ", ")
            throw CNIError(
                .incompatibleVersion, "incompatible CNI versions",
                details: "the configuration is of version \"\(text)\", this plugin speaks \(known)")
        }
        return version
    }

    /// The `cniVersion` that a VERSION request names; nil when its input is empty or names none.
    ///
    /// - Throws: `CNIError` 6 when the input is no object.
    public static func requestedVersion(_ bytes: [UInt8]) throws(CNIError) -> String? {
        if bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) { return nil }
        let value = try parse(bytes)
        do {
            return try value.optionalString("cniVersion")
        } catch {
            throw CNIError(.undecodable, "the VERSION request is not usable", details: error.description)
        }
    }
}
