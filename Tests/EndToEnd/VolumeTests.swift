import Base
import CLinux
import JSON

let volumeSuite = Suite("volumes", freshNode: true, isOfKernel: true) {
    volumeTests + imageVolumeTests + claimTests
}

private var volumeTests: [Test] {
    [
        Test("an emptyDir lives as long as the pod, over restarts of its containers") { node in
            let script = "n=$(cat /d/n 2>/dev/null || echo 0); echo $((n + 1)) > /d/n; echo run $n; test $n -ge 1"
            let manifest = shellPod(
                "keep", script, container: "volumeMounts: [{name: d, mountPath: /d}]",
                spec: "volumes: [{name: d, emptyDir: {}}]", restart: "OnFailure")
            try node.drop("keep.yaml", manifest)
            try node.waitPhase("keep", "Succeeded")
            try expectContains(try node.logs("keep"), "run 1", "log of the second attempt")
            let uid = try node.pod("keep")?.string("metadata.uid") ?? "?"
            try node.remove("keep.yaml")
            try node.waitGone("keep")
            try expect(!Files.exists("\(node.root)/var/lib/swiftlet/pods/\(uid)/volumes"), "the volume is still there")
        },
        Test("an emptyDir in memory is a tmpfs with the size asked for") { node in
            let script = """
                grep ' /d ' /proc/mounts
                dd if=/dev/zero of=/d/big bs=1M count=8 2>&1; stat -c %s /d/big
                """
            let text = try node.runToEnd(
                "memory",
                shellPod(
                    "memory", script, container: "volumeMounts: [{name: d, mountPath: /d}]",
                    spec: "volumes: [{name: d, emptyDir: {medium: Memory, sizeLimit: 2Mi}}]"))
            try expectContains(text, "tmpfs", "the mount")
            try expectContains(text, "size=2048k", "the mount")
            try expectContains(text, "2097152", "bytes that fit")
        },
        Test("a volume is mounted read-only where asked, and subPath gives a part of it") { node in
            let spec =
                "restartPolicy: Never\nvolumes: [{name: d, emptyDir: {}}]\ninitContainers:\n"
                + shellContainer(
                    "fill", "mkdir /d/part; echo inside > /d/part/f", "volumeMounts: [{name: d, mountPath: /d}]")
                + "containers:\n"
                + shellContainer(
                    "main", "cat /d/part/f; touch /d/y 2>/dev/null && echo WROTE; cat /p/f; ls /p",
                    "volumeMounts: [{name: d, mountPath: /d, readOnly: true}, {name: d, mountPath: /p, subPath: part}]")
            let text = try node.runToEnd("ro", podManifest("ro", spec))
            try expectEqual(text, "inside\ninside\nf\n", "log")
        },
        Test("hostPath types are checked and made as asked") { node in
            let base = "\(node.root)/host"
            try Files.makeDirectories("\(base)/dir")
            try Files.replace("\(base)/file", with: "file".utf8, mode: 0o644, durable: false)
            func pod(_ name: String, _ path: String, _ type: String) -> String {
                shellPod(
                    name, "ls -ld /h; " + hold, container: "volumeMounts: [{name: h, mountPath: /h}]",
                    spec: "volumes: [{name: h, hostPath: {path: \(base)/\(path), type: \"\(type)\"}}]",
                    restart: "Always")
            }
            let good = [
                ("any", "dir", ""), ("dir", "dir", "Directory"), ("made", "new/deep", "DirectoryOrCreate"),
                ("file", "file", "File"), ("touched", "fresh", "FileOrCreate"),
            ]
            for (name, path, type) in good { try node.drop("\(name).yaml", pod(name, path, type)) }
            for (name, _, _) in good { try node.waitReady(name) }
            try expect(Files.isDirectory("\(base)/new/deep"), "DirectoryOrCreate made no folder")
            try expect(Files.exists("\(base)/fresh"), "FileOrCreate made no file")
            let bad = [
                ("nodir", "file", "Directory"), ("nofile", "dir", "File"), ("nosocket", "file", "Socket"),
                ("nodevice", "file", "CharDevice"), ("noblock", "file", "BlockDevice"), ("absent", "none", "Directory"),
            ]
            for (name, path, type) in bad { try node.drop("\(name).yaml", pod(name, path, type)) }
            for (name, _, _) in bad {
                try node.eventually("event FailedMount of \(name)", seconds: 10) {
                    try node.eventReasons(name).contains("FailedMount")
                }
                try expectEqual(try node.pod(name)?.string("status.phase") ?? "", "Pending", "phase of \(name)")
            }
        },
        Test("what a container writes to a hostPath is on the host, and mounts do not come back") { node in
            let script = "echo out > /out/written; mount -t tmpfs none /out 2>&1; true"
            try node.drop("writer.yaml", shellPod("writer", script, container: mountOut, spec: outVolume(node)))
            try node.waitPhase("writer", "Succeeded")
            try expectEqual(try text("\(node.root)/out/written"), "out\n", "the file")
            try expect(
                !LeakCount.mentions(of: "\(node.root)/out").contains { $0.hasPrefix("mount") }, "a mount came back")
        },
        Test("the termination message is in the status") { node in
            let script = "echo 'because of this' > /dev/termination-log; exit 2"
            try node.drop("message.yaml", shellPod("message", script))
            let pod = try node.waitPhase("message", "Failed")
            try expectContains(
                pod.container()?.string("state.terminated.message") ?? "", "because of this", "message")
        },
    ]
}
