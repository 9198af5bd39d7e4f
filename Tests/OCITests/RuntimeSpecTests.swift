import JSON
import Testing

@testable import OCI

@Suite struct RuntimeSpecTests {
    private let full = """
        {"ociVersion":"1.2.0","process":{"terminal":true,"consoleSize":{"height":24,"width":80},
        "user":{"uid":1,"gid":2,"additionalGids":[3],"umask":18},"args":["a"],"env":["A=b"],"cwd":"/",
        "capabilities":{"bounding":["CAP_KILL"],"effective":["CAP_KILL"],"permitted":["CAP_KILL"],
        "inheritable":["CAP_KILL"],"ambient":["CAP_KILL"]},
        "rlimits":[{"type":"RLIMIT_NOFILE","hard":18446744073709551615,"soft":1024}],
        "noNewPrivileges":true,"oomScoreAdj":-5,"apparmorProfile":"web"},
        "root":{"path":"rootfs","readonly":true},"hostname":"h","domainname":"d",
        "mounts":[{"destination":"/proc","type":"proc","source":"proc","options":["ro"]}],
        "annotations":{"a":"b"},
        "linux":{"namespaces":[{"type":"pid"},{"type":"network","path":"/x"}],
        "devices":[{"path":"/dev/x","type":"c","major":1,"minor":2,"fileMode":438,"uid":3,"gid":4}],
        "cgroupsPath":"/c","resources":{"devices":[{"allow":true,"type":"c","major":1,"access":"rw"}],
        "memory":{"limit":1,"reservation":2,"swap":3},"cpu":{"shares":4,"quota":5,"period":6,"burst":7,"cpus":"0","mems":"0"},
        "pids":{"limit":8},"hugepageLimits":[{"pageSize":"2MB","limit":9}],"unified":{"io.weight":"1"}},
        "rootfsPropagation":"rslave","maskedPaths":["/m"],"readonlyPaths":["/r"],
        "seccomp":{"defaultAction":"SCMP_ACT_ALLOW"},"sysctl":{"net.x":"1"}}}
        """

    @Test func everyFieldSurvivesReadingAndWriting() throws {
        let value = try JSONParser.parse(full.utf8)
        let spec = try RuntimeSpec(json: value)
        #expect(JSONWriter(sortsKeys: true).text(spec.json) == JSONWriter(sortsKeys: true).text(value))
        #expect(try RuntimeSpec(json: spec.json) == spec)
        #expect(spec.process.rlimits[0].hard == .max)
    }

    @Test(arguments: [
        ("\"hooks\":{}", "hooks: not supported"), ("\"linux\":{\"intelRdt\":{}}", "linux.intelRdt: not supported"),
        ("\"linux\":{\"resources\":{\"blockIO\":{}}}", "linux.resources.blockIO: not supported"),
        ("\"linux\":{\"resources\":{\"cpu\":{\"idle\":1}}}", "linux.resources.cpu.idle: not supported"),
        ("\"linux\":{\"fish\":1}", "linux.fish: unknown"),
        ("\"mounts\":[{\"destination\":\"/x\",\"uidMappings\":[]}]", "mounts[0].uidMappings: not supported"),
        ("\"linux\":{\"namespaces\":[{\"type\":\"fish\"}]}", "linux.namespaces[0].type: \"fish\" is not"),
        ("\"linux\":{\"devices\":[{\"path\":\"/dev/x\",\"type\":\"c\",\"major\":-1}]}", "linux.devices[0].major"),
    ])
    func whatWouldNotBeCarriedOutIsRefusedByName(_ member: String, _ words: String) throws {
        let text = "{\"ociVersion\":\"1.0.2\",\"process\":{\"cwd\":\"/\"},\"root\":{\"path\":\"r\"},\(member)}"
        let value = try JSONParser.parse(text.utf8)
        let error = #expect(throws: JSONError.self) { try RuntimeSpec(json: value) }
        #expect(error?.message.hasPrefix(words) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "{}", "[]", #"{"ociVersion":"2.0.0","process":{"cwd":"/"},"root":{"path":"r"}}"#,
        #"{"ociVersion":"1.0.0","process":{},"root":{"path":"r"}}"#,
        #"{"ociVersion":"1.0.0","process":{"cwd":"/","oomScoreAdj":1001},"root":{"path":"r"}}"#,
        #"{"ociVersion":"1.0.0","process":{"cwd":"/","user":{"uid":4294967296}},"root":{"path":"r"}}"#,
        #"{"ociVersion":"1.0.0","process":{"cwd":"/","user":{"umask":512}},"root":{"path":"r"}}"#,
    ])
    func aSpecThatIsNoneIsRefused(_ text: String) throws {
        let value = try JSONParser.parse(text.utf8)
        #expect(throws: JSONError.self) { try RuntimeSpec(json: value) }
    }

    @Test func minusOneMeansEveryDeviceNumber() throws {
        let value = try JSONParser.parse(#"{"allow":false,"type":"b","major":-1,"access":"rwm"}"#.utf8)
        #expect(try RuntimeDeviceRule(json: value, at: "x").major == nil)
    }
}
