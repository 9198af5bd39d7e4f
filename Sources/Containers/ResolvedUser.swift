import JSON

/// The numbers that a process runs with.
public struct ResolvedUser: Sendable, Hashable {
    public var uid: UInt32
    public var gid: UInt32
    /// The supplementary groups, with the primary one among them (CVE-2022-36109), without duplicates.
    public var groups: [UInt32]
    /// The home folder that `/etc/passwd` gives; nil when it was not looked up or does not list the user.
    public var home: String?

    public init(uid: UInt32, gid: UInt32, groups: [UInt32], home: String? = nil) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.home = home
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("uid", .integer(uid))
        object.append("gid", .integer(gid))
        object.append("groups", .array(groups.map { .integer($0) }))
        object.append("home", ifPresent: home.map { .string($0) })
        return .object(object)
    }

    init?(json: JSONValue) {
        guard let uid = json["uid"]?.integerValue.flatMap({ UInt32(exactly: $0) }),
            let gid = json["gid"]?.integerValue.flatMap({ UInt32(exactly: $0) }),
            let groups = json["groups"]?.arrayValue
        else { return nil }
        self.init(
            uid: uid, gid: gid, groups: groups.compactMap { $0.integerValue.flatMap { UInt32(exactly: $0) } },
            home: json["home"]?.stringValue)
    }
}
