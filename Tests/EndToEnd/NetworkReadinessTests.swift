import Base
import CLinux
import JSON

/// A plugin of the tests: it does as `loopback` does, and answers STATUS with what the file says.
private let plugin = """
    #!/bin/sh
    here=$(dirname "$0")
    case $CNI_COMMAND in
    STATUS) cat "$here/status" && exit 1; exit 0 ;;
    ADD) echo '{"cniVersion":"1.1.0","ips":[{"address":"10.79.0.2/24"}]}' ;;
    esac
    exit 0
    """

private func readiness(_ node: Node) throws -> String {
    let status = try JSONParser.parse(Array(try node.ok("status", "-o", "json").utf8))
    let ready = status["conditions"]?.arrayValue?.first { $0.string("type") == "Ready" }
    return "\(ready?.string("status") ?? "?") \(ready?.string("reason") ?? "?"): \(ready?.string("message") ?? "?")"
}

private let notReady =
    "False KubeletNotReady: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    + "message:Network plugin returns error: "

let networkReadinessSuite = Suite("network readiness") {
    [
        Test("a node whose network cannot be had says so as the kubelet does, until the file is mended") { node in
            let folder = "\(node.root)/etc/cni/net.d"
            try expectEqual(try readiness(node), "True KubeletReady: kubelet is posting ready status", "without a file")
            // The folder is made, as its parent is, while the agent runs.
            try Files.makeDirectories(folder)
            defer { try? Files.removeTree("\(node.root)/etc/cni") }
            try Files.replace("\(folder)/10-n.conflist", with: "{".utf8, durable: false)
            try node.eventually("it is not ready", seconds: 5) {
                try readiness(node).hasPrefix(notReady + "cni plugin not initialized: \(folder)/10-n.conflist: ")
            }
            try expectContains(try node.ok("status"), "cni plugin not initialized", "swiftlet status")
            try Files.remove("\(folder)/10-n.conflist")
            try node.eventually("it is ready", seconds: 5) { try readiness(node).hasPrefix("True") }
        },
        Test("plugins that take no pods are told in their own words, and pods wait until they do") { node in
            let bin = "\(node.root)/opt/cni/bin"
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(bin)
            try Files.makeDirectories(folder)
            defer { try? Files.removeTree("\(node.root)/etc/cni") }
            try Files.replace("\(bin)/moody", with: plugin.utf8, mode: 0o755, durable: false)
            let words = #"{"cniVersion":"1.1.0","code":50,"msg":"the tide is out"}"#
            try Files.replace("\(bin)/status", with: words.utf8, durable: false)
            let list = #"{"cniVersion":"1.1.0","name":"moody","plugins":[{"type":"moody"}]}"#
            try Files.replace("\(folder)/10-moody.conflist", with: list.utf8, durable: false)
            try node.eventually("it is not ready", seconds: 5) {
                let said = try readiness(node)
                return said.hasPrefix(notReady + "network moody: plugin moody is not ready")
                    && said.contains("the tide is out")
            }
            try node.drop("tidal.yaml", shellPod("tidal", hold, restart: "Always"))
            try node.eventually("an event says so", seconds: 10) {
                try node.events("tidal").contains { $0.string("message")?.contains("the tide is out") == true }
            }
            try Files.remove("\(bin)/status")
            try node.waitReady("tidal", seconds: 10)
            try node.eventually("it is ready", seconds: 10) { try readiness(node).hasPrefix("True") }
            try expectEqual(try node.pod("tidal")?.string("status.podIP") ?? "", "10.79.0.2", "podIP")
        },
    ]
}
