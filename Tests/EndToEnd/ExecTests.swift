import JSON

let execSuite = Suite("exec", isOfKernel: true) {
    [
        Test("exec runs in the container, with its output, errors and exit code") { node in
            try node.drop("target.yaml", shellPod("target", "echo here > /marker; " + hold, restart: "Always"))
            try node.waitReady("target")
            let result = try node.exec("target", "cat /marker; echo wrong >&2; exit 5")
            try expectEqual(result.output, "here\n", "output")
            try expectContains(result.errors, "wrong", "errors")
            try expectEqual(result.status, 5, "exit code")
            let cgroup = try node.exec("target", "cat /proc/self/cgroup; grep -E 'Seccomp:|CapEff' /proc/self/status")
            try expectContains(cgroup.output, "Seccomp:\t2", "seccomp of an exec")
            try expectContains(cgroup.output, "CapEff:\t00000000a80425fb", "capabilities of an exec")
        },
        Test("exec passes standard input through") { node in
            try node.drop("input.yaml", shellPod("input", hold, restart: "Always"))
            try node.waitReady("input")
            let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
            let result = try node.swiftlet(
                "exec", "-i", try node.fullName("input"), "--", "sha256sum", input: sent)
            try expectContains(result.output, "  -", "what sha256sum printed")
            let count = try node.swiftlet("exec", "-i", try node.fullName("input"), "--", "wc", "-c", input: sent)
            try expectContains(count.output, "200000", "bytes that arrived")
        },
        Test("exec sees the pod's environment and the other processes of the container") { node in
            let extra = "env: [{name: COLOUR, value: blue}]"
            try node.drop("around.yaml", shellPod("around", hold, container: extra, restart: "Always"))
            try node.waitReady("around")
            let result = try node.exec("around", "echo $COLOUR; ps | grep -c '[s]leep 3600$'")
            try expectEqual(result.output, "blue\n1\n", "output")
        },
        Test("exec of what is not there says so") { node in
            try node.drop("empty.yaml", shellPod("empty", hold, restart: "Always"))
            try node.waitReady("empty")
            let missing = try node.swiftlet("exec", try node.fullName("empty"), "--", "/no/such/program")
            try expect(missing.status != 0 && !missing.errors.isEmpty, "status \(missing.status), \(missing.errors)")
            let nowhere = try node.swiftlet("exec", "nobody", "--", "true")
            try expect(nowhere.status != 0 && nowhere.errors.contains("nobody"), "\(nowhere.errors)")
        },
    ]
}
