import Base
import CLinux
import JSON
import Netlink

/// A pod that serves its own name on port 80.
private func server(_ name: String, ports: String = "[{containerPort: 80}]", spec: String = "") -> String {
    let script = "mkdir /tmp/w; echo \(name) > /tmp/w/index.html; trap 'exit 0' TERM; httpd -f -p 80 -h /tmp/w & wait"
    return shellPod(name, script, container: "ports: \(ports)", spec: spec, restart: "Always")
}

/// What of the host's network pods may change.
private struct HostState: Equatable {
    var links: [String]
    var forwarding: String
    var routes: Int
    var tables: [String]

    static func now() throws -> HostState {
        var routes = try RouteSocket()
        return HostState(
            links: try routes.links().map(\.name).sorted(),
            forwarding: try Files.readText("/proc/sys/net/ipv4/ip_forward"),
            routes: try routes.routes(ipv6: false).count, tables: try LeakCount.tables())
    }
}

let networkSuite = Suite("network", isOfKernel: true) {
    [
        Test("a pod has an address that its containers, its host and its status agree on") { node in
            try node.drop("web.yaml", server("web"))
            let pod = try node.waitReady("web")
            let address = pod.string("status.podIP") ?? ""
            try expect(address.hasPrefix("10.85."), "podIP is \"\(address)\"")
            try expectEqual(pod.string("status.podIPs.0.ip") ?? "", address, "podIPs")
            try expectContains(try node.exec("web", "ip -o -4 addr show eth0").output, "inet \(address)/16", "eth0")
            try expectContains(try node.exec("web", "cat /etc/hosts").output, "\(address)\tweb", "/etc/hosts")
            try node.eventually("the page is served", seconds: 10) { (try? HTTPPeer.fetch(address, 80)) == "web" }
        },
        Test("status.podIP reaches the environment") { node in
            let script = "echo $IP; ip -o -4 addr show eth0"
            let variable = "env: [{name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}]"
            let lines = try node.runToEnd("self", shellPod("self", script, container: variable)).split(separator: "\n")
            try expect(lines.count == 2 && lines[1].contains("inet \(lines[0])/"), "\(lines)")
        },
        Test("pods reach each other by address, and no two have the same") { node in
            try node.drop("one.yaml", server("one"))
            try node.drop("two.yaml", server("two"))
            let one = try node.waitReady("one").string("status.podIP") ?? ""
            let two = try node.waitReady("two").string("status.podIP") ?? ""
            try expect(one != two, "both have \(one)")
            try node.eventually("one reaches two", seconds: 10) {
                try node.exec("one", "timeout 2 wget -q -O - http://\(two)/").output == "two\n"
            }
        },
        Test("a pod reaches the outside with the node's address") { node in
            let outside = try Outside()
            // Without it the server would end with its last use here.
            defer { withExtendedLifetime(outside) {} }
            try outside.serve(9000)
            try node.drop("client.yaml", shellPod("client", hold, restart: "Always"))
            try node.waitReady("client")
            try node.eventually("the outside answers", seconds: 10) {
                let seen = try node.exec("client", "timeout 2 wget -q -O - http://\(Outside.address):9000/").output
                return seen == "\(Outside.node)\n"
            }
        },
        Test("a hostPort leads to the pod, from outside, from the host and from the pod itself") { node in
            let outside = try Outside()
            try node.drop("port.yaml", server("port", ports: "[{containerPort: 80, hostPort: 8081}]"))
            try node.waitReady("port")
            try node.eventually("the host reaches it by loopback", seconds: 10) {
                (try? HTTPPeer.fetch("127.0.0.1", 8081)) == "port"
            }
            try expectEqual(try HTTPPeer.fetch(Outside.node, 8081), "port", "the page by the node's address")
            try expectEqual(try outside.fetch(Outside.node, 8081), "port", "the page from outside")
            let itself = try node.exec("port", "timeout 2 wget -q -O - http://\(Outside.node):8081/").output
            try expectEqual(itself, "port\n", "the page from the pod itself")
            try node.remove("port.yaml")
            try node.waitGone("port")
            try expect((try? HTTPPeer.fetch("127.0.0.1", 8081, seconds: 1)) == nil, "the port still leads somewhere")
        },
        Test("a hostPort with a hostIP is that address's alone") { node in
            let outside = try Outside()
            try node.drop(
                "bound.yaml", server("bound", ports: "[{containerPort: 80, hostPort: 8082, hostIP: 127.0.0.1}]"))
            try node.waitReady("bound")
            try node.eventually("loopback leads to it", seconds: 10) {
                (try? HTTPPeer.fetch("127.0.0.1", 8082)) == "bound"
            }
            try expect((try? HTTPPeer.fetch(Outside.node, 8082, seconds: 1)) == nil, "the node's address leads to it")
            try expect((try? outside.fetch(Outside.node, 8082)) == nil, "it is reached from outside")
        },
        Test("port-forward leads to a port of the pod's own localhost, until it is interrupted") { node in
            try node.drop("local.yaml", server("local"))
            try node.waitReady("local")
            let output = "\(Path.parent(node.root))/forward.out"
            var spawn = Spawn(
                "\(node.machine.programs)/swiftlet", ["--root", node.root, "port-forward", "local", ":80", ":81"],
                environment: ["PATH=/usr/bin:/bin"])
            spawn.standardOutput = SharedDescriptor(try FileDescriptor.open(output, O_WRONLY | O_CREAT, mode: 0o600))
            spawn.parentDeathSignal = SIGKILL
            let forward = try spawn.start()
            func local(_ remote: Int) throws -> UInt16? {
                let line = try text(output).split(separator: "\n").first { $0.hasSuffix(" -> \(remote)") }
                return line?.split(separator: " ")[2].split(separator: ":").last.flatMap { UInt16($0) }
            }
            try node.eventually("it listens", seconds: 10) { try local(81) != nil }
            for _ in 0..<3 {
                try node.eventually("the page is served", seconds: 10) {
                    (try? HTTPPeer.fetch("127.0.0.1", try local(80) ?? 0)) == "local"
                }
            }
            let closed = try? HTTPPeer.fetch("127.0.0.1", try local(81) ?? 0)
            try expect(closed == nil, "a port that nobody listens at answers \(closed ?? "")")
            try forward.send(SIGINT)
            _ = try forward.wait(block: true)
        },
        Test("a hostPort that is taken is told with its owner, and had when the owner is gone") { node in
            try node.drop("first.yaml", server("first", ports: "[{containerPort: 80, hostPort: 8083}]"))
            try node.waitReady("first")
            try node.drop("second.yaml", server("second", ports: "[{containerPort: 80, hostPort: 8083}]"))
            try node.eventually("an event says so", seconds: 10) {
                try node.events("second").contains {
                    $0.string("reason") == "FailedCreatePodSandBox"
                        && $0.string("message")?.contains("hostPort 8083/TCP is taken by pod default/first") == true
                }
            }
            try expectEqual(try HTTPPeer.fetch("127.0.0.1", 8083), "first", "the page")
            try node.remove("first.yaml")
            try node.waitReady("second", seconds: 20)
            try node.eventually("the port is the second's", seconds: 10) {
                (try? HTTPPeer.fetch("127.0.0.1", 8083)) == "second"
            }
        },
        Test("an agent that is killed is not noticed: addresses, connections and ports stay") { node in
            try node.drop("steady.yaml", server("steady", ports: "[{containerPort: 80, hostPort: 8084}]"))
            let address = try node.waitReady("steady").string("status.podIP") ?? ""
            try node.eventually("the page is served", seconds: 10) {
                (try? HTTPPeer.fetch("127.0.0.1", 8084)) == "steady"
            }
            let open = try HTTPPeer.connect("127.0.0.1", 8084)
            try node.kill()
            try expectEqual(try HTTPPeer.fetch(address, 80), "steady", "the page without the agent")
            try node.start()
            try expectEqual(try node.waitReady("steady").string("status.podIP") ?? "", address, "podIP")
            try open.writeAll("GET / HTTP/1.0\r\n\r\n".utf8)
            let answer = String(decoding: try open.readAll(limit: 4096), as: UTF8.self)
            try expectContains(answer, "steady", "the answer on the connection opened before")
            try expectEqual(try HTTPPeer.fetch("127.0.0.1", 8084), "steady", "the page by hostPort")
        },
        Test("a network that cannot be made is told, and the pod runs when it can") { node in
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(folder)
            try Files.replace("\(folder)/10-broken.conflist", with: "{".utf8, durable: false)
            defer { try? Files.removeTree(folder) }
            try node.drop("later.yaml", server("later"))
            try node.eventually("an event names the file", seconds: 10) {
                try node.events("later").contains { $0.string("message")?.contains("10-broken.conflist") == true }
            }
            let missing = #"{"cniVersion":"1.0.0","name":"n","plugins":[{"type":"no-such-plugin"}]}"#
            try Files.replace("\(folder)/10-broken.conflist", with: missing.utf8, durable: false)
            try node.eventually("an event names the plugin", seconds: 10) {
                try node.events("later").contains { $0.string("message")?.contains("plugin no-such-plugin") == true }
            }
            try Files.remove("\(folder)/10-broken.conflist")
            try node.waitReady("later", seconds: 30)
        },
        Test("a hostPort that the network cannot give is refused in words, not left out") { node in
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(folder)
            defer { try? Files.removeTree(folder) }
            let list = #"{"cniVersion":"1.0.0","name":"plain","plugins":[{"type":"loopback"}]}"#
            try Files.replace("\(folder)/10-plain.conflist", with: list.utf8, durable: false)
            try node.drop("portless.yaml", server("portless", ports: "[{containerPort: 80, hostPort: 8086}]"))
            try node.eventually("an event names the network and what is missing", seconds: 10) {
                try node.events("portless").contains {
                    let message = $0.string("message") ?? ""
                    return message.contains("network plain") && message.contains("capability portMappings")
                }
            }
        },
        Test("the plugins of another make run in its place, and DEL is asked of what ADD was asked of", needs: .plugins)
        {
            node in
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(folder)
            defer { try? Files.removeTree(folder) }
            try Files.makeDirectories("\(node.root)/opt/cni/bin")
            for name in ["bridge", "host-local"] {
                _ = symlink("/usr/lib/cni/\(name)", "\(node.root)/opt/cni/bin/their-\(name)")
            }
            let leases = "\(node.root)/their-leases"
            let list = """
                {"cniVersion":"1.0.0","name":"theirs","plugins":[{"type":"their-bridge","bridge":"their0",
                 "isGateway":true,"ipam":{"type":"their-host-local","subnet":"10.77.0.0/24","dataDir":"\(leases)"}}]}
                """
            try Files.replace("\(folder)/10-theirs.conflist", with: list.utf8, durable: false)
            try node.drop("guest.yaml", server("guest"))
            let address = try node.waitReady("guest").string("status.podIP") ?? ""
            try expect(address.hasPrefix("10.77.0."), "podIP is \(address)")
            try node.eventually("the page is served", seconds: 10) { (try? HTTPPeer.fetch(address, 80)) == "guest" }
            try Files.remove("\(folder)/10-theirs.conflist")
            try node.remove("guest.yaml")
            try node.waitGone("guest")
            let left = try Files.list("\(leases)/theirs").filter { $0.hasPrefix("10.") }
            try expectEqual(left, [], "leases of their host-local")
            var routes = try RouteSocket()
            try routes.perform { $0.deleteLink(.name("their0")) }
        },
    ]
}

/// Another program's table, as Docker makes it: what it does not know is not forwarded.
private func dropForwarded() throws -> NftablesTable {
    let table = NftablesTable(.ipv4, "filter")
    var transaction = NftablesTransaction()
    transaction.add(table)
    transaction.add(
        NftablesChain(
            "FORWARD", of: table,
            base: .init(.filter, .forward, priority: NftablesChain.Priority.filter, policy: .drop)))
    transaction.add(NftablesChain("DOCKER-USER", of: table))
    var socket = try NftablesSocket()
    try socket.commit(transaction)
    return table
}

let networkEndSuite = Suite("network end", freshNode: true, isOfKernel: true) {
    [
        Test("with the last pod the bridge, the rules and the host's settings are as before the first") { node in
            // As on a host that forwards nothing; the agents of tests before may still have left theirs.
            try Files.writeExisting("/proc/sys/net/ipv4/ip_forward", "0")
            let before = try HostState.now()
            for index in 0..<3 {
                let ports = "[{containerPort: 80, hostPort: \(8090 + index)}]"
                try node.drop("end\(index).yaml", server("end\(index)", ports: ports))
            }
            for index in 0..<3 { try node.waitReady("end\(index)") }
            let during = try HostState.now()
            try expectEqual(during.forwarding, "1", "ip_forward with pods")
            try expect(during.links.count > before.links.count, "links: \(during.links)")
            try node.removeAllPods()
            try node.eventually("all is as before", seconds: 10) { try HostState.now() == before }
            for folder in ["netns", "cni/attachments"] {
                try expectEqual(try Files.list("\(node.root)/run/swiftlet/\(folder)"), [], "files in \(folder)")
            }
        },
        Test("another program's rules that drop the pods' packets are named, with what allows them, and not touched") {
            node in
            let table = try dropForwarded()
            defer { if var socket = try? NftablesSocket() { try? socket.deleteTable(table) } }
            try node.drop("blocked.yaml", server("blocked"))
            try node.waitReady("blocked")
            let rule = "iptables -I DOCKER-USER -i swl-"
            try node.eventually("an event names the chain", seconds: 10) {
                try node.events("blocked").contains {
                    $0.string("reason") == "ForwardingBlocked"
                        && $0.string("message")?.contains("table ip filter, chain FORWARD") == true
                        && $0.string("message")?.contains(rule) == true
                }
            }
            try expectContains(try node.ok("status"), rule, "swiftlet status")
            var socket = try NftablesSocket()
            try expectEqual(try socket.rules(of: table).count, 0, "rules in the other program's table")
        },
        Test("an agent that was killed leaves the network of pods that are gone to the next one, which removes it") {
            node in
            let before = try HostState.now()
            try node.drop("left.yaml", server("left", ports: "[{containerPort: 80, hostPort: 8095}]"))
            try node.waitReady("left")
            try node.kill()
            try node.remove("left.yaml")
            try node.start()
            try node.waitGone("left")
            try node.eventually("all is as before", seconds: 10) { try HostState.now() == before }
        },
    ]
}
