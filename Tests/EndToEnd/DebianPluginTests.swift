import Base
import CLinux
import JSON
import Netlink

/// What iptables makes for plugins of Debian, in this network namespace.
private func removeTables() {
    guard var socket = try? NftablesSocket() else { return }
    for family in [NftablesFamily.ipv4, .ipv6] {
        for name in ["nat", "filter"] { try? socket.deleteTable(NftablesTable(family, name)) }
    }
}

let debianPluginSuite = Suite("Debian's plugins") {
    [
        Test(
            "a pod on bridge, host-local, portmap, tuning and firewall is reached, and nothing of it is left",
            needs: .plugins
        ) {
            node in
            let folder = "\(node.root)/etc/cni/net.d"
            let leases = "\(node.root)/debian-leases"
            try Files.makeDirectories(folder)
            try Files.makeDirectories("\(node.root)/opt/cni/bin")
            defer { removeTables() }
            // By another name they are not ours, which come first.
            for name in ["bridge", "host-local", "portmap", "tuning", "firewall"] {
                _ = symlink("/usr/lib/cni/\(name)", "\(node.root)/opt/cni/bin/debian-\(name)")
            }
            let list = """
                {"cniVersion":"1.0.0","name":"debian","plugins":[
                 {"type":"debian-bridge","bridge":"debian0","isGateway":true,"ipMasq":true,"mtu":1400,
                  "ipam":{"type":"debian-host-local","ranges":[[{"subnet":"10.78.0.0/24"}]],
                   "routes":[{"dst":"0.0.0.0/0"}],"dataDir":"\(leases)"}},
                 {"type":"debian-portmap","capabilities":{"portMappings":true}},
                 {"type":"debian-tuning","sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"}},
                 {"type":"debian-firewall"}]}
                """
            try Files.replace("\(folder)/10-debian.conflist", with: list.utf8, durable: false)
            let script =
                "mkdir /tmp/w; cat /proc/sys/net/ipv4/conf/eth0/arp_filter > /tmp/w/index.html; \(hold) & "
                + "exec httpd -f -p 80 -h /tmp/w"
            let ports = "ports: [{containerPort: 80, hostPort: 8088}]"
            try node.drop("guest.yaml", shellPod("guest", script, container: ports, restart: "Always"))
            let address = try node.waitReady("guest", seconds: 30).string("status.podIP") ?? ""
            try expect(address.hasPrefix("10.78.0."), "podIP is \(address)")
            try node.eventually("the page is served", seconds: 10) { (try? HTTPPeer.fetch(address, 80)) == "1" }
            try node.eventually("the host's port leads to it", seconds: 10) {
                (try? HTTPPeer.fetch("127.0.0.1", 8088)) == "1"
            }
            // What ADD was asked of is asked for DEL, whatever became of the file.
            try Files.remove("\(folder)/10-debian.conflist")
            try node.remove("guest.yaml")
            try node.waitGone("guest")
            let left = try Files.list("\(leases)/debian").filter { $0.hasPrefix("10.") }
            try expectEqual(left, [], "leases of Debian's host-local")
            var routes = try RouteSocket()
            let ends = try routes.links().filter { $0.kind == "veth" }.map(\.name)
            try expectEqual(ends, [], "interfaces of pods")
            try routes.perform { $0.deleteLink(.name("debian0")) }
        }
    ]
}
