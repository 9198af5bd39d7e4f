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
    /// A pseudo-terminal and the program that has it.
    final class Session {
        let master: FileDescriptor
        let child: ChildProcess
        private(set) var shown: [UInt8] = []

        init(_ arguments: [String]) throws {
            let raw = try retrying("posix_openpt", "/dev/ptmx") { posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) }
            master = FileDescriptor(adopting: raw)
            try retrying("unlockpt", "/dev/ptmx") { unlockpt(raw) }
            guard let name = ptsname(raw) else { throw SystemError("ptsname", "/dev/ptmx") }
            let slave = SharedDescriptor(try FileDescriptor.open(String(cString: name), O_RDWR | O_NOCTTY))
            swl_set_window_size(raw, 24, 80)
            try master.setNonBlocking()
            // setsid makes the terminal the program's own, so that it hears of a new size.
            var spawn = Spawn(
                "/usr/bin/setsid", ["--ctty", "--wait", BuiltProgram.path] + arguments,
                environment: ["TERM=xterm", "PATH=/usr/bin:/bin"])
            spawn.standardInput = slave
            spawn.standardOutput = slave
            spawn.standardError = slave
            child = try spawn.start()
        }

        deinit { _ = try? child.send(SIGKILL) }

        func type(_ text: String) throws { try master.writeAll(text.utf8) }

        func read() {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let n = CLinux.read(master.raw, &buffer, buffer.count)
            if n > 0 { shown += buffer[..<n] }
        }

        /// Whether keys are handed on one by one, unseen.
        var isRaw: Bool {
            var settings = termios()
            return tcgetattr(master.raw, &settings) == 0 && settings.c_lflag & tcflag_t(ICANON | ECHO) == 0
        }

        func wait(until isDone: () throws -> Bool) throws {
            let deadline = BootInstant.now + .seconds(20)
            while try !isDone() {
                guard BootInstant.now < deadline else {
                    throw SystemError("wait for", String(decoding: shown, as: UTF8.self), Errno(rawValue: ETIMEDOUT))
                }
                read()
                usleep(2000)
            }
        }

        func exitCode() throws -> Int32? {
            var exit: ChildProcess.Exit?
            try wait {
                exit = try child.wait(block: false)
                return exit != nil
            }
            return exit?.code
        }
    }

    @Test func keysSizeAndExitCodeGoThroughAndTheTerminalIsPutBack() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let session = try Session([
            "--root", node.folder.path, "exec", "-it", "web-node", "-c", "main", "--", "sh",
        ])
        try session.wait { session.isRaw }
        // Ctrl-C is the program's, not this one's.
        try session.type("hello\u{3}\u{4}")
        try session.wait { String(decoding: session.shown, as: UTF8.self).contains("hello\u{3}\u{4}") }
        let size = Mutex<(UInt16, UInt16)?>(nil)
        let first = Mutex<(UInt16, UInt16)?>(nil)
        node.perform { node in first.withLock { $0 = node.session.map { ($0.request.rows, $0.request.columns) } } }
        try session.wait { first.withLock { $0 != nil } }
        #expect(first.withLock { $0 }.map { $0 == (24, 80) } == true)
        swl_set_window_size(session.master.raw, 50, 132)
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
        let session = try Session(["--root", node.folder.path, "exec", "-it", "web-node", "-c", "main", "--", "sh"])
        try session.wait { session.isRaw }
        // The terminal's foreground group is the program alone.
        let group = tcgetpgrp(session.master.raw)
        try #require(group > 1)
        #expect(kill(-group, SIGTERM) == 0)
        #expect(try session.exitCode() == 128 + SIGTERM)
        #expect(!session.isRaw)
    }

    @Test func aTerminalGetsColoursUnlessTheyAreNotWanted() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        let session = try Session(["--root", node.folder.path, "get", "pods"])
        #expect(try session.exitCode() == 0)
        session.read()
        #expect(String(decoding: session.shown, as: UTF8.self).contains("\u{1B}[32mRunning\u{1B}[0m"))
    }
}
