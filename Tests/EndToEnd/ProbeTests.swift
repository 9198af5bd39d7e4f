import Base
import JSON

/// A line of `probe:` for every second, with a failure that counts at once.
private let everySecond = "periodSeconds: 1, failureThreshold: 1"

let probeSuite = Suite("probes") {
    [
        Test("an HTTP probe makes a container ready, and not ready again") { node in
            let script = "mkdir /www; echo fine > /www/ok; httpd -p 8080 -h /www; " + hold
            let extra = """
                ports: [{name: web, containerPort: 8080}]
                readinessProbe: {httpGet: {path: /ok, port: web}, \(everySecond)}
                """
            try node.drop("web.yaml", shellPod("web", script, container: extra, restart: "Always"))
            try node.waitReady("web")
            try node.waitCondition("web", "Ready", "True")
            try expectEqual(try node.exec("web", "mv /www/ok /www/away").status, 0, "mv")
            let pod = try node.waitCondition("web", "Ready", "False")
            let condition = pod.at("status.conditions")?.arrayValue?.first { $0.string("type") == "Ready" }
            try expectEqual(condition?.string("reason") ?? "", "ContainersNotReady", "reason")
            try expectEqual(
                condition?.string("message") ?? "", "containers with unready status: [main]", "message")
            try expectEqual(pod.container()?.at("started")?.boolValue, true, "started")
            try expectEqual(pod.container()?.integer("restartCount"), 0, "restarts")
            try node.waitEvent("web", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404")
            try expectContains(
                try node.ok("describe", "pod", try node.fullName("web")),
                "http-get http://:web/ok delay=0s timeout=1s period=1s #success=1 #failure=1", "describe")
            try expectEqual(try node.exec("web", "mv /www/away /www/ok").status, 0, "mv")
            try node.waitReady("web")
        },
        Test("a container that a liveness probe finds dead is ended in the probe's time and runs again") { node in
            // It does not hear the signal.
            let script = "trap '' TERM; touch /tmp/alive; while true; do sleep 1; done"
            let extra = """
                livenessProbe:
                  exec: {command: [cat, /tmp/alive]}
                  terminationGracePeriodSeconds: 2
                  periodSeconds: 1
                  failureThreshold: 2
                """
            let spec = "terminationGracePeriodSeconds: 600"
            try node.drop("dead.yaml", shellPod("dead", script, container: extra, spec: spec, restart: "Always"))
            try node.waitReady("dead")
            try expectEqual(try node.exec("dead", "rm /tmp/alive").status, 0, "rm")
            let pod = try node.wait("dead", "a second run", seconds: 30) { pod in
                pod.container()?.integer("restartCount") == 1 && pod.container()?.at("state.running") != nil
            }
            try expectEqual(pod.container()?.integer("lastState.terminated.exitCode"), 137, "exit code")
            try node.waitEvent(
                "dead", "Unhealthy", "Liveness probe failed: cat: can't open '/tmp/alive': No such file or directory")
            try node.waitEvent("dead", "Killing", "Container main failed liveness probe, will be restarted")
            // The end of the test does not take the pod's time.
            try node.ok("delete", "pod", try node.fullName("dead"), "--grace-period=1")
        },
        Test("a startup probe holds the others back until it succeeds") { node in
            let extra = """
                startupProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 1000}
                livenessProbe: {exec: {command: [sh, -c, "touch /tmp/asked-alive"]}, \(everySecond)}
                readinessProbe: {exec: {command: [sh, -c, "touch /tmp/asked-ready"]}, \(everySecond)}
                """
            try node.drop("slow.yaml", shellPod("slow", hold, container: extra, restart: "Always"))
            try node.waitEvent("slow", "Unhealthy", "Startup probe failed: cat: can't open '/tmp/up'")
            let pod = try node.pod("slow")?.container()
            try expectEqual(pod?.at("started")?.boolValue, false, "started")
            try expectEqual(pod?.at("ready")?.boolValue, false, "ready")
            try expectEqual(try node.exec("slow", "ls /tmp | grep -c asked").output, "0\n", "what was asked")
            try expectEqual(try node.exec("slow", "touch /tmp/up").status, 0, "touch")
            try node.waitReady("slow")
            try node.eventually("both have been asked", seconds: 20) {
                try node.exec("slow", "ls /tmp | grep -c asked").output == "2\n"
            }
            try expectEqual(try node.pod("slow")?.container()?.at("started")?.boolValue, true, "started")
        },
        Test("a startup probe that never succeeds ends the container") { node in
            let extra = "startupProbe: {tcpSocket: {port: 9}, periodSeconds: 1, failureThreshold: 2}"
            try node.drop("never.yaml", shellPod("never", hold, container: extra, restart: "Never"))
            let pod = try node.wait("never", "its end", seconds: 30) { pod in
                pod.container()?.at("state.terminated") != nil
            }
            try expectEqual(pod.container()?.integer("restartCount"), 0, "restarts")
            try node.waitEvent("never", "Unhealthy", ":9: connect: connection refused")
            try node.waitEvent("never", "Killing", "Container main failed startup probe")
        },
        Test("a command that takes too long is a failure, and its processes are ended") { node in
            let extra = """
                readinessProbe: {exec: {command: [sh, -c, "sleep 4242; true"]}, timeoutSeconds: 1, \(everySecond)}
                """
            try node.drop("late.yaml", shellPod("late", hold, container: extra, restart: "Always"))
            try node.waitEvent(
                "late", "Unhealthy", "Readiness probe failed: command \"sh -c sleep 4242; true\" timed out")
            try node.remove("late.yaml")
            try node.waitGone("late")
        },
        Test("a port that takes connections makes a container of the host's network ready") { node in
            let script = "httpd -p 127.0.0.1:7999; " + hold
            let extra = "readinessProbe: {tcpSocket: {host: 127.0.0.1, port: 7999}, periodSeconds: 1}"
            try node.drop(
                "tcp.yaml", shellPod("tcp", script, container: extra, spec: "hostNetwork: true", restart: "Always"))
            try node.waitReady("tcp")
        },
    ]
}

/// Tests that end the agent.
let probeAgentSuite = Suite("probes and the agent", freshNode: true) {
    [
        Test("neither a kill nor a restart of the agent changes what is ready") { node in
            let extra = """
                startupProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 1000}
                readinessProbe: {exec: {command: [cat, /tmp/up]}, periodSeconds: 1, failureThreshold: 1000}
                """
            try node.drop("up.yaml", shellPod("up", "touch /tmp/up; " + hold, container: extra, restart: "Always"))
            try node.drop("down.yaml", shellPod("down", hold, container: extra, restart: "Always"))
            let before = try node.waitReady("up")
            try node.waitEvent("down", "Unhealthy", "Startup probe failed")
            // From now on no probe finds it ready: that it was stays so until it has failed a thousand times.
            try expectEqual(try node.exec("up", "rm /tmp/up").status, 0, "rm")
            for isKilled in [true, false] {
                if isKilled { try node.kill() } else { try node.terminate() }
                try node.start(.init(drainsOnExit: isKilled == false))
                let after = try node.wait("up", "taken up") { $0.container()?.at("state.running") != nil }
                try expectEqual(after.container()?.at("ready")?.boolValue, true, "ready")
                try expectEqual(after.container()?.at("started")?.boolValue, true, "started")
                try expectEqual(
                    after.container()?.string("containerID") ?? "", before.container()?.string("containerID") ?? "none",
                    "container")
                try node.waitEvent("up", "Unhealthy", "Readiness probe failed")
                try expectEqual(try node.pod("up")?.container()?.at("ready")?.boolValue, true, "ready after a probe")
                let down = try node.wait("down", "taken up") { $0.container()?.at("state.running") != nil }
                try expectEqual(down.container()?.at("started")?.boolValue, false, "started of what is not")
            }
            try expectEqual(try node.exec("down", "touch /tmp/up").status, 0, "touch")
            try node.waitReady("down")
        },
        Test("a pod with a readiness gate is ready when others say so too, and the next agent knows it") { node in
            let gate = "readinessGates: [{conditionType: example.com/in-service}]"
            try node.drop("gated.yaml", shellPod("gated", hold, spec: gate, restart: "Always"))
            let name = try node.fullName("gated")
            let waits = try node.waitCondition("gated", "ContainersReady", "True")
            let ready = waits.at("status.conditions")?.arrayValue?.first { $0.string("type") == "Ready" }
            try expectEqual(ready?.string("reason") ?? "", "ReadinessGatesNotReady", "reason")
            try expectEqual(try node.ok("why", name, "-o", "name"), "readiness-gate\n", "why")
            try node.ok("condition", name, "example.com/in-service=True", "--reason=Asked")
            try node.waitCondition("gated", "Ready", "True")
            try node.kill()
            try node.start()
            let after = try node.waitCondition("gated", "Ready", "True")
            let kept = after.at("status.conditions")?.arrayValue?.first {
                $0.string("type") == "example.com/in-service"
            }
            try expectEqual(kept?.string("reason") ?? "", "Asked", "what was said")
            try node.ok("condition", name, "example.com/in-service=False")
            try node.waitCondition("gated", "Ready", "False")
            try node.ok("condition", name, "example.com/in-service-")
            let pod = try node.wait("gated", "nobody says anything") { pod in
                pod.at("status.conditions")?.arrayValue?.contains {
                    $0.string("type") == "example.com/in-service"
                } == false
            }
            try expectEqual(pod.container()?.integer("restartCount"), 0, "restarts")
            let own = try node.swiftlet("condition", name, "Ready=True")
            try expect(
                own.status == 1 && own.errors.contains("Forbidden: the node says this itself"), own.errors)
        },
    ]
}

extension Node {
    /// Waits until a condition of the pod has this status.
    @discardableResult
    func waitCondition(_ name: String, _ type: String, _ status: String) throws -> JSONValue {
        try wait(name, "condition \(type) is \(status)") { pod in
            pod.at("status.conditions")?.arrayValue?.contains {
                $0.string("type") == type && $0.string("status") == status
            } == true
        }
    }

    /// Waits for an event of the pod whose message contains `part`.
    fileprivate func waitEvent(_ name: String, _ reason: String, _ part: String) throws {
        var seen: [String] = []
        do {
            try eventually("event \(reason) of \(name): \(part)", seconds: 30) {
                let found = try events(name).filter { $0.string("reason") == reason }
                seen = found.compactMap { $0.string("message") }
                return seen.contains { $0.contains(part) }
            }
        } catch let failure as Failure {
            throw Failure("\(failure); there are \(seen)")
        }
    }
}
