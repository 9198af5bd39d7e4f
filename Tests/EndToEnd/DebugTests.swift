import Base
import CLinux
import JSON
import TestSupport

/// Containers that a running pod is given, to look into it.
let debugSuite = Suite("debug") {
    [
        Test("a container sees the processes of its target, counts for nothing, and is found by the next agent") {
            node in
            try node.drop("seen.yaml", shellPod("seen", "exec sleep 98765", restart: "Always"))
            try node.waitReady("seen")
            let name = try node.fullName("seen")
            let before = try Fingerprint(node, "seen")
            // It says what its target's first process is, and fails: the pod is what it was.
            let look = "cat /proc/1/cmdline; cat /proc/1/root/etc/hostname; exit 5"
            let (image, target) = ("--image=busybox", "--target=main")
            let said = try node.swiftlet("debug", name, image, target, "-c", "look", "--", "sh", "-c", look)
            try expect(said.status == 0, said.errors)
            try expectEqual(said.errors, "Targeting container \"main\".\n", "what is said")
            var pod = try node.wait("seen", "it has ended") {
                $0.container("look")?.integer("state.terminated.exitCode") == 5
            }
            let log = try node.logs("seen", "look")
            try expect(log.contains("sleep\u{0}98765\u{0}"), "it does not see its target: \(log)")
            try expect(log.contains("seen"), "nor the target's files: \(log)")
            try expectEqual(pod.string("status.phase") ?? "", "Running", "phase")
            try expectEqual(pod.string("spec.ephemeralContainers.0.targetContainerName") ?? "", "main", "its spec")
            try expectEqual(pod.container("look")?.integer("restartCount") ?? -1, 0, "runs after the first")

            // One of its own processes only, and no target: it runs on.
            let stay = try node.swiftlet("debug", name, image, "-c", "stay", "--", "sh", "-c", hold)
            try expect(stay.status == 0, stay.errors)
            try node.wait("seen", "it runs") { $0.container("stay")?.at("state.running") != nil }
            let alone = try node.exec("seen", "cat /proc/1/cmdline; hostname", container: "stay")
            try expect(!alone.output.contains("98765"), "it sees others' processes: \(alone.output)")
            try expect(alone.output.contains("seen"), "it is not in the pod: \(alone.output)")
            try before.expectUnchanged(node, "seen", "with containers that look into it")
            // They are no part of the manifest.
            let manifest = Array(shellPod("seen", "exec sleep 98765", restart: "Always").utf8)
            let difference = try node.swiftlet("diff", "-f", "-", input: manifest)
            try expectEqual(difference.status, 0, "diff: \(difference.output)")

            let first = try node.processes("seen", "stay").first
            try node.kill()
            try node.start()
            pod = try node.wait("seen", "both are told of") {
                $0.container("stay")?.at("state.running") != nil
                    && $0.container("look")?.integer("state.terminated.exitCode") == 5
            }
            try expectEqual(try node.processes("seen", "stay").first, first, "its first process")
            try before.expectUnchanged(node, "seen", "after the agent was killed")

            let again = try node.swiftlet("debug", name, image, "-c", "stay", "--", "true")
            try expect(
                again.status == 1
                    && again.errors.contains(
                        "Forbidden: existing ephemeral containers \"stay\" may not be changed"),
                again.errors)
            let taken = try node.swiftlet("debug", name, image, "-c", "main", "--", "true")
            let duplicate = "spec.ephemeralContainers[2].name: Duplicate value: \"main\""
            try expect(taken.errors.contains(duplicate), taken.errors)
            let nobody = try node.swiftlet("debug", name, image, "--target=nobody")
            let missing = "targetContainerName: Not found: \"nobody\""
            try expect(nobody.errors.contains(missing), nobody.errors)
            try node.remove("seen.yaml")
            try node.waitGone("seen")
        },
        Test("a terminal on a container that sees its target; the pod goes on when it ends") { node in
            try node.drop("opened.yaml", shellPod("opened", "exec sleep 98764", restart: "Always"))
            try node.waitReady("opened")
            let before = try Fingerprint(node, "opened")
            let name = try node.fullName("opened")
            let terminal = try node.terminal(
                "debug", "-it", name, "--image=busybox", "--target=main", "-c", "shell", "--env=WORD=spoken", "--", "sh"
            )
            try node.see(terminal, "If you don't see a command prompt, try pressing enter.\r\n")
            try node.say(terminal, "", expecting: "# ")
            try node.say(terminal, "echo $WORD $((40 + 2))", expecting: "spoken 42")
            try node.say(terminal, "tr '\\0' ' ' < /proc/1/cmdline; echo over", expecting: "sleep 98764 over")
            try terminal.type("exit 6\r")
            try expectEqual(try node.exitCode(terminal), 6, "exit code: the container's")
            try node.wait("opened", "it has ended") {
                $0.container("shell")?.integer("state.terminated.exitCode") == 6
            }
            try before.expectUnchanged(node, "opened", "after it was looked into")
        },
        Test("a pod ends as if it were not looked into, takes what looks with it, and takes no more afterwards") {
            node in
            let script = "until test -e /tmp/go; do sleep 0.1; done"
            try node.drop("brief.yaml", shellPod("brief", script))
            try node.waitReady("brief")
            let name = try node.fullName("brief")
            let stay = try node.swiftlet("debug", name, "--image=busybox", "-c", "stay", "--", "sh", "-c", hold)
            try expect(stay.status == 0, stay.errors)
            try node.wait("brief", "it runs") { $0.container("stay")?.at("state.running") != nil }
            try expectEqual(try node.exec("brief", "touch /tmp/go").status, 0, "exit code")
            let pod = try node.waitPhase("brief", "Succeeded")
            try expect(pod.container("stay")?.at("state.terminated") != nil, "it goes on without the pod")
            let late = try node.swiftlet("debug", name, "--image=busybox", "-c", "late", "--", "true")
            try expect(late.status == 1 && late.errors.contains("has ended"), late.errors)
            try node.drop(
                "never.yaml",
                shellPod("never", "true", spec: "ephemeralContainers: [{name: e, image: busybox}]"))
            let problem = "Forbidden: cannot be set on create; give one to the running pod with `swiftlet debug`"
            try node.eventually("the manifest is refused", seconds: 10) {
                try node.swiftlet("get", "problems").output.contains("cannot be set on create")
                    || node.agentLog().contains(problem)
            }
        },
    ]
}
