import JSON

/// What an image says of itself and of the process to run: the parts of the image config that a node uses. All of it is
/// the image author's word and never decides anything on the host.
public struct ImageConfig: Hashable, Sendable {
    public var platform = ImagePlatform(os: "linux", architecture: "")
    /// RFC 3339 as written, or nil.
    public var created: String?
    /// `user`, `uid`, `user:group` ...; empty for root.
    public var user = ""
    /// `KEY=value`.
    public var env: [String] = []
    /// Nil when the image names none.
    public var entrypoint: [String]?
    public var cmd: [String]?
    /// Empty for `/`.
    public var workingDir = ""
    /// Paths of anonymous volumes.
    public var volumes: [String] = []
    /// `80/tcp`; information only.
    public var exposedPorts: [String] = []
    public var labels: [String: String] = [:]
    /// `SIGQUIT`, `3`; nil for SIGTERM.
    public var stopSignal: String?
    /// Digests of the unpacked layers, the lowest first.
    public var diffIDs: [ImageDigest] = []

    public init() {}

    /// Reads an image config. Unknown members are ignored and null is absent, as the image specification says.
    ///
    /// - Throws: `JSONError` for members of a wrong type and malformed layer digests.
    public init(_ value: JSONValue) throws(JSONError) {
        platform = try ImagePlatform(value)
        if platform.os.isEmpty { platform.os = "linux" }
        created = try value.optionalString("created")
        if let config = value["config"], !config.isNull {
            user = try config.optionalString("User") ?? ""
            env = try config.optionalStrings("Env") ?? []
            entrypoint = try config.optionalStrings("Entrypoint")
            cmd = try config.optionalStrings("Cmd")
            workingDir = try config.optionalString("WorkingDir") ?? ""
            volumes = try config.keySet("Volumes")
            exposedPorts = try config.keySet("ExposedPorts")
            labels = try config.stringMap("Labels")
            stopSignal = try config.optionalString("StopSignal")
            if stopSignal?.isEmpty == true { stopSignal = nil }
        }
        guard let rootfs = value["rootfs"], !rootfs.isNull else {
            throw JSONError("rootfs: missing", at: value.position)
        }
        guard try rootfs.requiredString("type") == "layers" else {
            throw JSONError("rootfs.type: expected \"layers\"", at: rootfs.position)
        }
        for text in try rootfs.optionalStrings("diff_ids") ?? [] {
            guard let digest = ImageDigest(text) else {
                throw JSONError("rootfs.diff_ids: not a sha256 or sha512 digest", at: rootfs.position)
            }
            diffIDs.append(digest)
        }
        // No string of ours may end early when it becomes a C string.
        let texts = [user, workingDir, stopSignal ?? ""] + env + (entrypoint ?? []) + (cmd ?? []) + volumes
        if texts.contains(where: { $0.utf8.contains(0) }) {
            throw JSONError("config: a text with a NUL byte", at: value.position)
        }
    }

    /// Reads what an image that is made here says of its process: the `config` member of an image config, without
    /// layers.
    ///
    /// - Throws: `JSONError`.
    public init(rootDocument value: JSONValue) throws(JSONError) {
        try self.init(["os": "linux", "rootfs": ["type": "layers"], "config": value])
    }

    /// The config in the form that `init` reads.
    public var json: JSONValue {
        var config = JSONObject()
        if !user.isEmpty { config.append("User", .string(user)) }
        if !env.isEmpty { config.append("Env", .strings(env)) }
        config.append("Entrypoint", ifPresent: entrypoint.map { .strings($0) })
        config.append("Cmd", ifPresent: cmd.map { .strings($0) })
        if !workingDir.isEmpty { config.append("WorkingDir", .string(workingDir)) }
        if !volumes.isEmpty { config.append("Volumes", Self.set(volumes)) }
        if !exposedPorts.isEmpty { config.append("ExposedPorts", Self.set(exposedPorts)) }
        if !labels.isEmpty {
            let members = labels.sorted { $0.key < $1.key }.map {
                JSONObject.Member(key: $0.key, value: .string($0.value))
            }
            config.append("Labels", .object(JSONObject(members)))
        }
        config.append("StopSignal", ifPresent: stopSignal.map { .string($0) })
        var object = JSONObject()
        object.append("os", .string(platform.os))
        object.append("architecture", .string(platform.architecture))
        if !platform.variant.isEmpty { object.append("variant", .string(platform.variant)) }
        object.append("created", ifPresent: created.map { .string($0) })
        object.append("config", .object(config))
        object.append("rootfs", ["type": "layers", "diff_ids": .strings(diffIDs.map(\.description))])
        return .object(object)
    }

    private static func set(_ keys: [String]) -> JSONValue {
        .object(JSONObject(keys.map { JSONObject.Member(key: $0, value: .object(JSONObject())) }))
    }
}
