import JSON

/// What a container runs, and as whom.
public struct RuntimeProcess: Sendable, Hashable {
    public var terminal: Bool
    /// Rows and columns of the terminal; nil leaves the kernel's.
    public var consoleSize: RuntimeConsoleSize?
    public var user: RuntimeUser
    public var args: [String]
    /// `NAME=value`.
    public var env: [String]
    public var cwd: String
    public var capabilities: RuntimeCapabilities
    public var rlimits: [RuntimeRlimit]
    public var noNewPrivileges: Bool
    public var oomScoreAdj: Int?
    /// The AppArmor profile that it is under from its execution on.
    public var apparmorProfile: String?

    public init(args: [String] = [], env: [String] = [], cwd: String = "/") {
        terminal = false
        user = RuntimeUser()
        self.args = args
        self.env = env
        self.cwd = cwd
        capabilities = RuntimeCapabilities()
        rlimits = []
        noNewPrivileges = false
    }

    public init(json: JSONValue, at path: String = "process") throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path,
            keys: [
                "terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
                "noNewPrivileges", "oomScoreAdj", "apparmorProfile",
            ],
            refused: ["commandLine", "selinuxLabel", "scheduler", "ioPriority", "execCPUAffinity"])
        terminal = try reader.bool("terminal") ?? false
        consoleSize = try reader["consoleSize"].map { (value) throws(JSONError) in
            try RuntimeConsoleSize(json: value, at: reader.join("consoleSize"))
        }
        user =
            try reader["user"].map { (value) throws(JSONError) in
                try RuntimeUser(json: value, at: reader.join("user"))
            } ?? RuntimeUser()
        args = try reader.strings("args")
        env = try reader.strings("env")
        cwd = try reader.required("cwd", try reader.string("cwd"))
        capabilities =
            try reader["capabilities"].map { (value) throws(JSONError) in
                try RuntimeCapabilities(json: value, at: reader.join("capabilities"))
            } ?? RuntimeCapabilities()
        rlimits = try reader.list("rlimits") { (value, path) throws(JSONError) in
            try RuntimeRlimit(json: value, at: path)
        }
        noNewPrivileges = try reader.bool("noNewPrivileges") ?? false
        oomScoreAdj = try reader.optional("oomScoreAdj", "an integer from -1000 to 1000") {
            $0.integerValue.flatMap { (-1000...1000).contains($0) ? Int($0) : nil }
        }
        apparmorProfile = try reader.string("apparmorProfile")
    }

    public var json: JSONValue {
        var object = JSONObject()
        if terminal { object.append("terminal", true) }
        object.append("consoleSize", ifPresent: consoleSize?.json)
        object.append("user", user.json)
        object.append("args", .strings(args))
        object.append("env", ifPresent: .nonEmpty(env))
        object.append("cwd", .string(cwd))
        object.append("capabilities", capabilities.json)
        if !rlimits.isEmpty { object.append("rlimits", .array(rlimits.map(\.json))) }
        if noNewPrivileges { object.append("noNewPrivileges", true) }
        object.append("oomScoreAdj", ifPresent: oomScoreAdj.map { .integer($0) })
        object.append("apparmorProfile", ifPresent: apparmorProfile.map { .string($0) })
        return .object(object)
    }
}
