import JSON
import Kube
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct DebugTests {
    private func given(_ line: String) throws -> JSONValue {
        let words = ["debug"] + line.split(separator: " ").map(String.init)
        let (_, invocation) = try ArgumentParser(commands: CommandLineTool.commands).parse(words)
        return try DebugCommand.container(invocation).given
    }

    @Test func theContainerIsWhatTheLineSays() throws {
        let shell = try given("-it web --image=tools --target=main -c look --env A=b=c --env D= -- sh -c ls")
        #expect(shell["name"] == "look" && shell["image"] == "tools" && shell["targetContainerName"] == "main")
        #expect(shell["stdin"] == true && shell["tty"] == true && shell["command"] == ["sh", "-c", "ls"])
        #expect(shell["env"] == [["name": "A", "value": "b=c"], ["name": "D"]])
        #expect(shell["args"] == nil && shell["imagePullPolicy"] == nil)
        let named = try given("web --image=tools --arguments-only --image-pull-policy Never -- -v")
        #expect(named["args"] == ["-v"] && named["command"] == nil && named["imagePullPolicy"] == "Never")
        #expect(named["name"]?.stringValue?.hasPrefix("debugger-") == true && named["stdin"] == nil)
    }

    @Test func theProfileSaysWhatItMayDo() throws {
        func context(_ profile: String) throws -> JSONValue? {
            try given("web --image=tools --profile=\(profile)")["securityContext"]
        }
        #expect(try given("web --image=tools")["securityContext"] == ["capabilities": ["add": ["SYS_PTRACE"]]])
        #expect(try context("general") == ["capabilities": ["add": ["SYS_PTRACE"]]])
        #expect(try context("baseline") == nil)
        #expect(try context("legacy") == nil)
        #expect(try context("netadmin") == ["capabilities": ["add": ["NET_ADMIN", "NET_RAW"]]])
        #expect(try context("sysadmin") == ["privileged": true])
        #expect(try context("restricted")?["runAsNonRoot"] == true)
        #expect(throws: CLIError.self) { try context("root") }
    }

    @Test func whatMakesNoSenseIsRefused() throws {
        for line in [
            "web", "web --image=", "-t web --image=x", "web --image=x --env A", "web --image=x --env =b",
            "web --image=x --image-pull-policy=Often",
        ] {
            #expect(throws: CLIError.self, "\(line)") { try given(line) }
        }
        #expect(run("debug web other --image=x", root: "/nowhere").code != 0)
    }

    @Test func theAgentIsAskedAndItsRefusalTold() throws {
        let node = try BackgroundNode { node, _ in node.setPod("web", phase: "Running") }
        defer { node.stop() }
        let root = node.folder.path
        let given = run("debug pod/web --image=tools --target=main", root: root)
        #expect(given.code == 0 && given.output.isEmpty)
        #expect(given.errors.hasPrefix("Targeting container \"main\".\nDefaulting debug container name to debugger-"))
        #expect(run("debug pod web --image=tools -c mine", root: root).errors.isEmpty)
        let bad = run("debug web --image=tools -c bad", root: root)
        #expect(bad.code == 1 && bad.errors == "error: Pod \"web\" is invalid: bad\n")
        #expect(run("debug nobody --image=tools", root: root).errors.contains("pods \"nobody\" not found"))
    }

    @Test func whatHasEndedIsReadFromItsLog() throws {
        let node = try BackgroundNode { node, _ in
            node.podsByName["web"] = [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "default"],
                "spec": ["containers": [["name": "main", "image": "i"]]],
                "status": [
                    "phase": "Running",
                    "ephemeralContainerStatuses": [
                        ["name": "e", "image": "i", "state": ["terminated": ["exitCode": 7]]]
                    ],
                ],
            ]
        }
        defer { node.stop() }
        let ended = run("debug web --image=tools -c e -i -- sh -c ls", root: node.folder.path)
        // The fake node has no log of it.
        #expect(ended.code == 1, "\(ended)")
        #expect(!ended.errors.contains("couldn't attach"), "\(ended)")
    }
}
