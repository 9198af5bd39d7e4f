import JSON

/// Hooks at the beginning and the end of containers.
let hookSuite = Suite("hooks") {
    [
        Test("a container is ready, and the next begins, when its postStart hook has ended") { node in
            let hook = "lifecycle: {postStart: {exec: {command: [sh, -c, \"sleep 1; touch /s/begun\"]}}}"
            let spec =
                "restartPolicy: Always\nvolumes:\n  - name: shared\n    emptyDir: {}\ncontainers:\n"
                + shellContainer("first", hold, mountShared + "\n" + hook)
                + shellContainer("second", "ls /s; " + hold, mountShared)
            try node.drop("greet.yaml", podManifest("greet", spec))
            try node.wait("greet", "first runs and has not started") {
                $0.container("first")?.at("state.running") != nil
                    && $0.container("first")?.at("started")?.boolValue == false
                    && $0.container("first")?.at("ready")?.boolValue == false
            }
            try node.waitReady("greet")
            try node.eventually("what second found", seconds: 10) { try node.logs("greet", "second") == "begun\n" }
        },
        Test("a container whose postStart hook fails is ended and runs again") { node in
            let hook = "lifecycle: {postStart: {exec: {command: [sh, -c, \"exit 3\"]}}}"
            try node.drop("rude.yaml", shellPod("rude", hold, container: hook, restart: "Always"))
            try node.wait("rude", "a restart") { ($0.container()?.integer("restartCount") ?? 0) >= 1 }
            let events = try node.events("rude").map { "\($0.string("reason") ?? "") \($0.string("message") ?? "")" }
            for event in ["FailedPostStartHook PostStartHook failed", "Killing FailedPostStartHook"] {
                try expect(events.contains(event), "no event \(event) in \(events)")
            }
            let socket = "lifecycle: {postStart: {tcpSocket: {port: 80}}}"
            try node.drop("socket.yaml", shellPod("socket", hold, container: socket, restart: "Always"))
            try node.eventually("such a hook fails", seconds: 10) {
                try node.eventReasons("socket").contains("FailedPostStartHook")
            }
        },
        Test("the preStop hook comes before the stop signal, and only when the container is asked to end") { node in
            let script = "trap 'echo signal >> /out/order; exit 0' TERM; while true; do sleep 3600 & wait $!; done"
            func manifest(_ name: String, _ script: String, restart: String = "Always") -> String {
                let hook = "sleep 0.5; echo \(name) >> /out/order"
                let lifecycle = "lifecycle: {preStop: {exec: {command: [sh, -c, \"\(hook)\"]}}}"
                return shellPod(
                    name, script, container: mountOut + "\n" + lifecycle,
                    spec: outVolume(node) + "\nterminationGracePeriodSeconds: 20", restart: restart)
            }
            try node.drop("asked.yaml", manifest("asked", script))
            try node.waitReady("asked")
            try node.ok("restart", "pod/\(try node.fullName("asked"))")
            try node.wait("asked", "a restart") {
                $0.container()?.integer("restartCount") == 1 && $0.container()?.at("ready")?.boolValue == true
            }
            try expectEqual(try text("\(node.root)/out/order"), "asked\nsignal\n", "at a restart")
            try node.remove("asked.yaml")
            try node.waitGone("asked")
            try expectEqual(try text("\(node.root)/out/order"), "asked\nsignal\nasked\nsignal\n", "at the end")

            try node.drop("alone.yaml", manifest("alone", "true", restart: "Never"))
            try node.waitPhase("alone", "Succeeded")
            try expect(!(try text("\(node.root)/out/order")).contains("alone"), "a hook of one that ended by itself")
        },
        Test("a preStop hook that does not end leaves the signal its time") { node in
            let script = "trap 'echo late > /out/late; exit 0' TERM; while true; do sleep 3600 & wait $!; done"
            let hook = "lifecycle: {preStop: {exec: {command: [sleep, \"3600\"]}}}"
            try node.drop(
                "slow.yaml",
                shellPod(
                    "slow", script, container: mountOut + "\n" + hook,
                    spec: outVolume(node) + "\nterminationGracePeriodSeconds: 2", restart: "Always"))
            try node.waitReady("slow")
            try node.remove("slow.yaml")
            try node.waitGone("slow")
            try expectEqual(try text("\(node.root)/out/late"), "late\n", "what the signal handler wrote")
        },
        Test("hooks ask by HTTP, and sleep") { node in
            let answer = "printf 'HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\n\\r\\n' | nc -l -p 8080 > /out/request"
            let hooks = """
                ports: [{name: web, containerPort: 8080}]
                lifecycle:
                  postStart: {sleep: {seconds: 1}}
                  preStop: {httpGet: {path: /bye, port: web, httpHeaders: [{name: X-Why, value: end}]}}
                """
            try node.drop(
                "asks.yaml",
                shellPod(
                    "asks", "trap 'exit 0' TERM; " + answer + "; " + hold, container: mountOut + "\n" + hooks,
                    spec: outVolume(node) + "\nterminationGracePeriodSeconds: 10", restart: "Always"))
            try node.waitReady("asks")
            try node.remove("asks.yaml")
            try node.waitGone("asks")
            let request = try text("\(node.root)/out/request")
            try expectContains(request, "GET /bye HTTP/1.1", "the request")
            try expectContains(request, "X-Why: end", "the request")
            try expectContains(request, "User-Agent: kube-lifecycle/", "the request")
            try expect(!(try node.eventReasons("asks").contains("FailedPreStopHook")), "an answer of 500 is a failure")
        },
        Test("a hook that is cut off with the agent is run once more, and one that has ended is not") { node in
            let hook = "echo begin >> /out/hook; sleep 2; echo end >> /out/hook"
            let lifecycle = "lifecycle: {postStart: {exec: {command: [sh, -c, \"\(hook)\"]}}}"
            try node.drop(
                "again.yaml",
                shellPod(
                    "again", hold, container: mountOut + "\n" + lifecycle, spec: outVolume(node), restart: "Always"))
            let file = "\(node.root)/out/hook"
            try node.eventually("the hook runs", seconds: 10) { (try? text(file)) == "begin\n" }
            try node.kill()
            try node.start()
            try node.waitReady("again")
            let told = try text(file)
            try expect(told.hasPrefix("begin\nbegin\n") && told.hasSuffix("end\n"), "the hook wrote \(told)")
            try node.kill()
            try node.start()
            let pod = try node.waitReady("again")
            try expectEqual(pod.container()?.integer("restartCount") ?? -1, 0, "restarts")
            try expectEqual(try text(file), told, "what the hook wrote")
        },
        Test("the manifest names the signal that a container is asked to end by") { node in
            let script = "trap 'echo usr1 > /out/signal; exit 0' USR1; while true; do sleep 3600 & wait $!; done"
            let spec = outVolume(node) + "\nos: {name: linux}\nterminationGracePeriodSeconds: 20"
            try node.drop(
                "named.yaml",
                shellPod(
                    "named", script, container: mountOut + "\nlifecycle: {stopSignal: SIGUSR1}", spec: spec,
                    restart: "Always"))
            let pod = try node.waitReady("named")
            try expectEqual(pod.container()?.string("stopSignal") ?? "", "SIGUSR1", "the status")
            try node.remove("named.yaml")
            try node.waitGone("named")
            try expectEqual(try text("\(node.root)/out/signal"), "usr1\n", "the signal")
        },
    ]
}
