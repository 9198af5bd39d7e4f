import Base
import CLinux
import JSON
import Netlink

/// Networks of the tests: `first` is every pod's, the others are had by their names.
private struct Definitions {
    let node: Node
    var folder: String { "\(node.root)/etc/cni/net.d" }

    init(_ node: Node, _ names: String...) throws {
        self.node = node
        try Files.makeDirectories(folder)
        for name in names { try write(name) }
    }

    func write(_ name: String) throws {
        let index = ["first", "storage", "fast"].firstIndex(of: name) ?? 9
        let text = """
            {"cniVersion":"1.1.0","name":"\(name)","plugins":[{"type":"bridge","bridge":"e2e\(name)","isGateway":true,
             "capabilities":{"ips":true,"mac":true},
             "ipam":{"type":"host-local","ranges":[[{"subnet":"10.9\(index).0.0/24"}]],"dataDir":"\(node.root)/leases",
              "routes":[\(index == 0 ? #"{"dst":"0.0.0.0/0"}"# : "")]}}]}
            """
        try Files.replace("\(folder)/\(index)0-\(name).conflist", with: text.utf8, durable: false)
    }

    func remove(_ names: String...) {
        try? Files.removeTree("\(node.root)/etc/cni")
        guard var routes = try? RouteSocket() else { return }
        for name in names { try? routes.perform { $0.deleteLink(.name("e2e\(name)")) } }
    }

    /// Addresses that are given out.
    func leases(_ name: String) throws -> [String] {
        try Files.list("\(node.root)/leases/\(name)").filter { $0.hasPrefix("10.") }
    }
}

private func pod(_ name: String, _ annotations: String) -> String {
    shellPod(name, hold, restart: "Always").replacing(
        "metadata:\n", with: "metadata:\n  annotations:\n    \(annotations)\n", maxReplacements: 1)
}

private func networkStatus(_ pod: JSONValue) throws -> [JSONValue] {
    let annotations = pod.at("metadata.annotations")?.objectValue
    guard let text = annotations?["k8s.v1.cni.cncf.io/network-status"]?.stringValue else { return [] }
    return try JSONParser.parse(Array(text.utf8)).arrayValue ?? []
}

let severalNetworksSuite = Suite("several networks", isOfKernel: true) {
    [
        Test(
            "a pod has the networks of its annotation beside the default one, over a restart of the agent, and gives all back"
        ) {
            node in
            let networks = try Definitions(node, "first", "storage", "fast")
            defer { networks.remove("first", "storage", "fast") }
            try node.drop("multi.yaml", pod("multi", "k8s.v1.cni.cncf.io/networks: storage, team/fast@data0"))
            let ready = try node.waitReady("multi")
            let addresses = try node.exec("multi", "ip -o -4 addr show").output
            for part in ["eth0    inet 10.90.0.2/24", "net1    inet 10.91.0.2/24", "data0    inet 10.92.0.2/24"] {
                try expectContains(addresses, part, "interfaces")
            }
            try expectEqual(ready.string("status.podIP") ?? "", "10.90.0.2", "podIP")
            try expectEqual(ready.at("status.podIPs")?.arrayValue?.count, 1, "podIPs")
            func expectStatus(_ pod: JSONValue) throws {
                let status = try networkStatus(pod)
                let words = status.map { entry in
                    let ips = entry["ips"]?.arrayValue?.compactMap(\.stringValue).joined(separator: " ") ?? ""
                    return "\(entry.string("name") ?? "") \(entry.string("interface") ?? "") \(ips)"
                        + (entry["default"]?.boolValue == true ? " default" : "")
                }
                try expectEqual(
                    words,
                    ["first eth0 10.90.0.2 default", "default/storage net1 10.91.0.2", "team/fast data0 10.92.0.2"],
                    "network-status")
                try expect(status.allSatisfy { $0.string("mac")?.utf8.count == 17 }, "\(status)")
            }
            try expectStatus(ready)
            try node.kill()
            try node.start()
            try expectStatus(try node.waitReady("multi"))
            try node.remove("multi.yaml")
            try node.waitGone("multi")
            for name in ["first", "storage", "fast"] {
                try expectEqual(try networks.leases(name), [], "addresses of \(name)")
            }
        },
        Test("a JSON list asks for addresses, a MAC address and the default route") { node in
            let networks = try Definitions(node, "first", "storage")
            defer { networks.remove("first", "storage") }
            let list =
                #"[{"name":"storage","interface":"up0","ips":["10.91.0.77"],"mac":"02:00:00:00:00:77","#
                + #""default-route":["10.91.0.1"]}]"#
            try node.drop("asking.yaml", pod("asking", "k8s.v1.cni.cncf.io/networks: '\(list)'"))
            try node.waitReady("asking")
            let link = try node.exec("asking", "ip addr show up0").output
            try expectContains(link, "inet 10.91.0.77/24", "up0")
            try expectContains(link, "02:00:00:00:00:77", "up0")
            let routes = try node.exec("asking", "ip route").output.split(separator: "\n").filter {
                $0.hasPrefix("default")
            }
            try expect(routes.count == 1 && routes[0].contains("default via 10.91.0.1 dev up0"), "routes: \(routes)")
        },
        Test("a network that is not there is named, and the pod starts when it is") { node in
            let networks = try Definitions(node, "first")
            defer { networks.remove("first", "storage") }
            try node.drop("early.yaml", pod("early", "k8s.v1.cni.cncf.io/networks: storage"))
            try node.eventually("an event names it", seconds: 10) {
                try node.events("early").contains {
                    $0.string("message")?.contains("there is no network storage in \(networks.folder)") == true
                }
            }
            try expectEqual(try node.pod("early")?.string("status.phase") ?? "", "Pending", "phase")
            try networks.write("storage")
            try node.waitReady("early", seconds: 10)
        },
        Test("an annotation that says nothing sensible is refused with its place") { node in
            try node.drop("odd.yaml", pod("odd", "k8s.v1.cni.cncf.io/networks: 'a/b/c'"))
            try node.eventually("the problem is told", seconds: 10) {
                try node.ok("status").contains("is not of the form [NAMESPACE/]NAME[@INTERFACE]")
            }
            try node.remove("odd.yaml")
        },
        Test(
            "rates of annotations reach the plugin that can limit, and without one an event says that they do not hold"
        ) {
            node in
            let rates = "kubernetes.io/ingress-bandwidth: 10M\n    kubernetes.io/egress-bandwidth: 20M"
            try node.drop("slow.yaml", pod("slow", rates))
            let uid = try node.waitReady("slow").string("metadata.uid") ?? ""
            let record = try text("\(node.root)/run/swiftlet/cni/attachments/\(uid).json")
            for part in [#""ingressRate":10000000"#, #""egressRate":20000000"#, #""type":"bandwidth""#] {
                try expectContains(record, part, "the record")
            }
            let networks = try Definitions(node, "first")
            defer { networks.remove("first") }
            try node.drop("fast.yaml", pod("fast", rates))
            try node.waitReady("fast")
            try node.eventually("an event says so", seconds: 10) {
                try node.eventReasons("fast").contains("BandwidthNotLimited")
            }
            try node.removeAllPods()
        },
    ]
}
