import JSON

/// Everything a supervisor needs to start a container. Paths are the host's.
public struct StartContainer: Hashable, Sendable {
    /// The container's name in its pod, and which start of it this is.
    public var container: String
    public var attempt: Int64
    /// A name of this one attempt, unique on the machine.
    public var id: String
    /// The OCI runtime configuration.
    public var spec: JSONValue
    public var root: Root
    public var user: User
    /// File with the seccomp program (an array of `sock_filter`); nil for none.
    public var seccompProgram: String?
    /// Folder of the cgroup to start in; nil to stay in the supervisor's.
    public var cgroup: String?
    public var log: Log
    /// Keeps standard input open for those who attach; without it the process reads the end.
    public var standardInput: Bool
    /// The end of the first one's input is the container's. Without meaning for a terminal, which has no end.
    public var standardInputOnce: Bool
    /// A terminal is standard input, output and error, and `/dev/console`.
    public var terminal: Bool
    /// Remembered for an agent that takes over; the supervisor itself sends nothing unasked.
    public var stopSignal: Int32?
    /// The container of the pod whose pid namespace it joins; the spec then has none. `ProtocolVersion.pidTarget`.
    public var pidTarget: String?

    public init(
        container: String, attempt: Int64, id: String, spec: JSONValue, root: Root, user: User = User(),
        seccompProgram: String? = nil, cgroup: String? = nil, log: Log, standardInput: Bool = false,
        standardInputOnce: Bool = false, terminal: Bool = false, stopSignal: Int32? = nil,
        pidTarget: String? = nil
    ) {
        self.container = container
        self.attempt = attempt
        self.id = id
        self.spec = spec
        self.root = root
        self.user = user
        self.seccompProgram = seccompProgram
        self.cgroup = cgroup
        self.log = log
        self.standardInput = standardInput
        self.standardInputOnce = standardInputOnce
        self.terminal = terminal
        self.stopSignal = stopSignal
        self.pidTarget = pidTarget
    }

    /// What becomes the container's root file system.
    public enum Root: Hashable, Sendable {
        /// `lower`: read-only layers, the top one first; `upper` receives what is written; `work` is an empty folder
        /// on the file system of `upper`.
        case overlay(lower: [String], upper: String, work: String)
        case directory(String)
    }

    /// Who the container's process runs as. Names are looked up in the container's own root file system.
    public struct User: Hashable, Sendable {
        /// `user[:group]` of the image, names or numbers; empty for root.
        public var image: String
        /// What the manifest says, before the image.
        public var uid: UInt32?
        public var gid: UInt32?
        /// Supplementary groups.
        public var groups: [UInt32]
        /// Adds the groups that the image's `/etc/group` lists the user in (`supplementalGroupsPolicy: Merge`).
        public var usesImageGroups: Bool
        /// Refuses to start as user 0.
        public var mustNotBeRoot: Bool

        public init(
            image: String = "", uid: UInt32? = nil, gid: UInt32? = nil, groups: [UInt32] = [],
            usesImageGroups: Bool = true, mustNotBeRoot: Bool = false
        ) {
            self.image = image
            self.uid = uid
            self.gid = gid
            self.groups = groups
            self.usesImageGroups = usesImageGroups
            self.mustNotBeRoot = mustNotBeRoot
        }
    }

    /// Where the output goes: a file in CRI format, and what all its generations together may take.
    public struct Log: Hashable, Sendable {
        public var path: String
        /// A file is rotated before it grows beyond this.
        public var maximumBytes: Int64
        /// The current file and the rotated ones.
        public var maximumFiles: Int64

        public init(path: String, maximumBytes: Int64 = 10 << 20, maximumFiles: Int64 = 5) {
            self.path = path
            self.maximumBytes = maximumBytes
            self.maximumFiles = maximumFiles
        }
    }

    init(json: JSONValue) throws(JSONError) {
        container = try json.requiredString("container")
        attempt = try json.requiredInteger("attempt")
        id = try json.requiredString("containerID")
        spec = try json.required("spec", "an object") { $0.objectValue == nil ? nil : $0 }
        let root = try json.required("root", "an object") { $0.objectValue == nil ? nil : $0 }
        if let lower = try root.optionalStrings("lower") {
            self.root = .overlay(
                lower: lower, upper: try root.requiredString("upper"), work: try root.requiredString("work"))
        } else {
            self.root = .directory(try root.requiredString("directory"))
        }
        let user = try json.optional("user", "an object") { $0.objectValue == nil ? nil : $0 } ?? [:]
        self.user = User(
            image: try user.optionalString("image") ?? "",
            uid: try user.optional("uid", "a user id") { $0.integerValue.flatMap { UInt32(exactly: $0) } },
            gid: try user.optional("gid", "a group id") { $0.integerValue.flatMap { UInt32(exactly: $0) } },
            groups: try user.optional("groups", "a list of group ids", groupList) ?? [],
            usesImageGroups: try user.optionalBool("usesImageGroups") ?? true,
            mustNotBeRoot: try user.optionalBool("mustNotBeRoot") ?? false)
        seccompProgram = try json.optionalString("seccompProgram")
        cgroup = try json.optionalString("cgroup")
        let log = try json.required("log", "an object") { $0.objectValue == nil ? nil : $0 }
        self.log = Log(
            path: try log.requiredString("path"), maximumBytes: try log.optionalInteger("maximumBytes") ?? 10 << 20,
            maximumFiles: try log.optionalInteger("maximumFiles") ?? 5)
        standardInput = try json.optionalBool("stdin") ?? false
        standardInputOnce = try json.optionalBool("stdinOnce") ?? false
        terminal = try json.optionalBool("tty") ?? false
        stopSignal = try json.optional("stopSignal", "a signal number") {
            $0.integerValue.flatMap { Int32(exactly: $0) }
        }
        pidTarget = try json.optionalString("pidTarget")
    }

    func append(to object: inout JSONObject) {
        object.append("container", .string(container))
        object.append("attempt", .integer(attempt))
        object.append("containerID", .string(id))
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        object.append("spec", spec)
        var root = JSONObject()
        switch self.root {
        case .overlay(let lower, let upper, let work):
            root.append("lower", .strings(lower))
            root.append("upper", .string(upper))
            root.append("work", .string(work))
        case .directory(let path): root.append("directory", .string(path))
        }
        object.append("root", .object(root))
        var user = JSONObject()
        user.append("image", .string(self.user.image))
        user.append("uid", ifPresent: self.user.uid.map { .integer($0) })
        user.append("gid", ifPresent: self.user.gid.map { .integer($0) })
        user.append("groups", .array(self.user.groups.map { .integer($0) }))
        user.append("usesImageGroups", .bool(self.user.usesImageGroups))
        user.append("mustNotBeRoot", .bool(self.user.mustNotBeRoot))
        object.append("user", .object(user))
        object.append("seccompProgram", ifPresent: seccompProgram.map { .string($0) })
        object.append("cgroup", ifPresent: cgroup.map { .string($0) })
        object.append(
            "log",
            [
                "path": .string(log.path), "maximumBytes": .integer(log.maximumBytes),
                "maximumFiles": .integer(log.maximumFiles),
            ])
        object.append("stdin", .bool(standardInput))
        if standardInputOnce { object.append("stdinOnce", true) }
        object.append("tty", .bool(terminal))
        object.append("stopSignal", ifPresent: stopSignal.map { .integer($0) })
        object.append("pidTarget", ifPresent: pidTarget.map { .string($0) })
    }
}

func groupList(_ value: JSONValue) -> [UInt32]? {
    guard let values = value.arrayValue else { return nil }
    var groups: [UInt32] = []
    for value in values {
        guard let group = value.integerValue.flatMap({ UInt32(exactly: $0) }) else { return nil }
        groups.append(group)
    }
    return groups
}
