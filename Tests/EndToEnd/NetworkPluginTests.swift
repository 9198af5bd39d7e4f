import Base
import CLinux
import JSON
import Netlink

/// A plugin of the tests, a script. It notes what it is asked, and does for each command what a file of its name says.
private struct ScriptedPlugin {
    let node: Node
    let name: String
    private var bin: String { "\(node.root)/opt/cni/bin" }
    private var folder: String { "\(node.root)/etc/cni/net.d" }

    /// Makes it the pods' network.
    init(_ node: Node, _ name: String, list more: String = "") throws {
        self.node = node
        self.name = name
        let script = """
            #!/bin/sh
            here=\(bin)/\(name)
            echo $CNI_COMMAND >> $here.log
            if [ -e $here.$CNI_COMMAND ]; then . $here.$CNI_COMMAND; fi
            if [ $CNI_COMMAND = ADD ]; then echo '{"cniVersion":"1.1.0","ips":[{"address":"10.79.0.2/24"}]}'; fi
            exit 0
            """
        try Files.makeDirectories(bin)
        try Files.makeDirectories(folder)
        try Files.replace("\(bin)/\(name)", with: script.utf8, mode: 0o755, durable: false)
        let list = #"{"cniVersion":"1.1.0","name":"\#(name)"\#(more),"plugins":[{"type":"\#(name)"}]}"#
        try Files.replace("\(folder)/10-\(name).conflist", with: list.utf8, durable: false)
    }

    /// What it does when it is asked this.
    func on(_ command: String, _ script: String?) throws {
        let file = "\(bin)/\(name).\(command)"
        try Files.remove(file)
        if let script { try Files.replace(file, with: (script + "\n").utf8, durable: false) }
    }

    func asked() throws -> [String] { try text("\(bin)/\(name).log").split(separator: "\n").map { String($0) } }

    func remove() { try? Files.removeTree("\(node.root)/etc/cni") }
}

private func isFound(_ node: Node, _ pod: String, _ words: String) throws -> Bool {
    try node.events(pod).contains { $0.string("message")?.contains(words) == true }
}

let networkPluginSuite = Suite("network plugins", isOfKernel: true) {
    [
        Test("what a plugin answers that is none fails its pod alone, in words, until it answers well") { node in
            let plugin = try ScriptedPlugin(node, "babbling")
            defer { plugin.remove() }
            try plugin.on("ADD", "echo 'no { json'; exit 0")
            try node.drop("victim.yaml", shellPod("victim", hold, restart: "Always"))
            for (script, words) in [
                ("echo 'no { json'; exit 0", "its answer is no result"), ("exit 0", "its answer is no result"),
                ("exit 7", "it ended with exit status 7"), ("kill -9 $$", "it ended with signal 9"),
                ("head -c 20000000 /dev/zero | tr '\\0' x; exit 0", "its answer is no result"),
                ("echo '{\"code\":7,\"msg\":\"not today\"}'; exit 1", "not today"),
            ] {
                try plugin.on("ADD", script)
                // Of every change of the folder the pods that wait hear.
                try Files.replace("\(node.root)/etc/cni/net.d/touched", with: script.utf8, durable: false)
                try node.eventually("an event says: \(words)", seconds: 20) { try isFound(node, "victim", words) }
            }
            try expect(node.answers, "the agent does not answer")
            try plugin.on("ADD", nil)
            try node.waitReady("victim", seconds: 70)
        },
        Test("CHECK is asked after the agent's restart; what it finds is told, and the pod goes on") { node in
            let plugin = try ScriptedPlugin(node, "looker")
            defer { plugin.remove() }
            try node.drop("seen.yaml", shellPod("seen", hold, restart: "Always"))
            let before = try node.waitReady("seen").string("status.containerStatuses.0.containerID")
            try expect(try !plugin.asked().contains("CHECK"), "it was asked before")
            try node.kill()
            try plugin.on("CHECK", "echo '{\"code\":100,\"msg\":\"the cable is cut\"}'; exit 1")
            try node.start()
            try node.eventually("an event says so", seconds: 20) {
                try node.events("seen").contains {
                    $0.string("reason") == "NetworkCheckFailed"
                        && $0.string("message")?.contains("network looker: plugin looker") == true
                        && $0.string("message")?.contains("the cable is cut") == true
                }
            }
            let after = try node.waitReady("seen").string("status.containerStatuses.0.containerID")
            try expectEqual(after, before, "the container")
            try expectEqual(try plugin.asked().count { $0 == "CHECK" }, 1, "times that CHECK was asked")
        },
        Test("CHECK and GC are not asked where the list says so") { node in
            let plugin = try ScriptedPlugin(node, "shy", list: #","disableCheck":true,"disableGC":true"#)
            defer { plugin.remove() }
            let looked = try ScriptedPlugin(node, "looked")
            defer { looked.remove() }
            try Files.remove("\(node.root)/etc/cni/net.d/10-looked.conflist")
            try node.drop("left.yaml", shellPod("left", hold, restart: "Always"))
            try node.waitReady("left")
            // A second one, of a network that is asked, says when it would have been time.
            let list = #"{"cniVersion":"1.1.0","name":"looked","plugins":[{"type":"looked"}]}"#
            try Files.replace(
                "\(node.root)/etc/cni/net.d/05-looked.conflist", with: list.utf8, durable: false)
            try node.drop("right.yaml", shellPod("right", hold, restart: "Always"))
            try node.waitReady("right")
            try node.kill()
            try node.start()
            try node.eventually("the other is asked", seconds: 20) {
                let asked = try looked.asked()
                return asked.contains("CHECK") && asked.contains("GC")
            }
            let asked = try plugin.asked()
            try expect(!asked.contains("CHECK") && !asked.contains("GC"), "it was asked \(asked)")
        },
        Test("other programs read a pod's attachments where libcni keeps them, and what a boot has left is removed") {
            node in
            let folder = "\(node.root)/var/lib/cni/results"
            try node.drop("cached.yaml", shellPod("cached", hold, restart: "Always"))
            let pod = try node.waitReady("cached")
            let uid = pod.string("metadata.uid") ?? ""
            let name = try Files.list(folder).first { $0.hasSuffix("-\(uid)-eth0") } ?? ""
            let entry = try JSONParser.parse(Array(try text("\(folder)/\(name)").utf8))
            try expectEqual(entry.string("kind") ?? "", "cniCacheV1", "kind")
            try expectEqual(
                entry.string("result.ips.0.address") ?? "", "\(pod.string("status.podIP") ?? "")/16", "address")
            // That of a pod that went with the last boot.
            let stale = try text("\(folder)/\(name)").replacing(uid, with: "gone")
            try Files.replace("\(folder)/n-gone-eth0", with: stale.utf8, durable: false)
            let theirs = stale.replacing("\(node.root)/run/swiftlet/netns/gone", with: "/run/netns/theirs")
            try Files.replace("\(folder)/n-theirs-eth0", with: theirs.utf8, durable: false)
            try node.kill()
            try node.start()
            try node.eventually("the stale one is removed", seconds: 10) {
                try Files.list(folder).sorted() == [name, "n-theirs-eth0"].sorted()
            }
            try node.remove("cached.yaml")
            try node.waitGone("cached")
            try expectEqual(try Files.list(folder), ["n-theirs-eth0"], "what is left")
        },
        Test("the MTU of the built-in network is that of the way out, as it is when a pod starts") { node in
            func mtu(_ name: String) throws -> String {
                try node.drop("\(name).yaml", shellPod(name, hold, restart: "Always"))
                try node.waitReady(name)
                let shown: CommandResult = try node.exec(name, "ip link show eth0")
                return shown.output
            }
            try expectContains(try mtu("homely"), "1500", "MTU without a default route")
            let outside = try Outside()
            defer { withExtendedLifetime(outside) {} }
            var routes = try RouteSocket()
            guard let cable = try routes.link(named: "cable0") else { throw Failure("there is no cable0") }
            let way = Route([0, 0, 0, 0], prefixLength: 0, gateway: [192, 0, 2, 2], interface: cable.index)
            try routes.perform {
                $0.setMTU(.index(cable.index), 1380)
                $0.addRoute(way)
            }
            try expectContains(try mtu("narrow"), "1380", "MTU over a narrow way out")
            try routes.perform { $0.removeRoute(way) }
            try expectContains(try mtu("homely2"), "1500", "MTU when the default route is gone")
            try outside.serve(9100)
            try node.eventually("the outside answers", seconds: 10) {
                try node.exec("narrow", "timeout 2 wget -q -O - http://\(Outside.address):9100/").output
                    == "\(Outside.node)\n"
            }
        },
    ]
}
