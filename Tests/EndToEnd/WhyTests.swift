import Base
import CLinux
import JSON

/// Faults that are really there; `swiftlet why` must name each.
let whySuite = Suite("why") {
    [
        Test("names what is wrong with manifests") { node in
            try node.drop("twin.yaml", shellPod("twin", hold))
            try node.waitReady("twin")
            try check(
                node,
                [
                    Injected(
                        "manifest-syntax", "broken", "apiVersion: v1\nkind: Pod\nmetadata: {name: broken}\nspec: [\n"),
                    Injected("manifest-unknown-field", "typo", shellPod("typo", hold, container: "imagee: x")),
                    Injected(
                        "manifest-refused-field", "nfs",
                        shellPod("nfs", hold, spec: "volumes: [{name: v, nfs: {server: a, path: /b}}]")),
                    Injected(
                        "manifest-refused-field", "deployment",
                        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: deployment}\n"),
                    Injected(
                        "manifest-invalid-value", "wrongtype", shellPod("wrongtype", hold, spec: "hostNetwork: 7")),
                    Injected("manifest-duplicate", "twin", shellPod("twin", "true"), file: "other.yaml"),
                ])
            try node.drop("open.yaml", shellPod("open", hold))
            guard chmod("\(node.podspecs)/open.yaml", 0o666) == 0 else { throw SystemError("chmod", "open.yaml") }
            // It was good for a moment: either way the manifest is what is wrong.
            try check(node, [Injected("manifest-owner", "open", nil)])
        },
        Test("names what is wrong with images and with what a container asks for") { node in
            let link = shellContainer("link", "ln -s / /v/out", "volumeMounts: [{name: v, mountPath: /v}]")
            try check(
                node,
                [
                    Injected("registry-unreachable", "absent", plain("absent", image: "example.org/no/such:1")),
                    Injected(
                        "image-never-pull", "never", plain("never", image: "absent", more: "imagePullPolicy: Never")),
                    Injected(
                        "runs-as-root", "nonroot",
                        shellPod("nonroot", hold, spec: "securityContext: {runAsNonRoot: true}")),
                    Injected(
                        "seccomp-profile", "profile",
                        shellPod("profile", hold, container: localProfile("no-such.json"))),
                    Injected(
                        "host-path", "hostpath",
                        shellPod(
                            "hostpath", hold,
                            spec: "volumes: [{name: v, hostPath: {path: /no/such/folder, type: Directory}}]")),
                    Injected(
                        "sub-path", "subpath",
                        podManifest(
                            "subpath",
                            "volumes: [{name: v, emptyDir: {}}]\ninitContainers:\n\(link)containers:\n"
                                + shellContainer(
                                    "main", hold, "volumeMounts: [{name: v, mountPath: /v, subPath: out}]"))),
                    Injected("image-name", "badname", plain("badname", image: "example.org/Upper/x:1")),
                ])
        },
        Test("names why a program does not start") { node in
            let folder = "\(node.root)/programs"
            try Files.makeDirectories(folder)
            // The head of an ELF file for a machine that this is not, and a script for an interpreter that is nowhere.
            var elf = [UInt8](repeating: 0, count: 64)
            elf.replaceSubrange(0..<7, with: [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
            elf.replaceSubrange(16..<20, with: [2, 0, 8, 0])
            try Files.replace("\(folder)/mips", with: elf, mode: 0o755, durable: false)
            try Files.replace("\(folder)/script", with: "#!/no/such/shell\n".utf8, mode: 0o755, durable: false)
            func program(_ name: String, _ command: String) -> String {
                plain(
                    name, image: "busybox",
                    more: "command: [\(command)]\nimagePullPolicy: IfNotPresent\n"
                        + "volumeMounts: [{name: p, mountPath: /p}]",
                    spec: "volumes: [{name: p, hostPath: {path: \(folder)}}]")
            }
            try check(
                node,
                [
                    Injected("command-not-found", "notinpath", program("notinpath", "no-such-program")),
                    Injected("command-not-found", "nofile", program("nofile", "/bin/no-such-program")),
                    Injected("command-not-executable", "noprogram", program("noprogram", "/etc/passwd")),
                    Injected("wrong-architecture", "foreign", program("foreign", "/p/mips")),
                    Injected("interpreter-missing", "interpreter", program("interpreter", "/p/script")),
                ])
        },
        Test("names how a program ended") { node in
            let profiles = "\(node.root)/var/lib/swiftlet/seccomp"
            try Files.makeDirectories(profiles)
            let profile = """
                {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                  {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_KILL_PROCESS"}]}
                """
            try Files.replace("\(profiles)/no-mkdir.json", with: profile.utf8, durable: false)
            // The kernel keeps such signals from a container's first process: this goes to its child.
            func signal(_ name: String, _ signal: String) -> Injected {
                Injected(
                    fault(signal), name, shellPod(name, "sh -c 'kill -\(signal) $$'; exit $?", restart: "Always"))
            }
            func fault(_ signal: String) -> String {
                ["SEGV": "program-crashed", "KILL": "killed", "TERM": "terminated"][signal] ?? ""
            }
            try check(
                node,
                [
                    Injected("exit-code", "fails", shellPod("fails", "echo out of luck; exit 3", restart: "Always")),
                    Injected(
                        "system-call-denied", "denied",
                        shellPod("denied", "mkdir /tmp/x", container: localProfile("no-mkdir.json"), restart: "Always")),
                    signal("segv", "SEGV"), signal("kill", "KILL"), signal("term", "TERM"),
                    Injected("completed-restarts", "again", shellPod("again", "true", restart: "Always")),
                    Injected("completed", "done", shellPod("done", "true")),
                    Injected(
                        "initializing", "init",
                        podManifest(
                            "init",
                            "initContainers:\n\(shellContainer("first", hold))containers:\n"
                                + shellContainer("main", hold))),
                ])
        },
        Test("names a lost supervisor") { node in
            try node.drop("orphan.yaml", shellPod("orphan", hold, restart: "Always"))
            try node.waitReady("orphan")
            let uid = try node.pod("orphan")?.string("metadata.uid") ?? ""
            let supervisor = try Files.readText("\(node.cgroup)/supervisors/\(uid)/cgroup.procs")
            guard let pid = pid_t(supervisor.split(separator: "\n").first ?? "") else { throw Failure("no supervisor") }
            guard kill(pid, SIGKILL) == 0 else { throw SystemError("kill", "supervisor") }
            try check(node, [Injected("supervisor-lost", "orphan", nil)])
        },
        Test("names what a program said before it failed") { node in
            let user = "securityContext: {runAsUser: 1000}"
            func says(_ fault: String, _ name: String, _ script: String, _ container: String = "", spec: String = "")
                -> Injected
            {
                Injected(fault, name, shellPod(name, script, container: container, spec: spec, restart: "Always"))
            }
            try check(
                node,
                [
                    says(
                        "port-taken", "port",
                        "nc -l -p 8081 & while ! netstat -ltn | grep -q 8081; do sleep 0.1; done; exec nc -l -p 8081"),
                    says(
                        "read-only-file-system", "readonly", "echo x > /x",
                        "securityContext: {readOnlyRootFilesystem: true}"),
                    says(
                        "disk-full", "full", "dd if=/dev/zero of=/v/x bs=1M count=8",
                        "volumeMounts: [{name: v, mountPath: /v}]",
                        spec: "volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]"),
                    says("too-many-processes", "forks", "ulimit -u 1; sleep 0 & wait $!", user),
                    says("too-many-files", "files", "ulimit -n 3; exec cat /etc/passwd"),
                    says("permission-denied", "denied", "exec cat /root/secret", user),
                    says("operation-not-permitted", "mounts", "exec mount -t tmpfs none /mnt"),
                    says("file-missing", "missing", "exec cat /no/such/file"),
                    says("command-not-found", "typed", "no-such-command"),
                ])
        },
        Test("names what is wrong with the network") { node in
            let port = "ports: [{containerPort: 80, hostPort: 18080}]"
            try node.drop("first.yaml", shellPod("first", hold, container: port))
            try node.waitReady("first")
            try check(node, [Injected("host-port-taken", "second", shellPod("second", hold, container: port))])
            let folder = "\(node.root)/etc/cni/net.d"
            try Files.makeDirectories(folder)
            let ghost = #"{"cniVersion": "1.0.0", "name": "ghosts", "plugins": [{"type": "ghost"}]}"#
            try Files.replace("\(folder)/10-ghost.conflist", with: ghost.utf8, durable: false)
            try check(node, [Injected("cni-plugin-missing", "unplugged", shellPod("unplugged", hold))])
            try Files.replace("\(folder)/10-ghost.conflist", with: "{".utf8, durable: false)
            try check(node, [Injected("cni-configuration", "misconfigured", shellPod("misconfigured", hold))])
            try Files.remove("\(folder)/10-ghost.conflist")
        },
        Test("names a container that used too much memory", needs: .limits) { node in
            let limit = "resources: {limits: {memory: 16Mi}}"
            try check(
                node,
                [
                    Injected(
                        "out-of-memory", "hungry",
                        shellPod("hungry", "exec tail /dev/zero", container: limit, restart: "Always"))
                ])
        },
    ]
}

/// A pod that is to go wrong.
private struct Injected {
    var fault: String
    var pod: String
    /// Nil when it is there already.
    var manifest: String?
    var file: String

    init(_ fault: String, _ pod: String, _ manifest: String?, file: String? = nil) {
        self.fault = fault
        self.pod = pod
        self.manifest = manifest
        self.file = file ?? pod + ".yaml"
    }
}

/// Injects all and waits until each is named, the first of what `why` says.
private func check(_ node: Node, _ injected: [Injected]) throws {
    for fault in injected { if let manifest = fault.manifest { try node.drop(fault.file, manifest) } }
    var wrong: [String] = []
    for fault in injected {
        var said = ""
        do {
            try node.eventually(fault.fault, seconds: 15) {
                let answer = try node.swiftlet("why", fault.pod, "-o", "name")
                said = answer.output.split(separator: "\n").first.map(String.init) ?? answer.errors
                return said == fault.fault
            }
        } catch is Failure {
            let answer = try node.swiftlet("why", fault.pod).output
            wrong.append("\(fault.pod): expected \(fault.fault), found \(said):\n\(answer)")
        }
    }
    try expect(wrong.isEmpty, wrong.joined(separator: "\n"))
}

/// A pod of one container without a command of ours.
private func plain(_ name: String, image: String, more: String, spec: String = "") -> String {
    var container = "- name: main\n  image: \(image)\n"
    for line in more.split(separator: "\n") { container += "  \(line)\n" }
    return podManifest(name, "\(spec)\ncontainers:\n" + container)
}

private func plain(_ name: String, image: String) -> String { plain(name, image: image, more: "") }

private func localProfile(_ file: String) -> String {
    "securityContext: {seccompProfile: {type: Localhost, localhostProfile: \(file)}}"
}
