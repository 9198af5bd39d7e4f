import JSON

/// The configuration of one container, as the OCI runtime specification's `config.json` has it.
///
/// Decoding is strict: a member that is present but would not be carried out is refused by name.
public struct RuntimeSpec: Sendable, Hashable {
    /// The version of the specification that this code follows.
    public static let version = "1.2.0"

    public var ociVersion: String
    public var process: RuntimeProcess
    public var root: RuntimeRoot
    public var hostname: String?
    public var domainname: String?
    /// In the order in which they are made.
    public var mounts: [RuntimeMount]
    public var annotations: [String: String]
    public var linux: RuntimeLinux

    public init(process: RuntimeProcess = .init(), root: RuntimeRoot = .init(), mounts: [RuntimeMount] = []) {
        ociVersion = Self.version
        self.process = process
        self.root = root
        self.mounts = mounts
        annotations = [:]
        linux = RuntimeLinux()
    }

    /// - Throws: `JSONError` naming the member that is missing, of the wrong type, or not carried out.
    public init(json: JSONValue) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: "",
            keys: ["ociVersion", "process", "root", "hostname", "domainname", "mounts", "annotations", "linux"],
            refused: ["hooks", "solaris", "windows", "vm", "zos", "freebsd"])
        ociVersion = try reader.required("ociVersion", try reader.string("ociVersion"))
        guard ociVersion.hasPrefix("1.") else {
            throw JSONError("ociVersion: \(ociVersion) is not a 1.x version", at: json.position)
        }
        process = try RuntimeProcess(json: try reader.required("process", reader["process"]), at: "process")
        root = try RuntimeRoot(json: try reader.required("root", reader["root"]), at: "root")
        hostname = try reader.string("hostname")
        domainname = try reader.string("domainname")
        mounts = try reader.list("mounts") { (value, path) throws(JSONError) in
            try RuntimeMount(json: value, at: path)
        }
        annotations = try reader.stringMap("annotations")
        linux =
            try reader["linux"].map { (value) throws(JSONError) in try RuntimeLinux(json: value, at: "linux") }
            ?? RuntimeLinux()
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.append("ociVersion", .string(ociVersion))
        object.append("process", process.json)
        object.append("root", root.json)
        object.append("hostname", ifPresent: hostname.map { .string($0) })
        object.append("domainname", ifPresent: domainname.map { .string($0) })
        if !mounts.isEmpty { object.append("mounts", .array(mounts.map(\.json))) }
        object.append("annotations", ifPresent: .nonEmpty(annotations))
        object.append("linux", linux.json)
        return .object(object)
    }
}
