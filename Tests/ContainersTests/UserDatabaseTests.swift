import Testing

@testable import Containers

@Suite struct UserDatabaseTests {
    private let database = UserDatabase(
        passwd: Array(
            """
            # a comment
            root:x:0:0:root:/root:/bin/sh
            broken line
            nginx:x:101:102:nginx user:/var/lib/nginx:/sbin/nologin
            :x:103:103::/:
            1000:x:7:7:a name of digits:/seven:
            wrong:x:99999999999:1::/:
            evil:x:4294967295:0::/:
            """.utf8),
        group: Array(
            "root:x:0:nginx\nnginx:x:102:\nlogs:x:200:a,nginx,b\ntail:x:201:nginxx\nhuge:x:4294967295:nginx\nbad:x:y:nginx\n"
                .utf8))

    @Test(
        arguments: [
            ("", 0, 0, [0]), ("nginx", 101, 102, [102, 0, 200]), ("nginx:logs", 101, 200, [200, 0]),
            ("101", 101, 102, [102, 0, 200]), ("101:5", 101, 5, [5, 0, 200]), ("1000", 1000, 0, [0]),
            ("nginx:", 101, 102, [102, 0, 200]),
        ] as [(String, UInt32, UInt32, [UInt32])])
    func imageUsersAreResolved(_ name: String, _ uid: UInt32, _ gid: UInt32, _ groups: [UInt32]) throws {
        let user = try database.resolve(UserRequest(name: name))
        #expect((user.uid, user.gid) == (uid, gid))
        #expect(user.groups == groups)
    }

    @Test(arguments: [
        "nobody", "wrong", "evil", "nginx:none", "4294967295", "4294967296", "99999999999999999999", "2147483648",
        "0:4294967295", ":x", "-1", "+1",
    ])
    func whatIsNoUserOfTheImageIsRefused(_ name: String) {
        let error = #expect(throws: ContainerError.self) { try database.resolve(UserRequest(name: name)) }
        #expect(error?.kind == .user)
    }

    @Test func thePodsNumbersGoBeforeTheImagesName() throws {
        let user = try database.resolve(UserRequest(uid: 101, name: "nobody:none", additionalGids: [9, 9, 102]))
        #expect(user == ResolvedUser(uid: 101, gid: 102, groups: [102, 9, 0, 200], home: "/var/lib/nginx"))
        let group = try database.resolve(UserRequest(gid: 7, name: "nginx:logs", useImageGroups: false))
        #expect(group.gid == 7 && group.uid == 101 && group.groups == [7])
        #expect(throws: ContainerError.self) { try database.resolve(UserRequest(uid: .max)) }
        #expect(throws: ContainerError.self) { try database.resolve(UserRequest(additionalGids: [.max])) }
    }
}
