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
}
