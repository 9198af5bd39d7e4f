import JSON

let lifecycleSuite = Suite("lifecycle", isOfKernel: true) {
    [
        Test("a manifest becomes a running, ready pod and its removal ends it") { node in
            try node.drop("one.yaml", shellPod("one", "echo started; " + hold, restart: "Always"))
            let pod = try node.waitReady("one")
            try expectEqual(pod.string("status.phase") ?? "", "Running", "phase")
            for type in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
                let condition = pod.at("status.conditions")?.arrayValue?.first { $0.string("type") == type }
                try expectEqual(condition?.string("status") ?? "missing", "True", "condition \(type)")
            }
            try expect(pod.string("metadata.uid")?.isEmpty == false, "no uid")
            try expect(pod.container()?.at("state.running.startedAt") != nil, "no startedAt")
            try expect(pod.container()?.string("imageID")?.contains("sha256:") == true, "no imageID")
            try expectContains(try node.logs("one"), "started", "log")
            for reason in ["Created", "Started"] {
                try expect(try node.eventReasons("one").contains(reason), "no event \(reason)")
            }
            try node.remove("one.yaml")
            try node.waitGone("one")
        },
        Test("a pod whose containers end with 0 succeeds and is not started again") { node in
            try node.drop("done.yaml", shellPod("done", "echo once", restart: "OnFailure"))
            let pod = try node.waitPhase("done", "Succeeded")
            try expectEqual(pod.container()?.string("state.terminated.reason") ?? "", "Completed", "reason")
            try expectEqual(pod.container()?.integer("state.terminated.exitCode") ?? -1, 0, "exit code")
            try expectEqual(pod.container()?.integer("restartCount") ?? -1, 0, "restarts")
        },
        Test("a pod that must not be restarted fails with its container's exit code") { node in
            try node.drop("bad.yaml", shellPod("bad", "echo no; exit 7"))
            let pod = try node.waitPhase("bad", "Failed")
            try expectEqual(pod.container()?.string("state.terminated.reason") ?? "", "Error", "reason")
            try expectEqual(pod.container()?.integer("state.terminated.exitCode") ?? -1, 7, "exit code")
        },
        Test("a container that fails is restarted at once and then after ten seconds") { node in
            try node.drop("crash.yaml", shellPod("crash", "echo attempt; exit 3", restart: "Always"))
            let pod = try node.wait("crash", "CrashLoopBackOff after one restart", seconds: 15) {
                $0.container()?.string("state.waiting.reason") == "CrashLoopBackOff"
                    && $0.container()?.integer("restartCount") == 1
            }
            try expectContains(
                pod.container()?.string("state.waiting.message") ?? "", "back-off 10s restarting failed container=main",
                "message")
            try expectEqual(
                pod.container()?.integer("lastState.terminated.exitCode") ?? -1, 3, "exit code of the last attempt")
            try expect(try node.eventReasons("crash").contains("BackOff"), "no event BackOff")
            let again = try node.wait("crash", "a second restart", seconds: 25) {
                ($0.container()?.integer("restartCount") ?? 0) >= 2
            }
            let message = again.container()?.string("state.waiting.message") ?? "back-off 20s"
            try expectContains(message, "back-off 20s", "message after the second restart")
        },
        Test("init containers run in order, each to its end, before the others") { node in
            let log = "date +%s%N"
            let spec = """
                restartPolicy: Never
                volumes:
                  - name: shared
                    emptyDir: {}
                initContainers:
                """
                + "\n" + shellContainer("first", "sleep 0.3; echo first $(\(log)) >> /s/order", mountShared)
                + shellContainer("second", "echo second $(\(log)) >> /s/order", mountShared)
                + "containers:\n" + shellContainer("main", "echo main $(\(log)) >> /s/order; cat /s/order", mountShared)
            let text = try node.runToEnd("ordered", podManifest("ordered", spec))
            try expectEqual(
                text.split(separator: "\n").compactMap { $0.split(separator: " ").first }.map(String.init),
                ["first", "second", "main"], "order")
            let pod = try node.pod("ordered")
            try expectEqual(
                pod?.container("first")?.string("state.terminated.reason") ?? "", "Completed", "first's reason")
        },
        Test("an init container that fails keeps the others from starting and fails a pod that is not restarted") {
            node in
            let spec =
                "restartPolicy: Never\ninitContainers:\n" + shellContainer("prepare", "exit 4") + "containers:\n"
                + shellContainer("main", "echo never")
            try node.drop("halted.yaml", podManifest("halted", spec))
            let pod = try node.waitPhase("halted", "Failed")
            try expectEqual(
                pod.container("prepare")?.integer("state.terminated.exitCode") ?? -1, 4, "exit code of prepare")
            try expectEqual(
                pod.container("main")?.string("state.waiting.reason") ?? "", "PodInitializing", "main's reason")
        },
        Test("environment comes from values, fields of the pod and its resources, with references expanded") { node in
            let extra = """
                env:
                  - {name: PLAIN, value: plain}
                  - {name: JOINED, value: "$(PLAIN)-$(UNKNOWN)-$$(PLAIN)"}
                  - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                  - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
                  - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
                  - {name: CPU, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
                  - {name: MEM, valueFrom: {resourceFieldRef: {resource: requests.memory}}}
                resources: {limits: {cpu: 500m, memory: 64Mi}, requests: {memory: 16Mi}}
                """
            let manifest = podManifest(
                "env", "restartPolicy: Never\ncontainers:\n" + shellContainer("main", "env | sort", extra),
                metadata: "labels: {tier: web}")
            let text = try node.runToEnd("env", manifest)
            for line in [
                "PLAIN=plain", "JOINED=plain-$(UNKNOWN)-$(PLAIN)", "LABEL=web", "NODE=\(Node.name)", "CPU=500",
                "MEM=16777216",
            ] { try expectContains(text, line, "environment") }
            try expectContains(text, "NAME=env", "environment")
        },
        Test("a changed manifest replaces the pod") { node in
            try node.drop("change.yaml", shellPod("change", "echo one; " + hold, restart: "Always"))
            let before = try node.waitReady("change")
            try node.drop("change.yaml", shellPod("change", "echo two; " + hold, restart: "Always"))
            try node.wait("change", "replaced", seconds: 20) {
                $0.string("metadata.uid") != before.string("metadata.uid")
                    && $0.container()?.at("ready")?.boolValue == true
            }
            try expectContains(try node.logs("change"), "two", "log")
        },
        Test("the stop signal comes first and the grace period is kept") { node in
            let script = "trap 'echo asked; exit 0' TERM; echo up; while true; do sleep 3600 & wait $!; done"
            try node.drop("polite.yaml", shellPod("polite", script, container: mountOut, spec: outVolume(node)))
            try node.waitReady("polite")
            let stubborn = "trap 'echo no > /out/asked' TERM; while true; do sleep 3600 & wait $!; done"
            try node.drop(
                "stubborn.yaml",
                shellPod(
                    "stubborn", stubborn, container: mountOut,
                    spec: outVolume(node) + "\nterminationGracePeriodSeconds: 2"))
            try node.waitReady("stubborn")
            try node.remove("stubborn.yaml")
            try node.waitGone("stubborn", seconds: 10)
            try expectContains(try text("\(node.root)/out/asked"), "no", "what the signal handler wrote")
        },
        Test("a pod without a cluster DNS runs with the machine's and an event says so") { node in
            let shown = try node.runToEnd("dns", shellPod("dns", "cat /etc/resolv.conf"))
            let host = (try? text("/etc/resolv.conf")) ?? ""
            for line in host.split(separator: "\n") where line.hasPrefix("nameserver") {
                try expectContains(shown, String(line), "/etc/resolv.conf")
            }
            try expect(try node.eventReasons("dns").contains("MissingClusterDNS"), "no event MissingClusterDNS")
        },
    ]
}

let mountShared = "volumeMounts:\n  - {name: shared, mountPath: /s}"
let mountOut = "volumeMounts:\n  - {name: out, mountPath: /out}"

/// A volume `out` that the test can read under the node's root.
func outVolume(_ node: Node) -> String {
    "volumes:\n  - name: out\n    hostPath: {path: \(node.root)/out, type: DirectoryOrCreate}"
}
