import Base
import CNITypes
import JSON
import Kube
import YAML

/// The agent's configuration file: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1) of the fields that this node
/// carries out, and some of its own.
public enum ConfigurationFile {
    static let version = "kubelet.config.k8s.io/v1beta1"
    static let kind = "KubeletConfiguration"

    /// A field and what its value sets. The closure's result is what is wrong with the value.
    private struct Field: Sendable {
        var name: String
        var set: @Sendable (JSONValue, inout NodeSettings) -> String?
    }

    private static let fields: [Field] = [
        Field(name: "cgroupRoot") { value, settings in
            guard let path = value.stringValue else { return expected("a path", value) }
            guard Path.isClean(path) else { return "expected an absolute path below the cgroup v2 mount" }
            settings.cgroupRoot = path
            return nil
        },
        Field(name: "podCIDR") { value, settings in
            guard let range = value.stringValue.flatMap({ IPPrefix($0) }), NodeSettings.isPodRange(range) else {
                return "expected a network of at least 8 addresses, as 10.85.0.0/16"
            }
            settings.podRange = range
            return nil
        },
        Field(name: "podPidsLimit") { value, settings in
            guard let limit = value.integerValue, limit == -1 || limit > 0 else {
                return "expected a positive integer, or -1 for no limit"
            }
            settings.podPIDLimit = limit
            return nil
        },
        Field(name: "staticPodPath") { value, settings in
            guard let path = value.stringValue else { return expected("a path", value) }
            guard Path.isClean(path), path != "/" else { return "expected the absolute path of a folder" }
            settings.manifestFolder = path
            return nil
        },
        Field(name: "staticPodURL") { value, settings in EndpointFields.url(value, &settings.podsEndpoint) },
        Field(name: "staticPodURLHeader") { value, settings in
            EndpointFields.headers(value, &settings.podsEndpoint)
        },
        Field(name: "httpCheckFrequency") { value, settings in
            guard let interval = value.stringValue.flatMap({ EndpointFields.duration($0) }) else {
                return "expected a time, as 20s"
            }
            // The kubelet takes 0 for its default.
            guard interval.count == 0 || interval >= .seconds(1) else { return "expected a second at least" }
            settings.podsInterval = interval.count == 0 ? nil : interval
            return nil
        },
        // Ours.
        Field(name: "podsURL") { value, settings in EndpointFields.url(value, &settings.podsEndpoint) },
        Field(name: "statusURL") { value, settings in EndpointFields.url(value, &settings.statusEndpoint) },
        Field(name: "statusURLHeader") { value, settings in
            EndpointFields.headers(value, &settings.statusEndpoint)
        },
        boolean("drainOnExit") { $0.drainsOnExit = $1 },
        Field(name: "logLevel") { value, settings in
            guard let level = value.stringValue.flatMap({ Log.Level(word: $0) }) else {
                return "expected error, warning, info or debug"
            }
            settings.logLevel = level
            return nil
        },
        Field(name: "nodeName") { value, settings in
            guard let name = value.stringValue, !name.isEmpty else { return expected("a name", value) }
            settings.nodeName = name
            return nil
        },
        boolean("openFirewall") { $0.opensFirewall = $1 },
        boolean("unenforcedLimits") { $0.acceptsUnenforcedLimits = $1 },
    ]

    private static func boolean(_ name: String, _ set: @escaping @Sendable (inout NodeSettings, Bool) -> Void) -> Field
    {
        Field(name: name) { value, settings in
            guard let chosen = value.boolValue else { return expected("a boolean", value) }
            set(&settings, chosen)
            return nil
        }
    }

    private static func expected(_ what: String, _ value: JSONValue) -> String {
        "expected \(what), found \(value.kind)"
    }

    /// Reads the file at `path`.
    ///
    /// - Returns: nil when there is none.
    /// - Throws: `ConfigurationError` with all that is wrong and where.
    public static func read(_ path: String) throws(ConfigurationError) -> NodeSettings? {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.read(path, limit: 1 << 20) } catch {
            if error.errno == .noEntry { return nil }
            throw ConfigurationError(path: path, issues: [.init("\(error)")])
        }
        return try decode(bytes, path: path)
    }

    /// - Throws: `ConfigurationError` with all that is wrong and where.
    static func decode(_ text: some Collection<UInt8>, path: String) throws(ConfigurationError) -> NodeSettings {
        let documents: [JSONValue]
        do throws(YAMLError) { documents = try YAML.documents(text).filter { !$0.isNull } } catch {
            throw ConfigurationError(path: path, issues: [.init(error.message, at: error.position)])
        }
        // A file of comments sets nothing.
        guard let document = documents.first else { return NodeSettings() }
        if documents.count > 1 {
            throw ConfigurationError(
                path: path, issues: [.init("a second document; a configuration is one", at: documents[1].position)])
        }
        var settings = NodeSettings()
        let issues = decode(document, into: &settings)
        if !issues.isEmpty { throw ConfigurationError(path: path, issues: issues) }
        return settings
    }

    private static func decode(_ document: JSONValue, into settings: inout NodeSettings) -> [ConfigurationError.Issue] {
        guard let object = document.objectValue else {
            return [.init(expected("a \(kind)", document), at: document.position)]
        }
        var issues: [ConfigurationError.Issue] = []
        for (name, wanted) in [("apiVersion", version), ("kind", kind)] {
            guard let found = object[name] else {
                issues.append(.init("\(name): missing; expected \"\(wanted)\"", at: document.position))
                continue
            }
            if found.stringValue != wanted {
                issues.append(.init("\(name): expected \"\(wanted)\"", at: found.position))
            }
        }
        for member in object.members where member.key != "apiVersion" && member.key != "kind" {
            if member.value.isNull { continue }
            if member.key == "logging" {
                issues += decodeLogging(member.value, object, into: &settings)
            } else if member.key == "podsURLClient" {
                issues += EndpointFields.client(member.key, member.value, &settings.podsEndpoint)
            } else if member.key == "statusURLClient" {
                issues += EndpointFields.client(member.key, member.value, &settings.statusEndpoint)
            } else if member.key == "podsURL", object["staticPodURL"].map({ !$0.isNull }) == true {
                issues.append(.init("podsURL: staticPodURL, the same, is set too; remove one", at: member.keyPosition))
            } else if let field = fields.first(where: { $0.name == member.key }) {
                if let wrong = field.set(member.value, &settings) {
                    issues.append(.init("\(member.key): \(wrong)", at: member.value.position))
                }
            } else {
                issues.append(
                    .init(
                        unknown(
                            member.key, among: fields.map(\.name) + ["logging", "podsURLClient", "statusURLClient"]),
                        at: member.keyPosition))
            }
        }
        return issues
    }

    /// `logging.verbosity`, as the kubelet counts it: from 4 on it is for debugging.
    private static func decodeLogging(
        _ logging: JSONValue, _ object: JSONObject, into settings: inout NodeSettings
    ) -> [ConfigurationError.Issue] {
        guard let members = logging.objectValue?.members else {
            return [.init("logging: \(expected("an object", logging))", at: logging.position)]
        }
        var issues: [ConfigurationError.Issue] = []
        for member in members where !member.value.isNull {
            guard member.key == "verbosity" else {
                issues.append(.init("logging." + unknown(member.key, among: ["verbosity"]), at: member.keyPosition))
                continue
            }
            guard let verbosity = member.value.integerValue, verbosity >= 0 else {
                issues.append(.init("logging.verbosity: expected 0 or more", at: member.value.position))
                continue
            }
            if object["logLevel"] != nil {
                issues.append(.init("logging.verbosity: logLevel is set too; remove one", at: member.keyPosition))
                continue
            }
            settings.logLevel = verbosity >= 4 ? .debug : .info
        }
        return issues
    }

    private static func unknown(_ name: String, among known: [String]) -> String {
        let shown = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.isASCII } ? name : "(a name not in ASCII)"
        if KubeletFields.contains(name) {
            return "\(shown): a field of the kubelet that this node does not carry out; remove it"
        }
        guard let close = Spelling.closest(to: name, among: known) else { return "\(shown): unknown field" }
        return "\(shown): unknown field (did you mean \"\(close)\"?)"
    }
}
