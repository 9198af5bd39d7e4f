import Base
import CLinux
import JSON

let mountSuite = Suite("mounts", isOfKernel: true) {
    [
        Test("subPathExpr mounts the part that the container's variables name") { node in
            let extra = """
                env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
                volumeMounts: [{name: d, mountPath: /own, subPathExpr: logs/$(POD)}, {name: d, mountPath: /all}]
                """
            let pod = shellPod(
                "part", "touch /own/f; cd /all; find . -type f", container: extra,
                spec: "volumes: [{name: d, emptyDir: {}}]")
            try expectEqual(
                try node.runToEnd("part", pod), "./logs/\(try node.fullName("part"))/f\n", "files of the volume")
            let bad = extra.replacing("$(POD)", with: "$(NONE)")
            try node.drop(
                "lost.yaml",
                shellPod("lost", "true", container: bad, spec: "volumes: [{name: d, emptyDir: {}}]"))
            try node.wait("lost", "CreateContainerConfigError", seconds: 10) {
                $0.container()?.string("state.waiting.reason") == "CreateContainerConfigError"
                    && $0.container()?.string("state.waiting.message") == "missing value for NONE"
            }
        },
        Test("variables come from a file that an init container wrote") { node in
            let write = "printf \"# of the init container\\nADDRESS='db 1'\\n\" > /d/env"
            let env = """
                env:
                - {name: A, valueFrom: {fileKeyRef: {volumeName: d, path: env, key: ADDRESS}}}
                - {name: B, valueFrom: {fileKeyRef: {volumeName: d, path: env, key: NONE, optional: true}}}
                """
            let spec =
                "restartPolicy: Never\nvolumes: [{name: d, emptyDir: {}}]\ninitContainers:\n"
                + shellContainer("write", write, "volumeMounts: [{name: d, mountPath: /d}]") + "containers:\n"
                + shellContainer("main", "echo $A ${B-unset}; ls -d /d 2>/dev/null", env + "\n")
                .replacing("ls -d /d 2>/dev/null", with: "ls -d /d 2>/dev/null; true")
            try expectEqual(try node.runToEnd("vars", podManifest("vars", spec)), "db 1 unset\n", "variables")
        },
        Test("a read-only mount is so also for what is mounted below where asked, and the status says it") { node in
            try withTree(node) { tree in
                try mountMemory("\(tree)/below")
                let script =
                    "for d in ro rro possible; do touch /$d/x /$d/below/x 2>/dev/null; test -e /$d/below/x "
                    + "&& echo $d written; rm -f /$d/below/x 2>/dev/null; done; true"
                let mounts = """
                    volumeMounts:
                    - {name: h, mountPath: /ro, readOnly: true}
                    - {name: h, mountPath: /rro, readOnly: true, recursiveReadOnly: Enabled}
                    - {name: h, mountPath: /possible, readOnly: true, recursiveReadOnly: IfPossible}
                    - {name: h, mountPath: /rw}
                    """
                let text = try node.runToEnd(
                    "sealed", shellPod("sealed", script, container: mounts, spec: volume(tree)))
                try expectEqual(text, "ro written\n", "what could be written")
                let status = try node.pod("sealed")?.container()?.at("volumeMounts")?.arrayValue ?? []
                let modes = status.filter { $0.string("name") == "h" }.map { $0.string("recursiveReadOnly") ?? "-" }
                try expectEqual(modes, ["Disabled", "Enabled", "Enabled", "-"], "modes in the status")
                try node.remove("sealed.yaml")
                try node.waitGone("sealed")
            }
        },
        Test("mounts of the host come to a container that asks for them, and no other") { node in
            try withTree(node) { tree in
                let mounts = """
                    volumeMounts:
                    - {name: h, mountPath: /sees, mountPropagation: HostToContainer}
                    - {name: h, mountPath: /alone}
                    """
                try node.drop(
                    "slave.yaml", shellPod("slave", hold, container: mounts, spec: volume(tree), restart: "Always"))
                try node.waitReady("slave")
                try mountMemory("\(tree)/late")
                try Files.replace("\(tree)/late/file", with: "here".utf8, mode: 0o644, durable: false)
                let found = try node.exec("slave", "cat /sees/late/file; ls /alone/late")
                try expectEqual(found.output, "here", "what the container sees")
                try node.remove("slave.yaml")
                try node.waitGone("slave")
            }
        },
        Test("mounts of a privileged container with Bidirectional are on the host, and others' are not") { node in
            try withTree(node) { tree in
                let extra = """
                    securityContext: {privileged: true}
                    volumeMounts:
                    - {name: h, mountPath: /both, mountPropagation: Bidirectional}
                    - {name: h, mountPath: /in, mountPropagation: HostToContainer}
                    """
                let script =
                    "mkdir /both/a /in/b; mount -t tmpfs none /both/a; mount -t tmpfs none /in/b; touch /both/a/x"
                let log = try node.runToEnd("both", shellPod("both", script, container: extra, spec: volume(tree)))
                try expectEqual(log, "", "log")
                try expect(Files.exists("\(tree)/a/x"), "the container's mount is not on the host")
                let mounted = try Files.readText("/proc/self/mountinfo", limit: 16 << 20)
                try expect(!mounted.contains("\(tree)/b "), "the mount of HostToContainer came to the host")
                try node.remove("both.yaml")
                try node.waitGone("both")
            }
        },
        Test("a volume that is on no shared mount cannot share mounts, and says so") { node in
            try withTree(node, isShared: false) { tree in
                let mounts = "volumeMounts: [{name: h, mountPath: /h, mountPropagation: HostToContainer}]"
                try node.drop("private.yaml", shellPod("private", "true", container: mounts, spec: volume(tree)))
                try node.eventually("event Failed", seconds: 10) {
                    try node.events("private").contains {
                        $0.string("message")?.contains("it is not on a shared or slave mount") == true
                    }
                }
                try node.remove("private.yaml")
                try node.waitGone("private")
            }
        },
    ]
}

private func volume(_ path: String) -> String { "volumes: [{name: h, hostPath: {path: \(path)}}]" }

private func mountMemory(_ path: String) throws {
    try Files.makeDirectories(path)
    try retrying("mount", path) { mount("tmpfs", path, "tmpfs", 0, "size=1m") }
}

/// Gives `body` a tmpfs of the node's own, whose mounts nobody else sees; everything on it is unmounted after.
private func withTree(_ node: Node, isShared: Bool = true, _ body: (String) throws -> Void) throws {
    let tree = "\(node.root)/tree"
    try mountMemory(tree)
    defer {
        // With what is mounted below.
        _ = umount2(tree, Int32(MNT_DETACH))
        _ = rmdir(tree)
    }
    // First for itself: with its parent it would share what is made on it.
    try retrying("make private", tree) { mount("none", tree, nil, UInt(MS_PRIVATE), nil) }
    if isShared { try retrying("make shared", tree) { mount("none", tree, nil, UInt(MS_SHARED), nil) } }
    try body(tree)
}
