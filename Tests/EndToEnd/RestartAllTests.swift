import JSON

/// Containers whose end begins all containers of their pod again.
let restartAllSuite = Suite("restart all") {
    [
        Test("the end of a container begins all others again, the init container first, in the same sandbox") { node in
            let rules = "restartPolicyRules: [{action: RestartAllContainers, exitCodes: {operator: In, values: [42]}}]"
            let once = "[ -e /s/once ] && { \(hold) }; until [ -e /s/up ]; do sleep 0.1; done; touch /s/once; exit 42"
            let spec =
                "restartPolicy: Never\nvolumes:\n  - name: shared\n    emptyDir: {}\n  - name: out\n"
                + "    hostPath: {path: \(node.root)/out, type: DirectoryOrCreate}\n"
            let mounts = "volumeMounts: [{name: shared, mountPath: /s}, {name: out, mountPath: /out}]"
            let manifest = podManifest(
                "again",
                spec + "initContainers:\n" + shellContainer("first", "echo first >> /out/again", mounts)
                    + shellContainer("beside", hold, "restartPolicy: Always") + "containers:\n"
                    + shellContainer("worker", "echo worker >> /out/again; touch /s/up; " + hold, mounts)
                    + shellContainer("watcher", once, mounts + "\nrestartPolicy: Never\n" + rules))
            try node.drop("again.yaml", manifest)
            let pod = try node.wait("again", "all run again") { pod in
                ["beside", "worker", "watcher"].allSatisfy { name in
                    pod.container(name)?.integer("restartCount") == 1
                        && pod.container(name)?.at("state.running") != nil
                }
            }
            try expectEqual(pod.container("first")?.integer("restartCount") ?? -1, 1, "runs of the init container")
            try expectEqual(pod.string("status.phase") ?? "", "Running", "phase")
            let conditions = pod.at("status.conditions")?.arrayValue ?? []
            let restarting = conditions.first { $0.string("type") == "AllContainersRestarting" }
            try expectEqual(restarting?.string("status") ?? "", "False", "AllContainersRestarting once it is over")
            try expectEqual(try text("\(node.root)/out/again"), "first\nworker\nfirst\nworker\n", "what ran, in order")
            try node.waitReady("again")
            try node.remove("again.yaml")
            try node.waitGone("again")
        }
    ]
}
