import Base
import CLinux
import JSON

/// What a container may take of the node's disk.
let localDiskSuite = Suite("local disk", freshNode: true, isOfKernel: true) {
    [
        Test(
            "a container's writable layer ends at its limit where the file system has project quotas",
            needs: .projectQuotas
        ) { node in
            let (pods, disk) = ("\(node.root)/var/lib/swiftlet/pods", "\(node.root)/disk")
            try Files.replace(disk, with: [], durable: false)
            guard truncate(disk, 256 << 20) == 0 else { throw Failure("truncate: \(Errno.current)") }
            let make = ["-q", "-t", "ext4", "-O", "project,quota", disk]
            let made = try run("/sbin/mke2fs", make, timeout: .seconds(60))
            try expectEqual(made.status, 0, "mke2fs: \(made.errors)")
            let mounted = try run("/bin/mount", ["-o", "loop,prjquota", disk, pods], timeout: .seconds(60))
            try expectEqual(mounted.status, 0, "mount: \(mounted.errors)")
            defer { _ = umount2(pods, 0) }
            let fill = "dd if=/dev/zero of=/big bs=1M count=32 2>&1; stat -c 'size %s' /big; " + hold
            let limit = "resources: {limits: {ephemeral-storage: 8Mi}}"
            try node.drop("small.yaml", shellPod("small", fill, container: limit, restart: "Always"))
            try node.drop("free.yaml", shellPod("free", fill, restart: "Always"))
            // The volume's own limit, beside a writable layer that has none.
            try node.drop(
                "volume.yaml",
                shellPod(
                    "volume", fill.replacing("/big", with: "/d/big"),
                    container: "volumeMounts: [{name: d, mountPath: /d}]",
                    spec: "volumes: [{name: d, emptyDir: {sizeLimit: 8Mi}}]", restart: "Always"))
            func size(_ pod: String) throws -> Int {
                // Before it has started it has no log.
                try node.eventually("\(pod) has written", seconds: 30) {
                    (try? node.logs(pod))?.contains("size ") == true
                }
                let line = try node.logs(pod).split(separator: "\n").last { $0.hasPrefix("size ") }
                return line.flatMap { Int($0.dropFirst(5)) } ?? -1
            }
            try expectEqual(try size("free"), 32 << 20, "bytes of a pod without a limit")
            for pod in ["small", "volume"] {
                let bounded = try size(pod)
                try expect(bounded > 6 << 20 && bounded <= 8 << 20, "bytes of \(pod) with a limit of 8 MiB: \(bounded)")
                let reasons = try node.eventReasons(pod)
                try expect(!reasons.contains("LimitsNotEnforced"), "\(pod): \(reasons)")
            }
            for pod in ["small", "free", "volume"] {
                try node.remove("\(pod).yaml")
                try node.waitGone(pod)
            }
        },
        Test("where there are no project quotas the pod says that its limit of local disk is none") { node in
            let limit = "resources: {limits: {ephemeral-storage: 8Mi}}"
            try node.drop("small.yaml", shellPod("small", hold, container: limit, restart: "Always"))
            try node.waitReady("small")
            let messages = try node.events("small").filter { $0.string("reason") == "LimitsNotEnforced" }
                .compactMap { $0.string("message") }
            try expect(messages.contains { $0.contains("ephemeral-storage") }, "\(messages)")
            try node.drop(
                "volume.yaml",
                shellPod(
                    "volume", hold, container: "volumeMounts: [{name: d, mountPath: /d}]",
                    spec: "volumes: [{name: d, emptyDir: {sizeLimit: 8Mi}}]", restart: "Always"))
            try node.waitReady("volume")
            let told = try node.events("volume").filter { $0.string("reason") == "LimitsNotEnforced" }
            try expect(
                told.contains { ($0.string("message") ?? "").contains("sizeLimit of emptyDir d") }, "\(told)")
        },
    ]
}
