import Base
import JSON

/// A field of the configuration file: how its value is read and shown, and what the manual says of it.
public struct ConfigurationField: Sendable {
    typealias Issue = ConfigurationError.Issue

    public let name: String
    /// What it is for, with its unit; a sentence or two.
    public let meaning: String
    /// What holds when it is not set, as the manual says it; empty where nothing does.
    public let absence: String
    /// Carried out only by an agent that starts.
    public let needsRestart: Bool
    /// The same as another field, for those who come from the kubelet: shown under that one's name.
    public let alias: String?
    /// Sets what `value` says. The result is what is wrong with it.
    let read: @Sendable (_ value: JSONValue, _ settings: inout NodeSettings) -> [Issue]
    /// The value that settings hold, without secrets; nil when they set none.
    let value: @Sendable (NodeSettings) -> JSONValue?

    init(
        _ name: String, _ meaning: String, absence: String = "", needsRestart: Bool = false, alias: String? = nil,
        read: @escaping @Sendable (JSONValue, inout NodeSettings) -> [Issue],
        value: @escaping @Sendable (NodeSettings) -> JSONValue?
    ) {
        self.name = name
        self.meaning = meaning
        self.absence = absence
        self.needsRestart = needsRestart
        self.alias = alias
        self.read = read
        self.value = value
    }

    /// A field with one value; the closure's result is what is wrong with it.
    init(
        _ name: String, _ meaning: String, absence: String = "", needsRestart: Bool = false, alias: String? = nil,
        set: @escaping @Sendable (JSONValue, inout NodeSettings) -> String?,
        value: @escaping @Sendable (NodeSettings) -> JSONValue?
    ) {
        self.init(
            name, meaning, absence: absence, needsRestart: needsRestart, alias: alias,
            read: { found, settings in
                set(found, &settings).map { [Issue("\(name): \($0)", at: found.position)] } ?? []
            }, value: value)
    }

    static func boolean(
        _ name: String, _ meaning: String, needsRestart: Bool = false,
        _ setting: any WritableKeyPath<NodeSettings, Bool?> & Sendable
    ) -> ConfigurationField {
        ConfigurationField(
            name, meaning, absence: "false", needsRestart: needsRestart,
            set: { value, settings in
                guard let chosen = value.boolValue else { return expected("a boolean", value) }
                settings[keyPath: setting] = chosen
                return nil
            }, value: { $0[keyPath: setting].map { .bool($0) } })
    }

    static func expected(_ what: String, _ value: JSONValue) -> String { "expected \(what), found \(value.kind)" }
}
