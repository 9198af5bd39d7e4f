import Base
import JSON

let nameSuite = Suite("names", isOfKernel: true) {
    [
        Test("dnsPolicy None with dnsConfig is the whole resolv.conf") { node in
            let spec = """
                dnsPolicy: None
                dnsConfig:
                  nameservers: [192.0.2.53, "2001:db8::53"]
                  searches: [one.example, two.example.]
                  options: [{name: ndots, value: "2"}, {name: edns0}]
                """
            try expectEqual(
                try node.runToEnd("none", shellPod("none", "cat /etc/resolv.conf", spec: spec)),
                "search one.example two.example.\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"
                    + "options ndots:2 edns0\n", "/etc/resolv.conf")
        },
        Test("dnsConfig is added to the node's resolv.conf, and what resolvers cannot take is told") { node in
            let spec = """
                dnsPolicy: Default
                dnsConfig:
                  nameservers: [192.0.2.51, 192.0.2.52, 192.0.2.53]
                  options: [{name: timeout, value: "1"}]
                """
            let text = try node.runToEnd("added", shellPod("added", "cat /etc/resolv.conf", spec: spec))
            let servers = text.split(separator: "\n").filter { $0.hasPrefix("nameserver ") }
            let own = try Files.readText("/etc/resolv.conf").split(separator: "\n")
                .filter { $0.hasPrefix("nameserver ") }.count
            try expectEqual(servers.count, 3, "servers")
            try expectContains(text, "timeout:1", "options")
            let isCut = own + 3 > 3
            try expectEqual(try node.eventReasons("added").contains("DNSConfigForming"), isCut, "the event")
        },
        Test("a pod with a subdomain has its full name in /etc/hosts, and where asked for as its own") { node in
            let script = "hostname; hostname -f; cat /etc/hostname; echo $HOSTNAME; tail -n 1 /etc/hosts"
            func run(_ name: String, _ spec: String) throws -> [Substring] {
                try node.runToEnd(name, shellPod(name, script, spec: spec)).split(separator: "\n")
            }
            let short = try run("short", "hostname: web\nsubdomain: db")
            let full = "web.db.default.svc.cluster.local"
            try expectEqual(short.prefix(4).map(String.init), ["web", full, "web", "web"], "names")
            try expect(short.last?.hasSuffix("\t\(full)\tweb") == true, "the last line of /etc/hosts: \(short)")
            let long = try run("long", "hostname: web\nsubdomain: db\nsetHostnameAsFQDN: true")
            try expectEqual(long.prefix(4).map(String.init), [full, full, full, full], "names with setHostnameAsFQDN")
            let other = try run("other", "hostname: web\nsubdomain: db\nhostnameOverride: box.example.org")
            try expectEqual(
                other.prefix(4).map(String.init), Array(repeating: "box.example.org", count: 4),
                "names with hostnameOverride")
        },
        Test("a full name that is too long for the kernel is told in the kubelet's words") { node in
            let subdomain = String(repeating: "s", count: 50)
            try node.drop(
                "deep.yaml", shellPod("deep", "hostname", spec: "subdomain: \(subdomain)\nsetHostnameAsFQDN: true"))
            let words =
                "Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, FQDN "
                + "deep.\(subdomain).default.svc.cluster.local is too long (64 characters is the max, "
            try node.eventually("event FailedCreatePodSandBox", seconds: 10) {
                try node.events("deep").contains {
                    $0.string("reason") == "FailedCreatePodSandBox"
                        && $0.string("message")?.hasPrefix(words) == true
                }
            }
        },
        Test("ClusterFirst asks the configuration's servers, with the searches of the cluster's domain") { node in
            try configure(node, "clusterDNS: [10.96.0.10]\nclusterDomain: edge.example")
            let script = "cat /etc/resolv.conf; tail -n 1 /etc/hosts"
            let text = try node.runToEnd("first", shellPod("first", script, spec: "hostname: a\nsubdomain: b"))
            let search = "search default.svc.edge.example svc.edge.example edge.example"
            try expect(text.hasPrefix(search + " ") || text.hasPrefix(search + "\n"), "searches of \(text)")
            try expectContains(text, "\nnameserver 10.96.0.10\noptions ndots:5\n", "/etc/resolv.conf")
            try expectContains(text, "\ta.b.default.svc.edge.example\ta\n", "/etc/hosts")
            try expect(!(try node.eventReasons("first").contains("MissingClusterDNS")), "an event all the same")
            try configure(node, "")
        },
    ]
}
