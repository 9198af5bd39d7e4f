import Base
import JSON

/// The settings that hold, each with where it comes from.
public struct NodeConfiguration: Sendable {
    public enum Origin: String, Sendable {
        case builtIn = "default"
        case file
        case commandLine = "command line"
    }

    public struct Setting: Sendable {
        public var name: String
        /// Without secrets.
        public var value: JSONValue
        public var origin: Origin
        /// What the file says meanwhile, which only a restart of the agent brings.
        public var afterRestart: JSONValue?

        public init(name: String, value: JSONValue, origin: Origin, afterRestart: JSONValue? = nil) {
            self.name = name
            self.value = value
            self.origin = origin
            self.afterRestart = afterRestart
        }
    }

    /// Where the file is looked for.
    public var path: String
    /// What is wrong with the file: what held before it was changed holds on.
    public var problem: String?
    public var settings: [Setting]

    public init(path: String, problem: String? = nil, settings: [Setting]) {
        self.path = path
        self.problem = problem
        self.settings = settings
    }

    /// - Parameters:
    ///   - now: what the command line and the file say together.
    ///   - start: what they said when the agent started.
    ///   - defaults: what holds where both say nothing.
    public init(
        path: String, problem: String?, commandLine: NodeSettings, now: NodeSettings, start: NodeSettings,
        defaults: NodeSettings
    ) {
        var settings: [Setting] = []
        for field in ConfigurationField.all where field.alias == nil {
            let wanted = field.value(now)
            let held = field.needsRestart ? field.value(start) : wanted
            guard let value = held ?? field.value(defaults) else { continue }
            let origin: Origin =
                held == nil ? .builtIn : field.value(commandLine) != nil ? .commandLine : .file
            var setting = Setting(name: field.name, value: value, origin: origin)
            if held != wanted { setting.afterRestart = wanted ?? field.value(defaults) }
            settings.append(setting)
        }
        self.init(path: path, problem: problem, settings: settings)
    }

    /// A configuration file that says all this.
    public var document: JSONValue {
        var object = JSONObject()
        object.append("apiVersion", .string(ConfigurationFile.version))
        object.append("kind", .string(ConfigurationFile.kind))
        for setting in settings { object.append(setting.name, setting.value) }
        return .object(object)
    }
}
