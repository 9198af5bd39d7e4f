import Base
import CLinux
import JSON
import TestSupport

let attachSuite = Suite("attach") {
    [
        Test("a shell in a pod: typed at, resized, interrupted, left and found again") { node in
            try node.drop("shell.yaml", shellPod("shell", "exec sh", container: terminalFields, restart: "Always"))
            let before = try Fingerprint(node, "shell")
            let name = try node.fullName("shell")
            let terminal = try node.terminal("attach", "-it", name)
            try node.see(terminal, "If you don't see a command prompt, try pressing enter.\r\n")
            try node.say(terminal, "", expecting: "# ")
            try node.say(terminal, "stty size", expecting: "\n24 80\r")
            try node.say(terminal, "tty; test -c /dev/console && echo a$((1 + 1))b", expecting: "\na2b\r")
            try expectContains(terminal.text, "/dev/pts/0", "the terminal's name")
            try terminal.resize(rows: 50, columns: 132)
            try node.eventually("the new size arrives", seconds: 10) {
                try node.say(terminal, "stty size", expecting: "\r\n")
                return terminal.shows("\n50 132\r")
            }
            try terminal.type("kept=here; sleep 1234\r")
            func isAsleep() throws -> Bool { try node.commands("shell").contains("sleep 1234") }
            try node.eventually("sleep runs", seconds: 10) { try isAsleep() }
            try terminal.type("\u{3}")
            try node.eventually("sleep was interrupted", seconds: 10) { try !isAsleep() }
            try terminal.type("\u{10}\u{11}")
            try expectEqual(try node.exitCode(terminal), 0, "exit code of who leaves")
            try expect(!terminal.isRaw, "the terminal is not as it was")
            try expectContains(terminal.text, "detached from container main, which goes on", "what is said")

            let again = try node.terminal("attach", "-it", name)
            try node.see(again, "pressing enter.\r\n")
            try node.say(again, "echo still $kept", expecting: "\nstill here\r")
            try before.expectUnchanged(node, "shell", "after who was attached has left")
            let log = try text(try logFile(node, "shell"))
            try expectContains(log, " stdout F still here", "the log")
            try expect(!log.contains(" stderr "), "a terminal's output is in the log as an error")
            // The end of the shell is the container's, and that of those who are attached.
            try again.type("exit 9\r")
            try expectEqual(try node.exitCode(again), 9, "exit code: the container's")
            try node.wait("shell", "restarted") { $0.container()?.integer("restartCount") == 1 }
        },
        Test("several see the same and each may type; one that goes takes nothing with it") { node in
            try node.drop("shared.yaml", shellPod("shared", "exec sh", container: terminalFields, restart: "Always"))
            try node.waitReady("shared")
            let name = try node.fullName("shared")
            let first = try node.terminal("attach", "-it", name)
            let second = try node.terminal("attach", "-it", name)
            let watcher = try node.terminal("attach", name)
            for terminal in [first, second] { try node.see(terminal, "pressing enter.\r\n") }
            try node.say(first, "", expecting: "# ")
            // The one who only looks says nothing: what it is shown tells that it is there.
            try node.eventually("the one who looks is there", seconds: 10) {
                try node.say(first, "echo look $((20 + 1))", expecting: "look 21")
                watcher.read()
                return watcher.shows("look 21")
            }
            try node.say(first, "echo one $((20 + 2))", expecting: "one 22")
            for terminal in [second, watcher] { try node.see(terminal, "one 22") }
            // A terminal that is closed is no word to the shell.
            try first.child.send(SIGHUP)
            try expectEqual(try node.exitCode(first), 128 + SIGHUP, "exit code of who was hung up")
            try node.say(second, "echo two $((20 + 3))", expecting: "two 23")
            try node.see(watcher, "two 23")
            try second.child.send(SIGKILL)
            _ = try node.exitCode(second)
            let third = try node.terminal("attach", "-it", name)
            try node.see(third, "pressing enter.\r\n")
            try node.say(third, "echo three $((20 + 4))", expecting: "three 24")
            try node.see(watcher, "three 24")
            try expectEqual(try node.pod("shared")?.container()?.integer("restartCount") ?? -1, 0, "restarts")
        },
        Test("standard input stays open for the next; with stdinOnce the first one's end is the container's") { node in
            let script = "while read line; do echo \"got $line\"; done; echo over"
            try node.drop("open.yaml", shellPod("open", script, container: "stdin: true"))
            try node.drop("once.yaml", shellPod("once", script, container: "stdin: true\nstdinOnce: true"))
            try node.drop("none.yaml", shellPod("none", script))
            // Nobody keeps the input of this one open: it reads the end at once.
            try node.waitPhase("none", "Succeeded")
            try node.waitReady("open")
            try node.waitReady("once")
            let first = try node.terminal("attach", "-i", try node.fullName("open"))
            // A person's line is shown as it is typed, too.
            try node.say(first, "one", expecting: "got one\r\n")
            try first.type("\u{3}")
            // Without a terminal in the container Ctrl-C is the client's.
            try expectEqual(try node.exitCode(first), 128 + SIGINT, "exit code")
            let second = try node.terminal("attach", "-i", try node.fullName("open"))
            try node.say(second, "two", expecting: "got two\r\n")
            try expectEqual(try node.logs("open"), "got one\ngot two\n", "the log")

            let fed = try node.swiftlet("attach", "-i", try node.fullName("once"), input: Array("a\nb\n".utf8))
            try expectEqual(fed.output, "got a\ngot b\nover\n", "what came back")
            try expectEqual(fed.status, 0, "exit code")
            try node.waitPhase("once", "Succeeded")
            let refused = try node.swiftlet("attach", try node.fullName("once"))
            try expect(refused.status == 1 && refused.errors.contains("is not running"), "\(refused.errors)")
        },
        Test("a container without a terminal or input says so") { node in
            try node.drop("plain.yaml", shellPod("plain", hold, restart: "Always"))
            try node.waitReady("plain")
            let terminal = try node.terminal("attach", "-it", try node.fullName("plain"))
            try node.see(terminal, "Unable to use a TTY - container main did not allocate one\r\n")
            try node.see(terminal, "container main has no standard input")
            try terminal.type("\u{3}")
            try expectEqual(try node.exitCode(terminal), 128 + SIGINT, "exit code")
            let nobody = try node.swiftlet("attach", "nobody")
            try expect(nobody.status == 1 && nobody.errors.contains("not found"), "\(nobody.errors)")
        },
        Test("a terminal for every kind of container, and none for a plain exec in it") { node in
            let script = "test -t 0 -a -t 1 -a -t 2 && test -c /dev/console && echo \"as $(id -u) on $(tty)\"; " + hold
            let kinds = [
                ("main", "0", terminalFields),
                ("bare", "1000", "tty: true\nsecurityContext: {runAsUser: 1000, readOnlyRootFilesystem: true}"),
                ("strong", "0", terminalFields + "\nsecurityContext: {privileged: true}"),
            ]
            let containers = kinds.map { shellContainer($0.0, script, $0.2) }.joined()
            for (name, shares) in [("apart", false), ("together", true)] {
                try node.drop(
                    "\(name).yaml", podManifest(name, "shareProcessNamespace: \(shares)\ncontainers:\n" + containers))
                try node.waitReady(name)
                for (container, user, _) in kinds {
                    try node.eventually("\(container) of \(name) speaks", seconds: 10) {
                        try node.logs(name, container).contains("as \(user) on /dev/pts/0")
                    }
                    let plain = try node.exec(name, "test -t 0 -o -t 1 -o -t 2 || echo none", container: container)
                    try expectEqual(plain.output, "none\n", "terminals of a plain exec in \(container)")
                }
            }
            let terminal = try node.terminal("attach", "-it", try node.fullName("together"), "-c", "strong")
            try node.see(terminal, "pressing enter.\r\n")
            try terminal.type("\u{10}\u{11}")
            try expectEqual(try node.exitCode(terminal), 0, "exit code of who leaves")
        },
        Test("one that does not read holds neither the container nor the others up, and is told what it missed") {
            node in
            let script = """
                until test -e /out/go; do sleep 0.1; done
                awk 'BEGIN { for (i = 0; i < 30000; i++) printf "%0200d\\n", i }'
                while true; do echo after; sleep 0.1; done
                """
            try node.drop(
                "flood.yaml", shellPod("flood", script, container: mountOut, spec: outVolume(node), restart: "Always"))
            try node.waitReady("flood")
            let name = try node.fullName("flood")
            let stalled = try node.terminal("attach", name)
            let path = "\(node.root)/out/seen"
            var spawn = Spawn("\(node.machine.programs)/swiftlet", ["--root", node.root, "attach", name])
            spawn.standardOutput = SharedDescriptor(try .open(path, O_WRONLY | O_CREAT, mode: 0o600))
            spawn.parentDeathSignal = SIGKILL
            let reader = try spawn.start()
            defer { _ = try? reader.send(SIGKILL) }
            // Both are connected before anything is written.
            let sockets = "\(node.root)/run/swiftlet/pods"
            try node.eventually("both are attached", seconds: 10) {
                let connections = try Files.readText("/proc/net/unix", limit: 16 << 20).split(separator: "\n")
                    .count { $0.contains(sockets) && $0.hasSuffix("/supervisor.sock") }
                // The listener, the agent's own connection, and the two.
                return connections >= 4
            }
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            try node.eventually("all is in the log", seconds: 30) {
                try node.ok("logs", "--tail=1", name) == "after\n"
            }
            let lines = try node.ok("logs", name).split(separator: "\n").count { $0 != "after" }
            try expectEqual(lines, 30000, "lines of the flood in the log")
            try node.eventually("who reads sees what comes then", seconds: 30) {
                try Files.read(path, limit: 64 << 20).suffix(6) == Array("after\n".utf8)
            }
            // A terminal holds little: the most of 6 MB cannot have gone there.
            try node.eventually("it sees again what comes", seconds: 30) {
                stalled.read()
                return stalled.shown.suffix(7) == Array("after\r\n".utf8)
            }
            try expectContains(stalled.text, "bytes are left out here", "what was missed")
            try expect(stalled.shown.count < 4_000_000, "\(stalled.shown.count) bytes were kept for it")
        },
    ]
}

let attachCrashSuite = Suite("attach and crashes", freshNode: true) {
    [
        Test("kill -9 and a new start of the agent: terminal, input and log go on, and who comes again finds them") {
            node in
            try node.drop("shell.yaml", shellPod("shell", "exec sh", container: terminalFields, restart: "Always"))
            let script = "while read line; do echo \"got $line\"; done; echo over; exit 3"
            try node.drop(
                "pipe.yaml",
                shellPod("pipe", script, container: "stdin: true\nstdinOnce: true", restart: "Always"))
            let shell = try Fingerprint(node, "shell")
            let pipe = try Fingerprint(node, "pipe")
            let terminal = try node.terminal("attach", "-it", try node.fullName("shell"))
            let typist = try node.terminal("attach", "-i", try node.fullName("pipe"))
            try node.see(terminal, "pressing enter.\r\n")
            try node.say(terminal, "kept=here; (sleep 2; echo late $((20 + 1))) &", expecting: "# ")
            try node.say(typist, "one", expecting: "got one\r\n")
            let names = (try node.fullName("shell"), try node.fullName("pipe"))
            try node.kill()
            // Who was attached is told, and has its terminal back.
            try expectEqual(try node.exitCode(terminal), 3, "exit code of a lost agent")
            try expect(!terminal.isRaw, "the terminal is not as it was")
            try expectContains(terminal.text, "attach to it again", "what is said")
            try expectEqual(try node.exitCode(typist), 3, "exit code of a lost agent")
            try node.start()
            try shell.expectUnchanged(node, "shell", "after the agent was killed")
            try pipe.expectUnchanged(node, "pipe", "after the agent was killed")
            let again = try node.terminal("attach", "-it", names.0)
            try node.see(again, "pressing enter.\r\n")
            try node.say(again, "echo still $kept", expecting: "\nstill here\r")
            try node.eventually("what was written meanwhile is in the log", seconds: 15) {
                try node.logs("shell").contains("late 21")
            }
            // The agent's end was no end of anybody's input, and neither is that of one which is to be replaced.
            try node.kill()
            try node.start(.init(drainsOnExit: false))
            let last = try node.terminal("attach", "-i", names.1)
            try node.say(last, "more", expecting: "got more\r\n")
            try node.terminate()
            try expectEqual(try node.exitCode(last), 3, "exit code of an agent that went")
            try node.start()
            try shell.expectUnchanged(node, "shell", "after the agent was replaced")
            try pipe.expectUnchanged(node, "pipe", "after the agent was replaced")
            let fed = try node.swiftlet("attach", "-i", names.1, input: Array("two\n".utf8))
            try expectEqual(fed.output, "got two\nover\n", "what came back")
            try expectEqual(fed.status, 3, "exit code")
        }
    ]
}

/// What makes a container one to be typed at.
private let terminalFields = "stdin: true\ntty: true"
