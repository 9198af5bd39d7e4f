import Base
import CLinux
import NodeAPITestSupport
import TestSupport
import Testing

@testable import NodeAPI

/// An ordinary HTTP client.
@Suite(.enabled(if: Files.exists("/usr/bin/curl"))) struct CurlTests {
    /// Runs curl beside the server and gives what it printed.
    func curl(_ harness: Harness, as prefix: [String] = [], _ arguments: String...) throws -> String {
        let output = harness.folder.path + "/curl.out"
        let file = SharedDescriptor(try FileDescriptor.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        let command = prefix + ["/usr/bin/curl", "-sS", "--max-time", "10", "--unix-socket", harness.path] + arguments
        var spawn = Spawn(command[0], Array(command.dropFirst()), environment: ["PATH=/usr/bin:/bin"])
        spawn.standardOutput = file
        spawn.standardError = file
        let child = try spawn.start()
        try harness.turn { try child.wait(block: false) != nil }
        return String(decoding: try Files.read(output), as: UTF8.self)
    }

    @Test func curlReadsPodsLogsAndSendsArchives() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        #expect(try curl(harness, "http://x/pods").contains("\"PodList\""))
        #expect(try curl(harness, "-0", "http://x/swiftlet/v1/pods/default/a").contains("Running"))
        try harness.folder.write("logs/0.log", "2026-01-01T00:00:00.000000000Z stdout F hello\n")
        harness.node.logSources["a/c"] = LogSource(
            folder: harness.folder.path + "/logs", attempt: 0, isComplete: true)
        #expect(
            try curl(harness, "http://x/containerLogs/default/a/c?timestamps=true")
                == "2026-01-01T00:00:00.000000000Z hello\n")
        #expect(try curl(harness, "-0", "http://x/containerLogs/default/a") == "hello\n")
        #expect(try curl(harness, "-w", "%{http_code}", "http://x/containerLogs/default/b/c").hasSuffix("404"))
        let archive = try harness.folder.write("big.tar", [UInt8](repeating: 7, count: 3 << 20))
        let answer = try curl(
            harness, "-X", "POST", "-T", archive, "-H", "Transfer-Encoding: chunked",
            "http://x/swiftlet/v1/images/load?name=big")
        #expect(answer.contains("\"names\":[\"big\"]"))
        #expect(harness.node.loaded.last?.bytes.count == 3 << 20)
    }

    @Test(.enabled(if: geteuid() == 0 && Files.exists("/usr/bin/setpriv")))
    func onlyRootAndTheOwnUserAreServedEvenWhenTheSocketIsOpenToAll() throws {
        let harness = try Harness()
        #expect(chmod(harness.folder.path, 0o755) == 0 && chmod(harness.path, 0o666) == 0)
        let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        #expect(try curl(harness, as: nobody, "http://x/healthz") == "only root may use this socket\n")
        #expect(try curl(harness, "http://x/healthz") == "ok\n")
    }

    @Test(.enabled(if: geteuid() == 0 && Files.exists("/usr/bin/setpriv")))
    func membersOfTheGroupsMayLookOrDoEverythingAndNobodyElseReachesTheSocket() throws {
        let harness = try Harness(access: SocketAccess(admins: 64001, viewers: 64002))
        harness.node.setPod("a", phase: "Running")
        func member(_ groups: String) -> [String] {
            ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--groups=\(groups)"]
        }
        let remove = "http://x/swiftlet/v1/images?reference=b"
        #expect(try curl(harness, as: member("64001"), "http://x/pods").contains("\"PodList\""))
        #expect(try curl(harness, as: member("7,64001"), "-X", "DELETE", remove).contains("untagged"))
        for path in ["/pods", "/healthz", "/swiftlet/v1/pods/default/a", "/swiftlet/v1/events", "/metrics"] {
            let answer = try curl(harness, as: member("64002"), "-w", "%{http_code}", "http://x\(path)")
            #expect(answer.hasSuffix("200"), "\(path): \(answer)")
        }
        let forbidden = [
            "/exec/default/a/c?command=id", "/attach/default/a", "/swiftlet/v1/images/load", "/swiftlet/v1/nothing/a",
        ]
        for path in forbidden {
            let answer = try curl(harness, as: member("64002"), "-w", "%{http_code}", "http://x\(path)")
            #expect(answer.hasSuffix("403"), "\(path): \(answer)")
        }
        #expect(try curl(harness, as: member("64002"), "-X", "DELETE", remove).contains("may only look"))
        #expect(
            try curl(harness, as: member("64002"), "-X", "POST", "http://x/swiftlet/v1/drain").contains("only look"))
        #expect(!harness.node.isDrained)
        #expect(try curl(harness, as: member("64003"), "http://x/pods").contains("curl: (7)"))
    }

    @Test func groupsAreThoseOfTheFileAndNeverRootsOwn() throws {
        let folder = try TemporaryDirectory()
        let file = try folder.write("group", "root:x:0:\nswiftlet-view:x:64002:ann,ben\nswiftlet:x:0:\nbroken\n")
        #expect(SocketAccess.groups(of: file) == SocketAccess(viewers: 64002))
        #expect(SocketAccess.groups(of: folder.path + "/none") == SocketAccess())
    }
}
