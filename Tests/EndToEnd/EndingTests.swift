import JSON

/// How pods and containers end.
let endingSuite = Suite("ending") {
    [
        Test("a pod past its deadline fails, also when nobody was there to see it pass") { node in
            let spec = "activeDeadlineSeconds: 3"
            try node.drop("timed.yaml", shellPod("timed", hold, spec: spec, restart: "Always"))
            try node.waitReady("timed")
            let pod = try node.waitPhase("timed", "Failed")
            try expectEqual(pod.string("status.reason") ?? "", "DeadlineExceeded", "reason")
            try expectEqual(
                pod.string("status.message") ?? "", "Pod was active on the node longer than the specified deadline",
                "message")
            try expect(pod.container()?.at("state.terminated") != nil, "its container has not ended")
            try expect(try node.eventReasons("timed").contains("DeadlineExceeded"), "no event DeadlineExceeded")

            try node.drop(
                "missed.yaml", shellPod("missed", hold, spec: "activeDeadlineSeconds: 4", restart: "Always"))
            let before = try node.waitReady("missed")
            try node.kill()
            // It would have ended while no agent was there.
            pause(milliseconds: 4500)
            try node.start()
            let failed = try node.waitPhase("missed", "Failed")
            try expectEqual(failed.string("metadata.uid"), before.string("metadata.uid"), "the instance")
            try expectEqual(failed.string("status.reason") ?? "", "DeadlineExceeded", "reason")
            try expectEqual(
                try node.pod("timed")?.string("status.reason") ?? "", "DeadlineExceeded", "what was told before")
        },
        Test("the message of a container that fails without one is the end of its log") { node in
            let policy = "terminationMessagePolicy: FallbackToLogsOnError"
            func message(_ name: String, _ script: String, _ phase: String) throws -> String? {
                try node.drop("\(name).yaml", shellPod(name, script, container: policy))
                return try node.waitPhase(name, phase).container()?.string("state.terminated.message")
            }
            try expectEqual(
                try message("talk", "echo one; echo two >&2; exit 1", "Failed")?.split(separator: "\n").sorted() ?? [],
                ["one", "two"], "message")
            try expectEqual(
                try message("long", "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo line $i; done; exit 1", "Failed"),
                (21...100).map { "line \($0)\n" }.joined(), "the last 80 lines")
            try expectEqual(
                try message("own", "echo said; echo own > /dev/termination-log; exit 1", "Failed"), "own\n",
                "its own message")
            try expectEqual(try message("fine", "echo said", "Succeeded"), nil, "message of one that succeeds")
        },
        Test("a container that fails again and again is held back no longer than the operator allows") { node in
            try configure(node, "crashLoopBackOff: {maxContainerRestartPeriod: 1s}")
            try node.drop("often.yaml", shellPod("often", "exit 3", restart: "Always"))
            let pod = try node.wait("often", "five restarts") { ($0.container()?.integer("restartCount") ?? 0) >= 5 }
            let message = pod.container()?.string("state.waiting.message") ?? "back-off 1s"
            try expectContains(message, "back-off 1s", "message")
            try node.removeAllPods()
            try configure(node, "")
        },
    ]
}
