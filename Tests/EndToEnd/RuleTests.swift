import Base
import CLinux
import JSON
import Netlink

private func web(_ name: String, port: Int) -> String {
    let script = "mkdir /tmp/w; echo \(name) > /tmp/w/index.html; trap 'exit 0' TERM; httpd -f -p 80 -h /tmp/w & wait"
    return shellPod(
        name, script, container: "ports: [{containerPort: 80, hostPort: \(port)}]", restart: "Always")
}

/// The ruleset with all elements; their order in a set is nobody's.
private func ruleset() throws -> [String] {
    try HostNetwork.now().lines.filter { line in
        ["table", "chain", "rule", "set ", "element"].contains { line.hasPrefix($0) }
    }.sorted()
}

/// All tables go, as by `nft flush ruleset`.
private func flushRuleset() throws {
    var socket = try NftablesSocket()
    for table in try socket.tables() { try socket.deleteTable(table) }
}

private func isServed(_ port: UInt16, _ page: String) -> Bool {
    (try? HTTPPeer.fetch("127.0.0.1", port, seconds: 1)) == page
}

let ruleSuite = Suite("firewall rules", isOfKernel: true) {
    [
        Test("a flushed ruleset is noticed: ports of the host and masquerading stand again within a second") { node in
            try node.drop("one.yaml", web("one", port: 8101))
            try node.drop("two.yaml", web("two", port: 8102))
            try node.waitReady("one")
            try node.waitReady("two")
            try node.eventually("the pages are served", seconds: 10) { isServed(8101, "one") && isServed(8102, "two") }
            let open = try HTTPPeer.connect("127.0.0.1", 8101)
            let before = try ruleset()
            var shortest = Nanoseconds.seconds(10)
            for _ in 0..<3 {
                try flushRuleset()
                let flushed = BootInstant.now
                try expect(try ruleset() != before, "nothing was flushed")
                try node.eventually("the rules stand again", seconds: 10) { try ruleset() == before }
                shortest = min(shortest, BootInstant.now - flushed)
                try node.eventually("the pages are served", seconds: 10) {
                    isServed(8101, "one") && isServed(8102, "two")
                }
            }
            // Others may have the machine's processors for longer than that, but hardly three times.
            try expect(shortest < .seconds(node.machine.scale), "the rules stood again after \(shortest)")
            try open.writeAll("GET / HTTP/1.0\r\n\r\n".utf8)
            let answer = String(decoding: try open.readAll(limit: 4096), as: UTF8.self)
            try expectContains(answer, "one", "the answer on the connection opened before")
            try expectContains(node.agentLog(), "removed nftables rules", "the agent's log")
        },
        Test("a rule, a chain or an element that is deleted comes back, and what others have is left alone") { node in
            try node.drop("part.yaml", web("part", port: 8103))
            try node.waitReady("part")
            try node.eventually("the page is served", seconds: 10) { isServed(8103, "part") }
            var socket = try NftablesSocket()
            let tables = try socket.tables().filter { $0.name.hasPrefix("swiftlet") }
            guard let table = tables.first, tables.count == 1 else { throw Failure("tables: \(tables)") }
            let other = NftablesTable(.inet, "theirs")
            var making = NftablesTransaction()
            making.add(other)
            try socket.commit(making)
            defer { try? socket.deleteTable(other) }
            let before = try ruleset()
            for chain in ["hostports", "masquerade"] {
                var transaction = NftablesTransaction()
                transaction.flush(NftablesChain(chain, of: table))
                try socket.commit(transaction)
                try node.eventually("the rules of \(chain) stand again", seconds: 10) { try ruleset() == before }
            }
            let elements = try socket.elements(of: "hostports_ip", in: table) ?? []
            try expectEqual(elements.count, 1, "host ports")
            var transaction = NftablesTransaction()
            transaction.delete(elements, from: "hostports_ip", of: table)
            try socket.commit(transaction)
            try node.eventually("the element is there again", seconds: 10) { try ruleset() == before }
            try node.eventually("the page is served again", seconds: 10) { isServed(8103, "part") }
        },
        Test("rules that went while no agent ran stand again when one does") { node in
            try node.drop("away.yaml", web("away", port: 8104))
            try node.waitReady("away")
            try node.eventually("the page is served", seconds: 10) { isServed(8104, "away") }
            let before = try ruleset()
            try node.kill()
            try flushRuleset()
            try expect(!isServed(8104, "away"), "it is served without rules")
            try node.start()
            try node.eventually("the rules stand again", seconds: 10) { try ruleset() == before }
            try node.eventually("the page is served again", seconds: 10) { isServed(8104, "away") }
        },
        Test("the rules of a network from a file come back, and pods that come and go do not make the agent look") {
            node in
            try node.eventually("the built-in network is taken down", seconds: 10) {
                try LeakCount.tables().allSatisfy { !$0.contains("swiftlet") }
            }
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(folder)
            defer { try? Files.removeTree(folder) }
            let list = """
                {"cniVersion":"1.1.0","name":"filed","plugins":[
                 {"type":"bridge","bridge":"e2efiled","isGateway":true,"hairpinMode":true,"ipMasq":true,"ipam":{"type":"host-local","subnet":"10.78.0.0/24",
                  "dataDir":"\(node.root)/leases","routes":[{"dst":"0.0.0.0/0"}]}},
                 {"type":"portmap","capabilities":{"portMappings":true}},
                 {"type":"firewall","ingressPolicy":"isolated"}]}
                """
            try Files.replace("\(folder)/10-filed.conflist", with: list.utf8, durable: false)
            try node.drop("filed.yaml", web("filed", port: 8105))
            try node.waitReady("filed")
            try node.eventually("the page is served", seconds: 10) { isServed(8105, "filed") }
            let before = try ruleset()
            try flushRuleset()
            try node.eventually("the rules stand again", seconds: 10) { try ruleset() == before }
            try node.eventually("the page is served again", seconds: 10) { isServed(8105, "filed") }
            let told = node.agentLog().split(separator: "\n").count { $0.contains("nftables rules") }
            try node.drop("guest.yaml", web("guest", port: 8106))
            try node.waitReady("guest")
            try node.remove("guest.yaml")
            try node.waitGone("guest")
            try expectEqual(try ruleset(), before, "the rules after a pod came and went")
            let now = node.agentLog().split(separator: "\n").count { $0.contains("nftables rules") }
            try expectEqual(now, told, "lines of the log about rules")
            // The table of networks from files is nobody's to remove; with pods it would come back.
            try node.removeAllPods()
            var socket = try NftablesSocket()
            for family in [NftablesFamily.inet, .bridge] {
                try socket.deleteTable(NftablesTable(family, "swiftlet_cni"))
            }
            var routes = try RouteSocket()
            try routes.perform { $0.deleteLink(.name("e2efiled")) }
        },
    ]
}
