import Base
import JSON

let fileSuite = Suite("files of a pod", isOfKernel: true) {
    [
        Test("hostAliases stand in /etc/hosts") { node in
            let spec = """
                hostAliases:
                  - ip: 10.1.2.3
                    hostnames: [foo.local, bar.local]
                  - ip: 10.1.2.4
                    hostnames: [baz]
                """
            let text = try node.runToEnd("aliases", shellPod("aliases", "cat /etc/hosts", spec: spec))
            try expectContains(text, "# Entries added by HostAliases.", "/etc/hosts")
            try expectContains(text, "10.1.2.3\tfoo.local\tbar.local", "/etc/hosts")
            try expectContains(text, "10.1.2.4\tbaz", "/etc/hosts")
            try expectContains(text, "127.0.0.1\tlocalhost", "/etc/hosts")
        },
        Test("a pod on the host's network has the host's /etc/hosts") { node in
            let script = "cat /etc/hosts"
            let text = try node.runToEnd("hosts", shellPod("hosts", script, spec: "hostNetwork: true"))
            for line in try Files.readText("/etc/hosts").split(separator: "\n") where !line.isEmpty {
                try expectContains(text, String(line), "/etc/hosts")
            }
        },
        Test("dnsPolicy Default gives the machine's /etc/resolv.conf without an event") { node in
            let manifest = shellPod("default", "cat /etc/resolv.conf", spec: "dnsPolicy: Default")
            let shown = try node.runToEnd("default", manifest)
            for line in try Files.readText("/etc/resolv.conf").split(separator: "\n") where line.hasPrefix("nameserver")
            {
                try expectContains(shown, String(line), "/etc/resolv.conf")
            }
            try expect(!(try node.eventReasons("default").contains("MissingClusterDNS")), "an event all the same")
        },
        Test("the devices every program expects are there and work") { node in
            let script = """
                set -e
                for d in null zero full random urandom tty; do test -c /dev/$d; done
                head -c 4 /dev/urandom >/dev/null; echo x > /dev/null
                ls -l /dev/fd /dev/stdin /dev/stdout /dev/stderr /dev/ptmx >/dev/null
                test -d /dev/pts; test -d /dev/shm; test -d /dev/mqueue
                echo fine
                """
            try expectEqual(try node.runToEnd("dev", shellPod("dev", script)), "fine\n", "log")
        },
        Test("the working folder is made and entered") { node in
            try expectEqual(
                try node.runToEnd("folder", shellPod("folder", "pwd", container: "workingDir: /a/b/c")), "/a/b/c\n",
                "pwd")
        },
    ]
}
