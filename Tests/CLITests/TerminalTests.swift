import Base
import CLinux
import NodeAPI
import NodeAPITestSupport
import Synchronization
import TestSupport
import Testing

/// The program, built beside the tests.
enum BuiltProgram {
    static var path: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return Path.join(Path.parent(path), "swiftlet")
    }
}

/// The program itself on a terminal of its own.
@Suite(.enabled(if: Files.exists("/usr/bin/setsid") && Files.exists(BuiltProgram.path))) struct TerminalTests {
    private func terminal(_ node: BackgroundNode, _ arguments: String...) throws -> PseudoTerminal {
        try PseudoTerminal(BuiltProgram.path, ["--root", node.folder.path] + arguments)
    }

    @Test func keysSizeAndExitCodeGoThroughAndTheTerminalIsPutBack() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let session = try terminal(node, "exec", "-it", "web-node", "-c", "main", "--", "sh")
        try session.wait { session.isRaw }
        // Ctrl-C is the program's, not this one's.
        try session.type("hello\u{3}\u{4}")
        try session.wait { session.text.contains("hello\u{3}\u{4}") }
        let size = Mutex<(UInt16, UInt16)?>(nil)
        let first = Mutex<(UInt16, UInt16)?>(nil)
        node.perform { node in first.withLock { $0 = node.session.map { ($0.request.rows, $0.request.columns) } } }
        try session.wait { first.withLock { $0 != nil } }
        #expect(first.withLock { $0 }.map { $0 == (24, 80) } == true)
        try session.resize(rows: 50, columns: 132)
        try session.wait {
            node.perform { node in size.withLock { $0 = node.session?.size } }
            return size.withLock { $0 }.map { $0 == (50, 132) } == true
        }
        node.perform { $0.session?.client.finished(.success(42)) }
        #expect(try session.exitCode() == 42)
        #expect(!session.isRaw)
    }

    @Test func aSignalPutsTheTerminalBackToo() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let session = try terminal(node, "exec", "-it", "web-node", "-c", "main", "--", "sh")
        try session.wait { session.isRaw }
        // The terminal's foreground group is the program alone.
        let group = tcgetpgrp(session.master.raw)
        try #require(group > 1)
        #expect(kill(-group, SIGTERM) == 0)
        #expect(try session.exitCode() == 128 + SIGTERM)
        #expect(!session.isRaw)
    }

    @Test func attachHandsKeysOnAndLeavesByItsOwn() throws {
        let node = try BackgroundNode(AttachTests.fill)
        defer { node.stop() }
        let session = try terminal(node, "attach", "-it", "shell")
        try session.expect("If you don't see a command prompt, try pressing enter.\r\n")
        #expect(session.isRaw)
        // Another size first, then the right one: what draws the whole screen draws it anew.
        let sizes = Mutex<[UInt16]>([])
        func askSizes() {
            node.perform { node in
                let first = node.attached.first.map { [$0.rows, $0.columns] } ?? []
                let now = node.session?.size.map { [$0.0, $0.1] } ?? []
                sizes.withLock { $0 = first + now }
            }
        }
        try session.wait(for: "the size") {
            askSizes()
            return sizes.withLock { $0 } == [25, 81, 24, 80]
        }
        try session.resize(rows: 50, columns: 132)
        try session.wait(for: "the new size") {
            askSizes()
            return sizes.withLock { $0 } == [25, 81, 50, 132]
        }
        // Ctrl-C is the program's, and so is Ctrl-P when Ctrl-Q does not follow.
        try session.type("hi\u{3}\u{10}x")
        try session.expect("hi\u{3}\u{10}x")
        try session.type("bye\u{10}\u{11}")
        #expect(try session.exitCode() == 0)
        try session.expect("detached from container main")
        #expect(!session.isRaw)
        let left = Mutex<(Bool, Int)>((false, 0))
        try session.wait(for: "the session's end") {
            node.perform { node in
                left.withLock { $0 = (node.session?.isCancelled == true, node.session?.received ?? 0) }
            }
            return left.withLock { $0.0 }
        }
        #expect(left.withLock { $0.1 } == 8)
    }

    @Test func attachToAContainerWithoutATerminalSaysSo() throws {
        let node = try BackgroundNode(AttachTests.fill)
        defer { node.stop() }
        let session = try terminal(node, "attach", "-it", "pipe")
        try session.expect("Unable to use a TTY - container main did not allocate one\r\n")
        try session.type("hello\n")
        // Seen as it is typed, and once more when it comes back.
        try session.expect("hello\r\nhello\r\n")
        #expect(!session.isRaw)
        try session.type("\u{4}")
        #expect(try session.exitCode() == 7)
        #expect(session.text.contains("ended with exit code 7"))
    }

    @Test func aTerminalGetsColoursUnlessTheyAreNotWanted() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let session = try terminal(node, "get", "pods")
        #expect(try session.exitCode() == 0)
        #expect(session.text.contains("\u{1B}[32mRunning\u{1B}[0m"))
    }
}
