/// As whom a process is to run, resolved in the container's own `/etc/passwd` and `/etc/group`.
public struct UserRequest: Sendable, Hashable {
    /// The pod's `runAsUser`: goes before `name`.
    public var uid: UInt32?
    /// The pod's `runAsGroup`: goes before the group of `name`.
    public var gid: UInt32?
    /// The image's `User`: `user`, `uid`, `user:group` and the numeric forms; empty means root.
    public var name: String
    /// Supplementary groups beside those of the image.
    public var additionalGids: [UInt32]
    /// Adds the groups that `/etc/group` lists the user in (`supplementalGroupsPolicy: Merge`).
    public var useImageGroups: Bool

    public init(
        uid: UInt32? = nil, gid: UInt32? = nil, name: String = "", additionalGids: [UInt32] = [],
        useImageGroups: Bool = true
    ) {
        self.uid = uid
        self.gid = gid
        self.name = name
        self.additionalGids = additionalGids
        self.useImageGroups = useImageGroups
    }
}
