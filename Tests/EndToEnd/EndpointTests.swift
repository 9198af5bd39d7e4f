import Base
import CLinux
import JSON

let endpointSuite = Suite("endpoint", freshNode: true) {
    [
        Test("pods of a URL run, change with it and end with an explicit empty list", needs: .python) { node in
            let server = try EndpointServer()
            try server.serve(pods: [shellPod("one", "echo first; " + hold, restart: "Always")])
            try configure(node, "podsURL: \(server.url)/pods\nhttpCheckFrequency: 1s")
            let first = try node.waitReady("one")
            try node.eventually("it is asked whether this has changed", seconds: 10) {
                server.requests.contains { $0.contains("if-none-match: \"") }
            }
            try expectEqual(try node.waitReady("one").string("metadata.uid"), first.string("metadata.uid"), "uid")
            try server.serve(pods: [
                shellPod("one", "echo second; " + hold, restart: "Always"),
                shellPod("two", hold, restart: "Always"),
            ])
            try node.wait("one", "its new version") {
                $0.string("metadata.uid") != first.string("metadata.uid") && $0.isReady
            }
            try node.waitReady("two")
            try expectContains(try node.logs("one"), "second", "log")
            try expectContains(try node.ok("status"), "PodsURLReady", "status")
            try server.serve(pods: [])
            try node.waitGone("one")
            try node.waitGone("two")
            try deconfigure(node)
        },
        Test("nothing that a server does wrong stops a pod, and each is named", needs: .python) { node in
            let server = try EndpointServer()
            let manifest = shellPod("steady", hold, restart: "Always")
            try server.serve(pods: [manifest])
            try configure(
                node, "podsURL: \(server.url)/pods\nhttpCheckFrequency: 1s\npodsURLClient: {responseTimeout: 2s}")
            let before = try node.waitReady("steady")
            let wrongs = [
                ("cut", "middle of a response"), ("short", ""), ("undelimited", "cannot be told"),
                ("cut-chunk", "middle of a response"), ("two-lengths", "more than once"), ("both", "both"),
                ("empty", "empty answer"), ("garbage", ""), ("html", ""), ("unasked-304", ""),
                ("redirect", "redirect (302) to /elsewhere"), ("endless-body", "longer than"),
                ("endless-head", "more than 100 fields"), ("no-http", "no acceptable answer"),
                ("hang", "not answered within"), ("reset", ""), ("500 Oops", "HTTP 500"),
                ("404 Not Found", "HTTP 404"), ("429 Slow Down", "HTTP 429"), ("401 No", "look at the token"),
            ]
            for (mode, words) in wrongs {
                // Without a version that could be asked for.
                try server.serve(pods: [manifest + "# \(mode)\n"])
                try server.setMode(mode)
                try node.eventually("a word of \(mode)", seconds: 10) {
                    let shown = try node.swiftlet("get", "pods")
                    return (shown.output + shown.errors).contains("\(server.url)/pods") && words.isEmpty
                        || (shown.output + shown.errors).contains(words)
                }
                try server.setMode("ok")
                try node.eventually("no word of \(mode) any more", seconds: 15) {
                    let shown = try node.swiftlet("get", "pods")
                    return !(shown.output + shown.errors).contains(server.url)
                }
            }
            server.stop()
            try node.eventually("a word of the server that is gone", seconds: 10) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("ECONNREFUSED")
            }
            try expectSame(try node.waitReady("steady"), before)
            for mode in ["chunked", "dribble"] {
                if mode == "chunked" { try server.start() }
                try server.setMode(mode)
                try server.serve(pods: [manifest, shellPod(mode, hold, restart: "Always")])
                try node.waitReady(mode)
            }
            try expectSame(try node.waitReady("steady"), before)
            try deconfigure(node)
        },
        Test("the last good set outlives the agent while the server is away", needs: .python) { node in
            let server = try EndpointServer()
            try server.serve(pods: ["a", "b"].map { shellPod($0, hold, restart: "Always") })
            try configure(node, "podsURL: \(server.url)/\nhttpCheckFrequency: 1s")
            let before = try ["a", "b"].map { try node.waitReady($0) }
            server.stop()
            for restart in 0..<2 {
                try node.kill()
                try node.start()
                for (n, name) in ["a", "b"].enumerated() { try expectSame(try node.waitReady(name), before[n]) }
                try expectEqual(try node.pods().count, 2, "pods after restart \(restart)")
            }
            let asked = server.requests.count
            try server.start()
            try node.eventually("the version that held is asked for", seconds: 10) {
                server.requests.dropFirst(asked).first?.contains("if-none-match: \"") == true
            }
            // What is ended stays ended, also when the agent is killed before it has seen it through.
            try server.serve(pods: [shellPod("a", hold, restart: "Always")])
            try node.eventually("the new set is taken", seconds: 10) { try node.pods().count < 2 || node.isEnding("b") }
            server.stop()
            try node.kill()
            try node.start()
            try node.waitGone("b")
            try expectSame(try node.waitReady("a"), before[0])
            try deconfigure(node)
        },
        Test("of a file and a URL that name one pod the first keeps running and both are named", needs: .python) {
            node in
            let server = try EndpointServer()
            try node.drop("a.yaml", shellPod("twin", "echo file; " + hold, restart: "Always"))
            let first = try node.waitReady("twin")
            try server.serve(pods: [shellPod("twin", "echo url; " + hold, restart: "Always")])
            try configure(node, "podsURL: \(server.url)/pods\nhttpCheckFrequency: 1s", restarts: false)
            try node.eventually("a message with both places", seconds: 10) {
                let shown = try node.swiftlet("get", "pods")
                let text = shown.output + shown.errors
                return text.contains("a.yaml") && text.contains("\(server.url)/pods")
            }
            try expectSame(try node.waitReady("twin"), first)
            // When the file goes it is the URL's.
            try node.remove("a.yaml")
            try node.wait("twin", "that of the URL") {
                $0.isReady && $0.string("metadata.uid") != first.string("metadata.uid")
            }
            try expectContains(try node.logs("twin"), "url", "log")
            // A reload without the URL ends its pods.
            try configure(node, "", restarts: false)
            try node.waitGone("twin")
        },
        Test("a plain URL of another machine is refused unless its host is named") { node in
            try node.terminate()
            let file = "\(node.root)/etc/swiftlet/config.yaml"
            try write(node, "podsURL: http://192.0.2.7/pods")
            func check() throws -> CommandResult {
                try run(
                    "\(node.machine.programs)/swiftletd", ["--root", node.root, "--limits=unenforced", "--check"],
                    timeout: .seconds(20 * node.machine.scale))
            }
            let refused = try check()
            try expectEqual(refused.status, 1, "exit status")
            try expectContains(refused.errors, "podsURLClient.plainHTTPHost: 192.0.2.7", "what --check says")
            try write(node, "podsURL: http://192.0.2.7/pods\npodsURLClient: {plainHTTPHost: 192.0.2.7}")
            let allowed = try check()
            try expect(!allowed.errors.contains("podsURL"), allowed.errors)
            try write(node, "statusURL: https://h/\nstatusURLClient: {caFile: /etc/no-such-ca.pem}")
            try expectContains(try check().output, "no-such-ca.pem", "what --check says of a file")
            try Files.remove(file)
            try node.start()
        },
    ]
}

/// Writes the agent's configuration.
private func write(_ node: Node, _ lines: String) throws {
    try Files.makeDirectories("\(node.root)/etc/swiftlet")
    let text = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\(lines)\n"
    try Files.replace("\(node.root)/etc/swiftlet/config.yaml", with: text.utf8, mode: 0o644, durable: false)
}

/// Gives the agent a configuration, by a restart or a reload.
func configure(_ node: Node, _ lines: String, restarts: Bool = true) throws {
    try write(node, lines)
    if restarts {
        try node.kill()
        return try node.start()
    }
    node.markLog()
    guard kill(node.agentPID, SIGHUP) == 0 else { throw SystemError("kill", "the agent") }
    try node.eventually("the configuration is read", seconds: 10) { node.lastLog.contains("configuration read again") }
}

/// Takes the configuration away: pods of a URL end.
func deconfigure(_ node: Node) throws {
    try configure(node, "", restarts: false)
    try node.eventually("no pod is left", seconds: 20) { try node.pods().isEmpty }
}

/// Throws unless the container of a pod has gone on as it was.
func expectSame(_ pod: JSONValue, _ before: JSONValue) throws {
    try expectEqual(pod.string("metadata.uid"), before.string("metadata.uid"), "uid")
    try expectEqual(
        pod.container()?.string("containerID"), before.container()?.string("containerID"), "container id")
    try expectEqual(pod.container()?.integer("restartCount") ?? -1, 0, "restarts")
}

extension JSONValue {
    /// All containers of the pod are ready.
    var isReady: Bool {
        let statuses = at("status.containerStatuses")?.arrayValue ?? []
        return !statuses.isEmpty && statuses.allSatisfy { $0.at("ready")?.boolValue == true }
    }
}

extension Node {
    /// The pod is there and has been asked to end.
    func isEnding(_ name: String) -> Bool {
        ((try? pod(name)) ?? nil)?.string("metadata.deletionTimestamp") != nil
    }
}
