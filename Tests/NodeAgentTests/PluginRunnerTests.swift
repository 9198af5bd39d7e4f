import Base
import CLinux
import CNIRuntime
import CNITypes
import JSON
import Synchronization
import TestSupport
import Testing

@testable import NodeAgent

/// Plugins here are shell scripts. The actor's loop belongs to one thread of a process: each test has one of its own.
@Suite struct PluginRunnerTests {
    private static func request(_ type: String) -> PluginRequest {
        var configuration = JSONObject()
        configuration.append("type", .string(type))
        let list = NetworkList(
            name: "n", version: .v100, plugins: [.init(type: type, configuration: configuration)])
        let attachment = CNIRuntime.Attachment(
            containerID: "c1", interfaceName: "eth0", namespacePath: "/run/netns/x", network: list,
            arguments: ["A=b"], capabilityArguments: JSONObject())
        return PluginRequest(.add, attachment, plugin: 0, previous: nil, path: ["/p"])
    }

    /// Runs the script as a plugin; what came of it, as text.
    private static func outcome(_ script: String?, patience: Nanoseconds = .seconds(20)) throws -> String {
        let folder = try TemporaryDirectory()
        if let script {
            try Files.replace(
                folder.path + "/plugin", with: "#!/bin/sh\n\(script)\n".utf8, mode: 0o755, durable: false)
        }
        let outcome = Mutex("")
        try LoopActor.run { loop in
            var runner = PluginRunner(
                loop: loop, pool: BlockingPool(), log: Log(limit: .error), folders: ["/missing", folder.path])
            runner.patience = patience
            Task { [runner] in
                do throws(CNIError) {
                    let result = try await runner.run(request("plugin"))
                    let text = result.map { JSONWriter().text($0) } ?? "none"
                    outcome.withLock { $0 = text }
                } catch {
                    outcome.withLock { $0 = "\(error.code.rawValue) \(error)" }
                }
                loop.stop()
            }
            try loop.run()
        }
        return outcome.withLock { $0 }
    }

    @Test func aPluginGetsItsEnvironmentAndInputAndItsAnswerComesBack() async {
        await #expect(processExitsWith: .success) {
            let found = try PluginRunnerTests.outcome(
                """
                test "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_ARGS $CNI_PATH" = "ADD c1 eth0 A=b /p" || exit 3
                input=$(cat)
                echo "said to a person" >&2
                echo "{\\"ips\\":[],\\"dns\\":{\\"search\\":[\\"$(echo "$input" | tr -dc a-z)\\"]}}"
                """)
            precondition(found.contains(#""search":["typeplugincniersionnamen"]"#), found)
        }
    }

    @Test func aPluginThatHangsIsKilledWithWhatItStarted() async {
        await #expect(processExitsWith: .success) {
            // A text that no other process has.
            let mark = "sleep 1077.\(getpid())"
            let found = try PluginRunnerTests.outcome("\(mark) & \(mark)", patience: .milliseconds(200))
            precondition(found.hasPrefix("11 it did not end within"), found)
            // What is killed takes a moment to be gone.
            let deadline = BootInstant.now + .seconds(20)
            while try PluginRunnerTests.isRunning(mark) {
                precondition(BootInstant.now < deadline, "what the plugin started is left")
                _ = poll(nil, 0, 5)
            }
        }
    }

    private static func isRunning(_ command: String) throws -> Bool {
        try Files.list("/proc").compactMap { pid_t($0) }.contains { pid in
            let words = (try? Files.read("/proc/\(pid)/cmdline")) ?? []
            return String(decoding: words.map { $0 == 0 ? 0x20 : $0 }, as: UTF8.self).hasPrefix(command)
        }
    }

    @Test func whatAPluginLeavesRunningDoesNotHoldItsAnswer() async {
        await #expect(processExitsWith: .success) {
            let found = try PluginRunnerTests.outcome("sleep 3 & echo '{}'", patience: .seconds(2))
            precondition(found == #"{"cniVersion":"1.0.0"}"#, found)
        }
    }

    @Test func anAnswerWithoutEndIsCutOffAndRefused() async {
        await #expect(processExitsWith: .success) {
            let found = try PluginRunnerTests.outcome("head -c 20000000 /dev/zero | tr '\\0' x; exit 1")
            precondition(found.hasPrefix("999 it ended with exit status 1: xxx") && found.utf8.count < 2000, found)
        }
    }

    @Test func aPluginThatIsNotThereOrCannotBeRunIsNamedWithWhatToDo() async {
        await #expect(processExitsWith: .success) {
            let missing = try PluginRunnerTests.outcome(nil)
            precondition(missing.hasPrefix("50 there is no plugin of this name in /missing, /"), missing)
        }
        await #expect(processExitsWith: .success) {
            let broken = try PluginRunnerTests.outcome("kill -9 $$")
            precondition(broken.hasPrefix("999 it ended with signal 9"), broken)
        }
    }
}
