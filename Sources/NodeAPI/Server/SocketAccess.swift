import Base
import CLinux

/// Who besides root may use the socket, by the groups of the process that connects. Without groups nobody.
public struct SocketAccess: Sendable, Equatable {
    /// Its members may do everything, and so are as good as root.
    public static let adminGroup = "swiftlet"
    /// Its members may look.
    public static let viewGroup = "swiftlet-view"

    var admins: gid_t?
    var viewers: gid_t?

    public init(admins: gid_t? = nil, viewers: gid_t? = nil) {
        self.admins = admins
        self.viewers = viewers
    }

    /// By the groups `swiftlet` and `swiftlet-view` of a group(5) file; each counts only where it exists.
    public static func groups(of file: String = "/etc/group") -> SocketAccess {
        let text = (try? Files.readText(file)) ?? ""
        func group(_ name: String) -> gid_t? {
            for line in text.split(separator: "\n") {
                let fields = line.split(separator: ":", omittingEmptySubsequences: false)
                // Group 0 is root's own, and no name for others.
                if fields.count >= 3, fields[0] == name, let id = gid_t(fields[2]), id != 0 { return id }
            }
            return nil
        }
        return SocketAccess(admins: group(adminGroup), viewers: group(viewGroup))
    }

    /// What the process at the other end of `socket` may do.
    func ofPeer(_ socket: borrowing FileDescriptor) -> Access {
        var (pid, uid, gid) = (pid_t(0), uid_t.max, gid_t.max)
        guard swl_peer_credentials(socket.raw, &pid, &uid, &gid) == 0 else { return .nothing }
        if uid == 0 || uid == geteuid() { return .everything }
        if admins == nil, viewers == nil { return .nothing }
        var groups = [gid_t](repeating: 0, count: 1 << 10)
        let count = swl_peer_groups(socket.raw, &groups, Int32(groups.count))
        let all = [gid] + groups.prefix(max(0, Int(count)))
        if let admins, all.contains(admins) { return .everything }
        if let viewers, all.contains(viewers) { return .view }
        return .nothing
    }

    /// Lets the groups, and nobody else, reach the socket at `path` in its folder.
    ///
    /// - Throws: `SystemError`, also where the file system has no access control lists: the socket is root's alone
    ///   then.
    func open(_ path: String) throws(SystemError) {
        let groups = [admins, viewers].compactMap { $0 }.sorted()
        if groups.isEmpty { return }
        try Self.allow(groups, .execute, beside: .all, at: Path.parent(path))
        try Self.allow(groups, .readWrite, beside: .readWrite, at: path)
    }

    private enum Permission: UInt16 {
        case execute = 1
        case readWrite = 6
        case all = 7
    }

    /// Writes the access control list (acl(5), in the form of the extended attribute): the owner's permission, those of
    /// the groups, and none for others.
    private static func allow(
        _ groups: [gid_t], _ permission: Permission, beside owner: Permission, at path: String
    ) throws(SystemError) {
        var list: [UInt8] = []
        func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { list += $0 } }
        func entry(_ tag: UInt16, _ permission: UInt16, _ id: UInt32 = .max) {
            append(tag)
            append(permission)
            append(id)
        }
        append(UInt32(2))
        entry(0x01, owner.rawValue)
        entry(0x04, 0)
        for group in Set(groups).sorted() { entry(0x08, permission.rawValue, group) }
        entry(0x10, permission.rawValue)
        entry(0x20, 0)
        try retrying("let the groups \(SocketAccess.adminGroup) and \(SocketAccess.viewGroup) use", path) {
            lsetxattr(path, "system.posix_acl_access", list, list.count, 0)
        }
    }
}
