import JSON

/// Init containers that go on beside the others.
let sidecarSuite = Suite("sidecars") {
    [
        Test("a sidecar begins before the others, runs beside them and ends after them") { node in
            let spec = """
                restartPolicy: Never
                volumes:
                  - name: shared
                    emptyDir: {}
                  - name: out
                    hostPath: {path: \(node.root)/out, type: DirectoryOrCreate}
                initContainers:

                """
            let mounts = "volumeMounts: [{name: shared, mountPath: /s}, {name: out, mountPath: /out}]"
            let waiting = "trap 'echo NAME >> /out/ends; exit 0' TERM; while true; do sleep 3600 & wait $!; done"
            func sidecar(_ name: String) -> String {
                shellContainer(
                    name, "touch /s/\(name); " + waiting.replacing("NAME", with: name),
                    mounts + "\nrestartPolicy: Always")
            }
            let found =
                "while ! [ -e /s/first ] || ! [ -e /s/second ]; do sleep 0.1; done; ls /s; echo main >> /out/ends"
            let manifest = podManifest(
                "beside",
                spec + sidecar("first")
                    + shellContainer("between", "while ! [ -e /s/first ]; do sleep 0.1; done", mounts)
                    + sidecar("second") + "containers:\n" + shellContainer("main", found, mounts)
                    + "terminationGracePeriodSeconds: 20")
            try node.drop("beside.yaml", manifest)
            let pod = try node.waitPhase("beside", "Succeeded")
            try expectEqual(try node.logs("beside"), "first\nsecond\n", "what main found")
            try expectEqual(try text("\(node.root)/out/ends"), "main\nsecond\nfirst\n", "the order of the ends")
            try expectEqual(
                pod.container("first")?.integer("state.terminated.exitCode") ?? -1, 0, "exit code of the sidecar")
        },
        Test("a sidecar runs again while the pod goes on, whatever the pod's policy, and counts for its readiness") {
            node in
            let spec =
                "restartPolicy: Never\ninitContainers:\n"
                + shellContainer("proxy", "echo run; sleep 1; exit 3", "restartPolicy: Always") + "containers:\n"
                + shellContainer("main", hold)
            try node.drop("served.yaml", podManifest("served", spec))
            try node.wait("served", "ready with its sidecar") { pod in
                pod.at("status.conditions")?.arrayValue?.contains {
                    $0.string("type") == "Ready" && $0.string("status") == "True"
                } == true
            }
            let pod = try node.wait("served", "the sidecar waits for its next run") {
                $0.container("proxy")?.string("state.waiting.reason") == "CrashLoopBackOff"
            }
            try expectEqual(pod.string("status.phase") ?? "", "Running", "phase")
            let ready = pod.at("status.conditions")?.arrayValue?.first { $0.string("type") == "Ready" }
            try expectEqual(ready?.string("message") ?? "", "containers with unready status: [proxy]", "Ready")
            try node.kill()
            try node.start()
            let after = try node.wait("served", "as before") { $0.string("status.phase") == "Running" }
            try expect((after.container("proxy")?.integer("restartCount") ?? 0) >= 1, "the sidecar's restarts")
            try expectEqual(after.container("main")?.integer("restartCount") ?? -1, 0, "main's restarts")
        },
        Test("a removed pod ends what is served before its sidecar") { node in
            let spec = outVolume(node) + "\nrestartPolicy: Always\nterminationGracePeriodSeconds: 20\ninitContainers:\n"
            func waiting(_ name: String, _ before: String) -> String {
                "trap '\(before) echo \(name) >> /out/order; exit 0' TERM; while true; do sleep 3600 & wait $!; done"
            }
            let manifest = podManifest(
                "served-end",
                spec + shellContainer("log", waiting("log", ""), mountOut + "\nrestartPolicy: Always") + "containers:\n"
                    + shellContainer("main", waiting("main", "sleep 1;"), mountOut))
            try node.drop("served-end.yaml", manifest)
            try node.waitReady("served-end")
            try node.remove("served-end.yaml")
            try node.waitGone("served-end")
            try expectEqual(try text("\(node.root)/out/order"), "main\nlog\n", "the order of the ends")
        },
        Test("a container's own policy replaces the pod's") { node in
            let spec =
                "restartPolicy: Never\ncontainers:\n"
                + shellContainer(
                    "main", "[ -e /s/once ] && exit 0; touch /s/once; exit 1",
                    mountShared + "\nrestartPolicy: OnFailure")
                + "volumes:\n  - name: shared\n    emptyDir: {}"
            try node.drop("own.yaml", podManifest("own", spec))
            let pod = try node.waitPhase("own", "Succeeded")
            try expectEqual(pod.container()?.integer("restartCount") ?? -1, 1, "restarts")
        },
        Test("a container runs again after the exit codes of its rules, and after no other") { node in
            let rules = "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]"
            let spec =
                "restartPolicy: Never\ncontainers:\n"
                + shellContainer(
                    "main", "[ -e /s/once ] && exit 7; touch /s/once; exit 42",
                    mountShared + "\nrestartPolicy: Never\n" + rules)
                + "volumes:\n  - name: shared\n    emptyDir: {}"
            try node.drop("rules.yaml", podManifest("rules", spec))
            let pod = try node.waitPhase("rules", "Failed")
            try expectEqual(pod.container()?.integer("restartCount") ?? -1, 1, "restarts")
        },
    ]
}
