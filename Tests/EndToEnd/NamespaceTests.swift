import Base
import CLinux
import JSON

let namespaceSuite = Suite("namespaces", isOfKernel: true) {
    [
        Test("three containers talk over localhost, and only loopback and eth0 are there") { node in
            let server = "echo from-a > /tmp/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp"
            let relay = """
                until wget -q -O /tmp/index.html http://127.0.0.1:8080/; do sleep 0.2; done
                httpd -f -p 127.0.0.1:9090 -h /tmp
                """
            let client = "ip -o link | wc -l; until wget -q -O - http://127.0.0.1:9090/; do sleep 0.2; done; " + hold
            let spec =
                "restartPolicy: Always\ncontainers:\n" + shellContainer("server", server)
                + shellContainer("relay", relay) + shellContainer("client", client)
            try node.drop("three.yaml", podManifest("three", spec))
            try node.eventually("the page went through three containers", seconds: 20) {
                (try? node.logs("three", "client"))?.contains("from-a") ?? false
            }
            try expect(try node.logs("three", "client").hasPrefix("2\n"), "there is more than lo and eth0")
        },
        Test("namespaces are the pod's or the container's own, by default") { node in
            let script = "for n in net ipc uts pid mnt cgroup; do readlink /proc/self/ns/$n; done; echo $$; " + hold
            let spec =
                "restartPolicy: Always\ncontainers:\n" + shellContainer("a", script) + shellContainer("b", script)
            try node.drop("spaces.yaml", podManifest("spaces", spec))
            try node.waitReady("spaces")
            let a = try node.logs("spaces", "a").split(separator: "\n").map(String.init)
            let b = try node.logs("spaces", "b").split(separator: "\n").map(String.init)
            try expect(a.count == 7 && b.count == 7, "\(a) \(b)")
            for (index, kind) in ["net", "ipc", "uts"].enumerated() {
                try expectEqual(a[index], b[index], "\(kind) of two containers of a pod")
                try expect(a[index] != hostNamespace(kind), "\(kind) is the host's")
            }
            for (index, kind) in ["pid", "mnt", "cgroup"].enumerated() {
                try expect(a[index + 3] != b[index + 3], "\(kind) is shared by two containers")
                try expect(a[index + 3] != hostNamespace(kind), "\(kind) is the host's")
            }
            try expectEqual(a[6], "1", "the pid of the first process")
        },
        Test("hostNetwork, hostPID and hostIPC are the host's") { node in
            let script = "for n in net ipc pid; do readlink /proc/self/ns/$n; done; ls /proc | grep -c '^[0-9]'"
            let spec = "hostNetwork: true\nhostPID: true\nhostIPC: true"
            let lines = try node.runToEnd("hosted", shellPod("hosted", script, spec: spec)).split(separator: "\n")
            for (index, kind) in ["net", "ipc", "pid"].enumerated() {
                try expectEqual(lines.count > index ? String(lines[index]) : "", hostNamespace(kind), kind)
            }
        },
        Test("shareProcessNamespace lets containers see each other") { node in
            let spec =
                "shareProcessNamespace: true\nrestartPolicy: Always\ncontainers:\n"
                + shellContainer("a", "exec sleep 4711")
                + shellContainer("b", "until ps | grep -q '[s]leep 4711'; do sleep 0.1; done; echo $$ sees it; " + hold)
            try node.drop("shared.yaml", podManifest("shared", spec))
            try node.eventually("b sees a", seconds: 10) {
                (try? node.logs("shared", "b"))?.contains("sees it") ?? false
            }
            try expect(!(try node.logs("shared", "b").hasPrefix("1 ")), "b is the first process of its namespace")
            let status = try node.waitReady("shared")
            try expectEqual(status.container("a")?.integer("restartCount") ?? -1, 0, "restarts of a")
        },
        Test("the hostname is the pod's, or the one asked for") { node in
            let named = try node.runToEnd("named", shellPod("named", "hostname; cat /etc/hostname"))
            let full = try node.fullName("named")
            try expectEqual(named, "\(full)\n\(full)\n", "hostname")
            try expectEqual(
                try node.runToEnd("called", shellPod("called", "hostname", spec: "hostname: other")), "other\n",
                "hostname")
        },
        Test("shared memory goes between the containers of a pod") { node in
            let spec =
                "restartPolicy: Never\ncontainers:\n" + shellContainer("main", "echo shared > /dev/shm/x")
                + shellContainer("other", "until cat /dev/shm/x 2>/dev/null; do sleep 0.1; done")
            try node.drop("shm.yaml", podManifest("shm", spec))
            try node.waitPhase("shm", "Succeeded")
            try expectEqual(try node.logs("shm", "other"), "shared\n", "what was read")
        },
    ]
}

private func hostNamespace(_ kind: String) -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    let count = readlink("/proc/self/ns/\(kind)", &buffer, 63)
    return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
