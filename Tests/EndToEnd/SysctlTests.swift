import Base
import JSON

let sysctlSuite = Suite("sysctls", freshNode: true, isOfKernel: true) {
    [
        Test("a pod's kernel parameters are set before its first container, in its own namespaces only") { node in
            let files = ["net/ipv4/ip_local_port_range", "net/ipv4/tcp_fin_timeout", "kernel/shm_rmid_forced"]
            func host() throws -> [String] { try files.map { try Files.readText("/proc/sys/" + $0) } }
            let before = try host()
            let spec = """
                securityContext:
                  sysctls:
                  - {name: net.ipv4.ip_local_port_range, value: "20000 20100"}
                  - {name: net/ipv4/tcp_fin_timeout, value: "7"}
                  - {name: kernel.shm_rmid_forced, value: "1"}
                restartPolicy: Never
                initContainers:
                """
            let read = "cd /proc/sys; cat \(files.joined(separator: " ")) | tr '\\t' ' '"
            let manifest = podManifest(
                "set",
                spec + "\n" + shellContainer("first", read) + "containers:\n" + shellContainer("main", read))
            let set = "20000 20100\n7\n1\n"
            try expectEqual(try node.runToEnd("set", manifest), set, "parameters")
            try expectEqual(try node.logs("set", "first"), set, "parameters of the init container")
            try expectEqual(try host(), before, "the host's parameters")
        },
        Test("a parameter that is not allowed fails the pod with SysctlForbidden, until the configuration allows it") {
            node in
            let spec = "securityContext: {sysctls: [{name: kernel.msgmax, value: \"4096\"}]}"
            try node.drop("unsafe.yaml", shellPod("unsafe", "cat /proc/sys/kernel/msgmax", spec: spec))
            let pod = try node.waitPhase("unsafe", "Failed")
            try expectEqual(pod.string("status.reason") ?? "", "SysctlForbidden", "reason")
            let message = "forbidden sysctl: \"kernel.msgmax\" not allowlisted"
            try expectEqual(pod.string("status.message") ?? "", "Pod was rejected: " + message, "message")
            try node.eventually("event SysctlForbidden", seconds: 10) {
                try node.events("unsafe").contains {
                    $0.string("reason") == "SysctlForbidden" && $0.string("message") == message
                }
            }
            try configure(node, "allowedUnsafeSysctls: ['kernel.msg*']")
            try node.waitPhase("unsafe", "Succeeded")
            try expectEqual(try node.logs("unsafe"), "4096\n", "the parameter")
        },
        Test("a value that the kernel does not take is told with the parameter") { node in
            let spec = "securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: many}]}"
            try node.drop("many.yaml", shellPod("many", "true", spec: spec))
            try node.eventually("event FailedCreatePodSandBox", seconds: 10) {
                try node.events("many").contains {
                    $0.string("reason") == "FailedCreatePodSandBox"
                        && $0.string("message")?.contains("many to /proc/sys/net/ipv4/tcp_syncookies") == true
                }
            }
        },
    ]
}
