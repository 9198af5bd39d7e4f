import Base
import CLinux
import TestSupport

/// `swiftlet` on a real terminal, as a person uses it.
let terminalSuite = Suite("terminals") {
    [
        Test("exec -it: a shell with the terminal's size, resized with it, and its exit code") { node in
            try node.drop("shell.yaml", shellPod("shell", hold, restart: "Always"))
            try node.waitReady("shell")
            let terminal = try node.terminal("exec", "-it", try node.fullName("shell"), "--", "sh")
            try node.see(terminal, "# ")
            try expect(terminal.isRaw, "the terminal is not raw while the program has it")
            try node.say(terminal, "stty size", expecting: "\n24 80\r")
            try terminal.resize(rows: 50, columns: 132)
            try node.eventually("the new size arrives", seconds: 10) {
                try node.say(terminal, "stty size", expecting: "\r\n")
                return terminal.shows("\n50 132\r")
            }
            try node.say(terminal, "tty; test -t 0 -a -t 1 -a -t 2 && echo $((1 + 1)) streams", expecting: "2 streams")
            try expectContains(terminal.text, "/dev/pts/", "the name of the terminal")
            try terminal.type("exit 7\r")
            try expectEqual(try node.exitCode(terminal), 7, "exit code")
            try expect(!terminal.isRaw, "the terminal is not as it was")
        },
        Test("exec -it: a program hears at once that the terminal has a new size") { node in
            try node.drop("winch.yaml", shellPod("winch", hold, restart: "Always"))
            try node.waitReady("winch")
            let script = "trap 'echo now $(stty size)' WINCH; echo ready; while true; do sleep 0.1; done"
            let terminal = try node.terminal("exec", "-it", try node.fullName("winch"), "--", "sh", "-c", script)
            try node.see(terminal, "ready")
            try terminal.resize(rows: 33, columns: 99)
            try node.see(terminal, "now 33 99")
            // Nobody stays behind when the person goes.
            try terminal.child.send(SIGKILL)
            try node.eventually("the program ends with its terminal", seconds: 15) {
                try node.commands("winch").allSatisfy { !$0.contains("now $(stty size)") }
            }
        },
        Test("exec -it: Ctrl-C interrupts the program in front, not the shell and not the command line") {
            node in
            try node.drop("interrupt.yaml", shellPod("interrupt", hold, restart: "Always"))
            try node.waitReady("interrupt")
            let terminal = try node.terminal("exec", "-it", try node.fullName("interrupt"), "--", "sh")
            try node.see(terminal, "# ")
            try terminal.type("sleep 1234\r")
            func isAsleep() throws -> Bool { try node.commands("interrupt").contains("sleep 1234") }
            try node.eventually("sleep runs", seconds: 10) { try isAsleep() }
            try terminal.type("\u{3}")
            try node.eventually("sleep was interrupted", seconds: 10) { try !isAsleep() }
            try node.say(terminal, "echo code $?", expecting: "\ncode 130\r")
            try terminal.type("exit 3\r")
            try expectEqual(try node.exitCode(terminal), 3, "exit code")
            try expectEqual(try node.pod("interrupt")?.container()?.integer("restartCount") ?? -1, 0, "restarts")
        },
    ]
}

extension Node {
    /// `swiftlet arguments` on a terminal of its own.
    func terminal(_ arguments: String...) throws -> PseudoTerminal {
        try PseudoTerminal(
            "\(machine.programs)/swiftlet", ["--root", root] + arguments, parentDeathSignal: SIGKILL)
    }

    /// `PseudoTerminal.expect` and `say` with this machine's scale of time.
    func see(_ terminal: PseudoTerminal, _ part: String, from: Int = 0) throws {
        try terminal.expect(part, from: from, seconds: 10 * machine.scale)
    }

    func say(_ terminal: PseudoTerminal, _ line: String, expecting answer: String) throws {
        try terminal.say(line, expecting: answer, seconds: 10 * machine.scale)
    }

    func exitCode(_ terminal: PseudoTerminal) throws -> Int32 {
        try terminal.exitCode(seconds: 10 * machine.scale) ?? -1
    }

    /// The command lines of a container's processes, their words with spaces between.
    func commands(_ name: String, _ container: String = "main") throws -> [String] {
        try processes(name, container).map { pid in
            let words = ((try? Files.read("/proc/\(pid)/cmdline")) ?? []).split(separator: 0)
            return words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        }
    }
}
