import Base
import CLinux
import JSON

let statusSuite = Suite("status", freshNode: true) {
    [
        Test("every transition of a pod is told in order, its end included", needs: .python) { node in
            let server = try EndpointServer()
            try configure(node, "statusURL: \(server.url)/status\nstatusURLHeader: {X-Node: [e2e]}")
            try node.drop("short.yaml", shellPod("short", "sleep 0.3; exit 3"))
            let shown = try node.waitPhase("short", "Failed")
            try node.eventually("the phases", seconds: 10) {
                try phases(server, "short") == ["Pending", "Running", "Failed"]
            }
            try node.eventually("what is told is what is shown", seconds: 5) {
                try server.posts().last?.at("status") == shown.at("status")
            }
            try node.remove("short.yaml")
            try node.waitGone("short")
            try node.eventually("the end", seconds: 10) { try hasEnded(server, "short") }
            let states = try server.posts().compactMap { $0.container()?.at("state")?.objectValue?.members.first?.key }
            try expectEqual(unique(states), ["waiting", "running", "terminated"], "states of the container")
            try expect(server.requests.allSatisfy { $0.contains("x-node: e2e") }, "a header is missing")
            try node.eventually("nothing waits on disk", seconds: 5) {
                try Files.list("\(node.root)/var/lib/swiftlet/state/status").isEmpty
            }
        },
        Test("an agent that comes back tells no transition that was none", needs: .python) { node in
            let server = try EndpointServer()
            try configure(node, "statusURL: \(server.url)/status")
            try node.drop("steady.yaml", shellPod("steady", hold, restart: "Always"))
            try node.waitReady("steady")
            try node.eventually("it is told", seconds: 10) { try server.posts().last?.isReady == true }
            let told = try server.posts().count
            try node.kill()
            try node.start()
            try node.waitReady("steady")
            try node.eventually("it is told once more", seconds: 10) { try server.posts().count > told }
            for pod in try server.posts().dropFirst(told) { try expect(pod.isReady, "\(pod)") }
            try node.remove("steady.yaml")
            try node.waitGone("steady")
        },
        Test("a server that fails, and an agent that is killed, lose no final status and no order", needs: .python) {
            node in
            let server = try EndpointServer()
            try configure(
                node, "statusURL: \(server.url)/status\nstatusURLClient: {responseTimeout: 1s, timeout: 3s}")
            var uids: Set<String> = []
            let modes = ["500 Oops", "drop", "429 Slow Down", "hang", "503 Away", "401 No", "ok"]
            for round in 0..<modes.count {
                try server.setPostMode(modes[round])
                let names = (0..<4).map { "p\(round)-\($0)" }
                for (n, name) in names.enumerated() {
                    let script = n == 3 ? hold : "sleep 0.\(n); exit \(n)"
                    try node.drop("\(name).yaml", shellPod(name, script, restart: n == 3 ? "Always" : "Never"))
                }
                for name in names { try node.wait(name, "begun") { $0.string("status.phase") != "Pending" } }
                uids.formUnion(try node.pods().compactMap { $0.string("metadata.uid") })
                if round % 2 == 0 { try node.kill() }
                for name in names.dropFirst(round % 3) { try node.remove("\(name).yaml") }
                if round % 2 == 0 { try node.start() }
                // In the middle of their ends.
                if round % 3 == 1 {
                    pause(milliseconds: Int32(round * 70))
                    try node.kill()
                    try node.start()
                }
            }
            try expect(server.refused > 0, "the server has refused nothing")
            try node.removeAllPods()
            try server.setPostMode("ok")
            // The back-off may have grown to a minute.
            try node.eventually("all is told", seconds: 100) {
                try Files.list("\(node.root)/var/lib/swiftlet/state/status").isEmpty
            }
            var seen: [String: [JSONValue]] = [:]
            for pod in try server.posts() { seen[pod.string("metadata.uid") ?? "", default: []].append(pod) }
            for uid in uids {
                let told = seen[uid] ?? []
                try expect(
                    told.contains { $0.integer("metadata.deletionGracePeriodSeconds") == 0 },
                    "the end of \(uid) was not told: \(told.map { $0.string("status.phase") ?? "" })")
                let order = ["Pending": 0, "Running": 1, "Succeeded": 2, "Failed": 2]
                let ranks = told.compactMap { order[$0.string("status.phase") ?? ""] }
                if let n = ranks.indices.dropFirst().first(where: { ranks[$0] < ranks[$0 - 1] }) {
                    let both = told[n - 1...n].map { JSONWriter().text($0.at("status") ?? .null) }
                    let name = told[n].string("metadata.name") ?? ""
                    let said = node.agentLog().split(separator: "\n").filter {
                        $0.contains(name) || $0.contains(" starts on ") || $0.contains(uid)
                    }
                    throw Failure(
                        "phases of \(name): \(ranks); \(both.joined(separator: "\nthen "))\n"
                            + said.joined(separator: "\n"))
                }
                let restarts = told.map { $0.container()?.integer("restartCount") ?? 0 }
                try expectEqual(restarts, restarts.sorted(), "the order of the restarts of \(uid)")
            }
        },
        Test("a status that the server refuses for itself holds up no other pod", needs: .python) { node in
            let server = try EndpointServer()
            try configure(node, "statusURL: \(server.url)/status")
            try server.setPostMode("422 Unprocessable Content")
            try node.drop("odd.yaml", shellPod("odd", hold, restart: "Always"))
            try node.waitReady("odd")
            try node.eventually("it is refused", seconds: 10) { server.refused > 0 }
            try expectContains(try node.ok("status"), "is refused: HTTP 422", "status")
            try server.setPostMode("ok")
            try node.drop("even.yaml", shellPod("even", hold, restart: "Always"))
            try node.eventually("the other pod is told", seconds: 10) { try phases(server, "even").last == "Running" }
            // News of the pod is offered at once.
            try node.remove("odd.yaml")
            try node.eventually("its end is told", seconds: 15) { try hasEnded(server, "odd") }
            try node.remove("even.yaml")
            try node.eventually("the other's end", seconds: 15) { try hasEnded(server, "even") }
        },
        Test("nginx and the agent know each other by their certificates", needs: .nginx) { node in
            let nginx = try NginxServer(node)
            defer { nginx.stop() }
            try nginx.serve(shellPod("secure", hold, restart: "Always"))
            let files = "caFile: \(nginx.path("ca.pem")), tokenFile: \(nginx.path("token"))"
            let identity = "certFile: \(nginx.path("client.pem")), keyFile: \(nginx.path("client.key"))"
            try configure(
                node,
                """
                podsURL: https://localhost:18443/pods.yaml
                httpCheckFrequency: 1s
                podsURLClient: {\(files), \(identity)}
                statusURL: https://localhost:18443/status
                statusURLClient: {\(files), \(identity)}
                """)
            let before = try node.waitReady("secure")
            try node.eventually("nginx saw who asked, and with which token", seconds: 10) {
                try nginx.log().contains("GET 304 CN=node Bearer first") && nginx.log().contains("POST 204 CN=node")
            }
            try nginx.setToken("second")
            try node.eventually("the new token", seconds: 10) { try nginx.log().contains("CN=node Bearer second") }
            // Another authority's server is not spoken with, and one without our certificate does not answer.
            try configure(
                node,
                """
                podsURL: https://localhost:18443/pods.yaml
                httpCheckFrequency: 1s
                podsURLClient: {caFile: \(nginx.path("other.pem"))}
                """, restarts: false)
            try node.eventually("it is not trusted", seconds: 10) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("certificate is not accepted")
            }
            try expectSame(try node.waitReady("secure"), before)
            try configure(
                node,
                """
                podsURL: https://localhost:18443/pods.yaml
                httpCheckFrequency: 1s
                podsURLClient: {\(files)}
                """, restarts: false)
            try node.eventually("a client without a certificate is refused", seconds: 10) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("HTTP 400")
            }
            try expectSame(try node.waitReady("secure"), before)
            try deconfigure(node)
        },
    ]
}

private func unique(_ values: [String]) -> [String] {
    values.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
}

/// The phases that were told of a pod, each once.
private func phases(_ server: EndpointServer, _ name: String) throws -> [String] {
    unique(try told(server, name).compactMap { $0.string("status.phase") })
}

private func told(_ server: EndpointServer, _ name: String) throws -> [JSONValue] {
    try server.posts().filter {
        let found = $0.string("metadata.name")
        return found == name || found == "\(name)-\(Node.name)"
    }
}

/// The last word was told.
private func hasEnded(_ server: EndpointServer, _ name: String) throws -> Bool {
    try told(server, name).last?.integer("metadata.deletionGracePeriodSeconds") == 0
}
