import Base
import Linux

/// The container's `/etc/passwd` and `/etc/group`: bytes that the image's author chose.
struct UserDatabase {
    var passwd: [UInt8]
    var group: [UInt8]

    /// More than any real file; what a hostile one may cost.
    static let limit = 4 << 20
    /// Beyond it the kernel's signed types and "no change" (-1) begin.
    static let largestID: UInt32 = 0x7FFF_FFFF
    /// The kernel's NGROUPS_MAX.
    static let mostGroups = 65536

    init(passwd: [UInt8] = [], group: [UInt8] = []) {
        self.passwd = passwd
        self.group = group
    }

    /// Reads both from a container's root; a missing one is empty.
    init(_ root: RootDirectory) throws(SystemError) {
        passwd = try root.readFile("/etc/passwd", limit: Self.limit) ?? []
        group = try root.readFile("/etc/group", limit: Self.limit) ?? []
    }

    private struct Account {
        var name: String
        var uid: UInt32
        var gid: UInt32
        var home: String
    }

    /// The numbers for a request, by the rules of image configurations and of Kubernetes.
    ///
    /// - Throws: `ContainerError` of kind `user`.
    func resolve(_ request: UserRequest) throws(ContainerError) -> ResolvedUser {
        let parts = request.name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let user = parts.first ?? ""
        let group = parts.count > 1 ? parts[1] : ""

        var uid: UInt32 = 0
        var account: Account?
        if let asked = request.uid {
            uid = try Self.checked(asked, "user")
            account = find { $0.uid == uid }
        } else if let number = try Self.number(user, "user") {
            uid = number
            account = find { $0.uid == uid }
        } else if user.isEmpty {
            account = find { $0.uid == 0 }
        } else {
            guard let found = find(where: { $0.name == user }) else {
                throw ContainerError(
                    .user, "find the user", user, nil, hint: "the image's /etc/passwd has no such entry")
            }
            uid = try Self.checked(found.uid, "user")
            account = found
        }

        var gid: UInt32
        if let asked = request.gid {
            gid = try Self.checked(asked, "group")
        } else if !group.isEmpty, request.uid == nil {
            if let number = try Self.number(group, "group") {
                gid = number
            } else {
                guard let number = groupNumber(group) else {
                    throw ContainerError(
                        .user, "find the group", group, nil, hint: "the image's /etc/group has no such entry")
                }
                gid = try Self.checked(number, "group")
            }
        } else {
            gid = try Self.checked(account?.gid ?? 0, "group")
        }

        var groups = [gid]
        var seen: Set<UInt32> = [gid]
        func add(_ more: [UInt32]) throws(ContainerError) {
            for value in more where seen.insert(value).inserted { groups.append(try Self.checked(value, "group")) }
        }
        try add(request.additionalGids)
        if request.useImageGroups, let name = account?.name { try add(memberships(of: name)) }
        guard groups.count <= Self.mostGroups else {
            throw ContainerError(.user, "set", "\(groups.count) groups", .tooBig)
        }
        return ResolvedUser(uid: uid, gid: gid, groups: groups, home: account?.home)
    }

    /// Nil when the text is no number; out of range is an error, never wrapped (CVE-2024-40635).
    private static func number(_ text: String, _ what: String) throws(ContainerError) -> UInt32? {
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        guard let value = UInt32(text) else {
            throw ContainerError(.user, "use the \(what) id", text, nil, hint: "ids are from 0 to \(largestID)")
        }
        return try checked(value, what)
    }

    private static func checked(_ id: UInt32, _ what: String) throws(ContainerError) -> UInt32 {
        guard id <= largestID else {
            throw ContainerError(.user, "use the \(what) id", "\(id)", nil, hint: "ids are from 0 to \(largestID)")
        }
        return id
    }

    // MARK: Parsing. Lines that do not parse are passed over, as the C library does.

    private func find(where matches: (Account) -> Bool) -> Account? {
        for line in passwd.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count >= 6, let uid = Self.field(fields[2]), let gid = Self.field(fields[3]),
                !fields[0].isEmpty
            else { continue }
            let account = Account(
                name: String(decoding: fields[0], as: UTF8.self), uid: uid, gid: gid,
                home: String(decoding: fields[5], as: UTF8.self))
            if matches(account) { return account }
        }
        return nil
    }

    private func groupNumber(_ name: String) -> UInt32? {
        for line in group.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            if fields.count >= 3, fields[0].elementsEqual(name.utf8), let gid = Self.field(fields[2]) { return gid }
        }
        return nil
    }

    private func memberships(of user: String) -> [UInt32] {
        var gids: [UInt32] = []
        for line in group.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count >= 4, let gid = Self.field(fields[2]), gid <= Self.largestID else { continue }
            if fields[3].split(separator: 0x2C).contains(where: { $0.elementsEqual(user.utf8) }) { gids.append(gid) }
        }
        return gids
    }

    private static func field(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        UInt32(String(decoding: bytes, as: UTF8.self))
    }
}
