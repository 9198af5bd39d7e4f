import Base
import CLinux
import JSON

let logSuite = Suite("logs") {
    [
        Test("both streams are written in the CRI format") { node in
            try node.drop("streams.yaml", shellPod("streams", "echo out; echo err >&2; printf partial"))
            try node.waitPhase("streams", "Succeeded")
            let lines = try text(try logFile(node, "streams")).split(separator: "\n").map {
                $0.split(separator: " ", maxSplits: 3).map(String.init)
            }
            try expect(lines.allSatisfy { $0.count == 4 && Timestamp(rfc3339: $0[0]) != nil }, "\(lines)")
            let kinds = lines.map { "\($0[1]) \($0[2]) \($0[3])" }
            try expect(kinds.contains("stdout F out") && kinds.contains("stderr F err"), "\(kinds)")
            try expect(kinds.contains { $0.hasPrefix("stdout") && $0.hasSuffix("partial") }, "\(kinds)")
        },
        Test("a long line is cut in pieces and shown whole") { node in
            let script = "head -c 40000 /dev/zero | tr '\\0' x; echo"
            try node.drop("long.yaml", shellPod("long", script))
            try node.waitPhase("long", "Succeeded")
            let shown = try node.logs("long")
            try expectEqual(shown.utf8.count, 40001, "bytes shown")
            let tags = try text(try logFile(node, "long")).split(separator: "\n")
                .map { String($0.split(separator: " ")[2]) }
            try expect(tags.count > 1 && tags.dropLast().allSatisfy { $0 == "P" } && tags.last == "F", "\(tags)")
        },
        Test("a flood is rotated and bounded, and nothing of it blocks the pod") { node in
            // 64 MiB, more than all files together may have.
            let script = "yes 'a line of a flood that goes on and on and on' | head -c 67108864; echo the end >&2"
            try node.drop("flood.yaml", shellPod("flood", script))
            try node.waitPhase("flood", "Succeeded", seconds: 60)
            let folder = Path.parent(try logFile(node, "flood"))
            var total: Int64 = 0
            let names = try Files.list(folder)
            for name in names {
                var status = stat()
                guard lstat("\(folder)/\(name)", &status) == 0 else { throw SystemError("lstat", name) }
                total += Int64(status.st_size)
            }
            try expect(names.count > 1, "there is one file only: \(names)")
            try expect(total <= 60 << 20, "the logs have \(total) bytes in \(names)")
            try expectContains(try text("\(folder)/0.log"), "the end", "the newest file")
        },
        Test("logs are followed as they come, to the end") { node in
            let script = "for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done"
            try node.drop("follow.yaml", shellPod("follow", script))
            try node.wait("follow", "started") {
                $0.string("status.phase") == "Running" || $0.string("status.phase") == "Succeeded"
            }
            let result = try node.swiftlet("logs", "-f", try node.fullName("follow"))
            try expectEqual(result.output, "line 1\nline 2\nline 3\nline 4\nline 5\n", "what was followed")
        },
        Test("logs -f goes over rotations and a restart without losing or repeating a line") { node in
            // Each run writes 60,000 numbered lines, more than a file of 10 MiB takes.
            let script = """
                n=$(cat /d/n 2>/dev/null || echo 0); echo $((n + 1)) > /d/n
                until test -e /out/go; do sleep 0.1; done
                awk -v n=$n 'BEGIN { for (i = n * 60000; i < (n + 1) * 60000; i++) printf "%0200d\\n", i }'
                exit $((1 - n))
                """
            let manifest = shellPod(
                "rotated", script, container: mountOut + "\n  - {name: d, mountPath: /d}",
                spec: outVolume(node) + "\n  - {name: d, emptyDir: {}}", restart: "OnFailure")
            try node.drop("rotated.yaml", manifest)
            try node.waitReady("rotated")
            let path = "\(node.root)/out/followed"
            var spawn = Spawn(
                "\(node.machine.programs)/swiftlet", ["--root", node.root, "logs", "-f", try node.fullName("rotated")])
            spawn.standardOutput = SharedDescriptor(try .open(path, O_WRONLY | O_CREAT, mode: 0o600))
            spawn.parentDeathSignal = SIGKILL
            let client = try spawn.start()
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            try node.waitPhase("rotated", "Succeeded", seconds: 60)
            var exit: ChildProcess.Exit?
            try node.eventually("the log ends with the pod", seconds: 30) {
                exit = try client.wait(block: false)
                return exit != nil
            }
            try expectEqual(exit?.code, 0, "exit code")
            let folder = Path.parent(try logFile(node, "rotated"))
            let files = try Files.list(folder)
            try expect(files.count > 2, "nothing was rotated: \(files)")
            let numbers = try Files.read(path, limit: 64 << 20).split(separator: 0x0A)
                .map { Int(String(decoding: $0, as: UTF8.self)) ?? -1 }
            try expectEqual(numbers.count, 120_000, "lines")
            try expect(numbers == Array(0..<120_000), "the lines are not those that were written, in their order")
        },
        Test("the log of the attempt before is kept") { node in
            let script =
                "n=$(cat /d/n 2>/dev/null || echo 0); echo $((n + 1)) > /d/n; echo attempt $n; test $n -ge 1 || exit 1; \(hold)"
            let manifest = shellPod(
                "previous", script, container: "volumeMounts: [{name: d, mountPath: /d}]",
                spec: "volumes: [{name: d, emptyDir: {}}]", restart: "Always")
            try node.drop("previous.yaml", manifest)
            try node.wait("previous", "restarted and running") {
                $0.container()?.integer("restartCount") == 1 && $0.container()?.at("state.running") != nil
            }
            try expectEqual(
                try node.ok("logs", "--previous", try node.fullName("previous")), "attempt 0\n", "previous log")
            try node.eventually("the new log", seconds: 5) { try node.logs("previous") == "attempt 1\n" }
        },
    ]
}

/// The path of the log of a container's attempt.
func logFile(_ node: Node, _ name: String, container: String = "main", attempt: Int = 0) throws -> String {
    guard let pod = try node.pod(name), let uid = pod.string("metadata.uid") else { throw Failure("no pod \(name)") }
    guard let folder = try Files.list("\(node.root)/var/log/pods").first(where: { $0.hasSuffix("_\(uid)") }) else {
        throw Failure("no log folder of \(uid)")
    }
    return "\(node.root)/var/log/pods/\(folder)/\(container)/\(attempt).log"
}
