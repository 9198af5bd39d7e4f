import Base
import CLinux
import JSON
import Kube
import NodeAPI
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct AttachTests {
    static func fill(_ node: FakeNode, _ root: String) {
        func pod(_ name: String, _ container: JSONValue) -> JSONValue {
            [
                "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
                "spec": ["containers": [container]], "status": ["phase": "Running"],
            ]
        }
        node.podsByName = [
            "shell": pod("shell", ["name": "main", "image": "busybox", "stdin": true, "tty": true]),
            "pipe": pod("pipe", ["name": "main", "image": "busybox", "stdin": true]),
            "plain": pod("plain", ["name": "main", "image": "busybox"]),
        ]
    }

    private func streams(
        _ options: [String], stdin: Bool = false, tty: Bool = false, isTerminal: Bool = true
    ) -> AttachCommand.Streams {
        var container = Container(name: "main", image: "busybox")
        (container.stdin, container.tty) = (stdin, tty)
        let invocation = Invocation(
            options: Dictionary(uniqueKeysWithValues: options.map { ($0, ["true"]) }), arguments: ["p"])
        return AttachCommand.Streams(invocation, container, isTerminal: isTerminal)
    }

    @Test func whatCannotBeHadIsSaidAndDoneWithout() {
        #expect(streams(["stdin", "tty"], stdin: true, tty: true) == .init(passesInput: true, isRaw: true))
        // A container's terminal is one, asked for or not.
        #expect(streams(["stdin"], stdin: true, tty: true) == .init(passesInput: true, isRaw: true))
        #expect(streams([], stdin: true, tty: true) == .init(passesInput: false, isRaw: false))
        let noTerminal = streams(["stdin", "tty"], stdin: true)
        #expect(noTerminal.passesInput && !noTerminal.isRaw)
        #expect(noTerminal.notes == ["Unable to use a TTY - container main did not allocate one"])
        let noPerson = streams(["stdin", "tty"], stdin: true, tty: true, isTerminal: false)
        #expect(noPerson.passesInput && !noPerson.isRaw && noPerson.notes.count == 1)
        let noInput = streams(["stdin"])
        #expect(!noInput.passesInput && noInput.notes.first?.contains("stdin: true") == true)
    }

    @Test func theExitCodeIsTheContainersAndRefusalsAreTold() throws {
        let node = try BackgroundNode(Self.fill)
        defer { node.stop() }
        // Output alone: the fake session ends when it is told.
        node.perform { node in
            func finish() {
                guard let session = node.session else {
                    node.loop.schedule(after: .milliseconds(1)) { finish() }
                    return
                }
                session.client.output(.standardOutput, Array("".utf8))
                session.client.finished(.success(3))
            }
            finish()
        }
        let ran = run("attach plain", root: node.folder.path)
        #expect(ran.code == 3 && ran.errors == "container main ended with exit code 3\n")
        #expect(run("attach nobody", root: node.folder.path).errors.contains("pods \"nobody\" not found"))
        #expect(run("attach plain -c side", root: node.folder.path).errors.contains("side is not valid"))
        #expect(run("attach plain --detach-keys ctrl-", root: node.folder.path).code == 2)
    }

    @Test func keysThatLeaveAreFoundAndTheirBeginningsPassedOnInTheEnd() throws {
        func take(_ keys: String, _ typed: String...) throws -> ([String], Bool) {
            var found = try DetachKeys(keys)
            var isComplete = false
            let passed = typed.map { text in
                let result = found.take(text.utf8)
                isComplete = isComplete || result.isComplete
                return String(decoding: result.passed, as: UTF8.self)
            }
            return (passed, isComplete)
        }
        #expect(try take(DetachKeys.usual, "ls\u{10}\u{11}x") == (["ls"], true))
        #expect(try take(DetachKeys.usual, "a\u{10}", "\u{11}") == (["a", ""], true))
        #expect(try take(DetachKeys.usual, "\u{10}", "\u{10}", "b\u{11}") == (["", "\u{10}", "\u{10}b\u{11}"], false))
        #expect(try take("a,a,b", "aaab") == (["a"], true))
        #expect(try take("ctrl-],q", "\u{1D}q") == ([""], true))
        for keys in ["", ",", "ctrl-", "ctrl-1", "ab", "a,", "ctrl-pp"] {
            #expect(throws: CLIError.self, "\(keys)") { try DetachKeys(keys) }
        }
    }
}
