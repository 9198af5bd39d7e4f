import Base
import CLinux
import JSON

/// A PersistentVolume of a folder.
private func volume(
    _ name: String, _ path: String, size: String = "1Gi", modes: String = "ReadWriteOnce", node: Node
) -> String {
    """
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: \(name)}
    spec:
      capacity: {storage: \(size)}
      accessModes: [\(modes)]
      local: {path: "\(path)"}
      nodeAffinity:
        required:
          nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]}]

    """
}

private func claim(_ name: String, size: String = "1Gi", modes: String = "ReadWriteOnce") -> String {
    "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: \(name)}\nspec:\n"
        + "  accessModes: [\(modes)]\n  resources: {requests: {storage: \(size)}}\n"
}

private func claimer(
    _ name: String, _ claim: String, _ script: String, mount: String = "", spec: String = "",
    restart: String = "Never"
) -> String {
    shellPod(
        name, script, container: "volumeMounts: [{name: data, mountPath: /d\(mount)}]",
        spec: "volumes: [{name: data, persistentVolumeClaim: {claimName: \(claim)}}]\n" + spec, restart: restart)
}

var claimTests: [Test] {
    [
        Test("a pod waits for its claim and a volume that fits, says so, and starts when they are there") { node in
            let folder = "\(node.root)/disks/a"
            try Files.makeDirectories(folder)
            try node.drop("waiter.yaml", claimer("waiter", "data", "echo written > /d/f; cat /d/f"))
            func eventually(_ words: String) throws {
                try node.eventually("the event: \(words)", seconds: 20) {
                    try node.events("waiter").contains {
                        $0.string("reason") == "FailedMount" && ($0.string("message") ?? "").contains(words)
                    }
                }
            }
            try eventually("MountVolume.SetUp failed for volume \"data\" : persistentvolumeclaim \"data\" not found")
            try expectEqual(try node.ok("why", "waiter", "-o", "name"), "claim-missing\n", "why")
            try node.drop("claim.yaml", claim("data"))
            try eventually("PVC is not bound: no persistent volumes available for this claim")
            try expectContains(try node.ok("get", "pvc"), "Pending", "get pvc")
            try node.drop("volume.yaml", volume("disk-a", folder, node: node))
            try node.waitPhase("waiter", "Succeeded")
            try expectEqual(try node.logs("waiter"), "written\n", "log")
            try expectEqual(try text("\(folder)/f"), "written\n", "the file on the node")
            try expectContains(try node.ok("get", "pv"), "default/data", "get pv")
            // It outlives the pod.
            try node.remove("waiter.yaml")
            try node.waitGone("waiter")
            let reader = claimer("reader", "data", "cat /d/f; touch /d/x 2>/dev/null || echo no write")
                .replacing("claimName: data}", with: "claimName: data, readOnly: true}")
            try expectContains(try node.runToEnd("reader", reader), "written\nno write\n", "log of the next pod")
        },
        Test("a claim keeps its volume over restarts of the agent, whatever other volumes come") { node in
            for name in ["big", "small"] { try Files.makeDirectories("\(node.root)/disks/\(name)") }
            try node.drop("big.yaml", volume("big", "\(node.root)/disks/big", size: "9Gi", node: node))
            try node.drop("claim.yaml", claim("data"))
            try node.drop("first.yaml", claimer("first", "data", "echo mine > /d/f; " + hold, restart: "Always"))
            let uid = try node.waitReady("first").string("metadata.uid") ?? ""
            try node.kill()
            try node.drop("small.yaml", volume("small", "\(node.root)/disks/small", node: node))
            try node.start()
            try expectEqual(try node.waitReady("first").string("metadata.uid") ?? "", uid, "uid")
            try expectEqual(
                try node.runToEnd("second", claimer("second", "data", "cat /d/f")), "mine\n", "what another pod finds")
            // What runs goes on when nothing is known of its claim.
            try node.kill()
            try node.drop("claim.yaml", "apiVersion: v1\nkind: [")
            try node.start()
            try node.waitReady("first")
            try expectEqual(try node.exec("first", "cat /d/f").output, "mine\n", "what the first still has")
            try expectEqual(try node.pod("first")?.container()?.integer("restartCount") ?? -1, 0, "restarts")
        },
        Test("a claim of ReadWriteOncePod is one pod's at a time, and the next starts when that has ended") { node in
            try Files.makeDirectories("\(node.root)/disks/one")
            let modes = "ReadWriteOncePod"
            try node.drop("v.yaml", volume("one", "\(node.root)/disks/one", modes: modes, node: node))
            try node.drop("c.yaml", claim("one", modes: modes))
            try node.drop("holder.yaml", claimer("holder", "one", hold, restart: "Always"))
            try node.waitReady("holder")
            try node.drop("next.yaml", claimer("next", "one", hold, restart: "Always"))
            try node.eventually("the event of the next pod", seconds: 20) {
                try node.events("next").contains {
                    ($0.string("message") ?? "").contains(
                        "volume uses the ReadWriteOncePod access mode and is already in use by another pod")
                }
            }
            try node.kill()
            try node.start()
            try node.waitReady("holder")
            try expectEqual(try node.pod("next")?.string("status.phase") ?? "", "Pending", "phase of the next pod")
            try node.remove("holder.yaml")
            try node.waitReady("next", seconds: 30)
        },
        Test("a local volume must be a folder; parts of it do not lead out, and fsGroup owns it") { node in
            let folder = "\(node.root)/disks/mine"
            try node.drop("v.yaml", volume("mine", folder, node: node) + "---\n" + claim("mine"))
            let script = "stat -c '%g %a' /d /d/old; cat /p/f; touch /d/new && echo wrote"
            let pod = claimer(
                "owner", "mine", script, spec: "securityContext: {runAsUser: 4242, runAsGroup: 4242, fsGroup: 2000}"
            ).replacing("mountPath: /d}", with: "mountPath: /d}, {name: data, mountPath: /p, subPath: in}")
            try node.drop("owner.yaml", pod)
            let words =
                "MountVolume.NewMounter initialization failed for volume \"mine\" : path \"\(folder)\" does not exist"
            try node.eventually("the event of the missing folder", seconds: 20) {
                try node.events("owner").contains { $0.string("message") == words }
            }
            try Files.makeDirectories("\(folder)/in")
            try Files.replace("\(folder)/in/f", with: "part\n".utf8, mode: 0o600, durable: false)
            try Files.replace("\(folder)/old", with: [], mode: 0o600, durable: false)
            try node.waitPhase("owner", "Succeeded", seconds: 60)
            try expectEqual(try node.logs("owner"), "2000 2775\n2000 660\npart\nwrote\n", "log")
            // What a container may leave for the next.
            try Files.removeTree("\(folder)/in")
            guard symlink("/etc", "\(folder)/in") == 0 else { throw SystemError("symlink", folder) }
            try node.drop("out.yaml", pod.replacing("name: owner", with: "name: out"))
            try node.wait("out", "CreateContainerConfigError", seconds: 20) {
                ($0.container()?.string("state.waiting.message") ?? "").contains("not within volume path")
            }
        },
        Test("a claim of a hostPath volume is checked by its type; other storage is refused by name") { node in
            try Files.makeDirectories("\(node.root)/disks/h")
            let head = "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: h}\nspec:\n"
            let sizes = "  capacity: {storage: 1Gi}\n  accessModes: [ReadWriteOnce]\n"
            let source = "  hostPath: {path: \"\(node.root)/disks/h\", type: Directory}\n"
            try node.drop("h.yaml", head + sizes + source)
            try node.drop("c.yaml", claim("h"))
            try expectEqual(try node.runToEnd("host", claimer("host", "h", "echo x > /d/x; ls /d")), "x\n", "log")
            let other = head.replacing("name: h", with: "name: n") + sizes + "  nfs: {server: s, path: /}\n"
            try node.drop("n.yaml", other)
            try node.eventually("the refusal", seconds: 10) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("spec.nfs: not supported: this kind of storage")
            }
        },
    ]
}
