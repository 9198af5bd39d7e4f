import Base
import JSON
import Kube
import YAML

/// The agent's configuration file: a KubeletConfiguration (kubelet.config.k8s.io/v1beta1) of the fields that this node
/// carries out, and some of its own.
public enum ConfigurationFile {
    static let version = "kubelet.config.k8s.io/v1beta1"
    static let kind = "KubeletConfiguration"

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
        let limits = YAML.Limits(bytes: 1 << 20, depth: 32, values: 20_000)
        let documents: [JSONValue]
        do throws(YAMLError) { documents = try YAML.documents(text, limits: limits).filter { !$0.isNull } } catch {
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
            return [.init(ConfigurationField.expected("a \(kind)", document), at: document.position)]
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
            guard let field = ConfigurationField.all.first(where: { $0.name == member.key }) else {
                let wrong = unknown(member.key, among: ConfigurationField.all.map(\.name))
                issues.append(.init(wrong, at: member.keyPosition))
                continue
            }
            if let alias = field.alias, object[alias].map({ !$0.isNull }) == true {
                issues.append(
                    .init("\(member.key): \(alias) is set too, which is the same; remove one", at: member.keyPosition))
                continue
            }
            issues += field.read(member.value, &settings)
        }
        return issues
    }

    static func unknown(_ name: String, among known: [String]) -> String {
        let shown = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.isASCII } ? name : "(a name not in ASCII)"
        if KubeletFields.contains(name) {
            return "\(shown): a field of the kubelet that this node does not carry out; remove it"
        }
        guard let close = Spelling.closest(to: name, among: known) else { return "\(shown): unknown field" }
        return "\(shown): unknown field (did you mean \"\(close)\"?)"
    }
}
