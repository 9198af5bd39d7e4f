import Base
import CLinux
import JSON

let securitySuite = Suite("security", isOfKernel: true) {
    [
        Test("a container cannot reach the host's disk by mknod") { node in
            var status = stat()
            try retrying("stat", "/") { fstatat(AT_FDCWD, "/", &status, 0) }
            let (major, minor) = (swl_major(status.st_dev), swl_minor(status.st_dev))
            let script = """
                mknod /disk b \(major == 0 ? 8 : major) \(minor) && dd if=/disk of=/dev/null bs=512 count=1 && echo READ
                mknod /mem c 1 1 && dd if=/mem of=/dev/null bs=1 count=1 && echo READ
                mknod /kmsg c 1 11 && dd if=/kmsg of=/dev/null bs=1 count=1 && echo READ
                mknod /zero c 1 5 && dd if=/zero of=/dev/null bs=1 count=1 && echo ZERO
                true
                """
            let text = try node.runToEnd("disk", shellPod("disk", script))
            try expect(!text.contains("READ"), "a device of the host was read: \(text)")
            try expectContains(text, "ZERO", "an allowed device, as proof that mknod itself works")
        },
        Test("an image's device cannot be opened") { node in
            try node.ok("image", "load", "\(node.machine.images)/busybox.tar")
            let details = try JSONParser.parse(Array(try node.ok("image", "inspect", "busybox").utf8))
            let layer = details["layers"]?.arrayValue?.first?["path"]?.stringValue ?? ""
            let (copy, tar) = ("\(node.root)/with-devices", "\(node.root)/with-devices.tar")
            try expectEqual(try run("/bin/cp", ["-a", layer, copy], timeout: .seconds(60)).status, 0, "cp")
            for (name, minor) in [("mem", 1), ("kmsg", 11), ("zero", 5)] as [(String, UInt32)] {
                try retrying("mknod", name) { mknod("\(copy)/\(name)", mode_t(S_IFCHR) | 0o666, swl_makedev(1, minor)) }
            }
            try expectEqual(try run("/bin/tar", ["-C", copy, "-cf", tar, "."], timeout: .seconds(60)).status, 0, "tar")
            try node.ok("image", "import", tar, "example.com/devices:1")
            let script = """
                test -c /mem && test -c /kmsg && echo THERE
                dd if=/mem of=/dev/null bs=1 count=1 && echo READ
                dd if=/kmsg of=/dev/null bs=1 count=1 && echo READ
                dd if=/zero of=/dev/null bs=1 count=1 && echo ZERO
                true
                """
            let text = try node.runToEnd(
                "devices", shellPod("devices", script).replacing("image: busybox", with: "image: example.com/devices:1")
            )
            try expectContains(text, "THERE", "the nodes")
            try expect(!text.contains("READ"), "a device of the host was read: \(text)")
            try expectContains(text, "ZERO", "an allowed device")
        },
        Test("capabilities are the usual default set; add and drop change it") { node in
            let show = "grep Cap /proc/self/status"
            let text = try node.runToEnd("caps", shellPod("caps", show))
            try expectContains(text, "CapBnd:\t00000000a80425fb", "bounding set")
            try expectContains(text, "CapEff:\t00000000a80425fb", "effective set")
            let dropped = "securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}"
            try expectContains(
                try node.runToEnd("few", shellPod("few", show, container: dropped)), "CapEff:\t0000000000000400",
                "effective set after drop ALL, add NET_BIND_SERVICE")
            let added = "securityContext: {capabilities: {add: [SYS_TIME]}}"
            try expectContains(
                try node.runToEnd("more", shellPod("more", show, container: added)), "CapEff:\t00000000aa0425fb",
                "effective set after add SYS_TIME")
        },
        Test("seccomp is on by default and off when Unconfined") { node in
            let script = "grep Seccomp: /proc/self/status; unshare -U true && echo NEWUSER; true"
            let text = try node.runToEnd("confined", shellPod("confined", script))
            try expectContains(text, "Seccomp:\t2", "seccomp mode")
            try expect(!text.contains("NEWUSER"), "unshare(CLONE_NEWUSER) is allowed")
            let open = "securityContext: {seccompProfile: {type: Unconfined}}"
            try expectContains(
                try node.runToEnd("open", shellPod("open", script, container: open)), "Seccomp:\t0", "seccomp mode")
        },
        Test("allowPrivilegeEscalation false sets no_new_privs") { node in
            let show = "grep NoNewPrivs /proc/self/status"
            let extra = "securityContext: {allowPrivilegeEscalation: false}"
            try expectContains(
                try node.runToEnd("nnp", shellPod("nnp", show, container: extra)), "NoNewPrivs:\t1", "no_new_privs")
        },
        Test("a read-only root file system cannot be written, its volumes can") { node in
            let script = "echo x > /file && echo WROTE; echo y > /tmp/file && cat /tmp/file"
            let extra =
                "securityContext: {readOnlyRootFilesystem: true}\nvolumeMounts: [{name: tmp, mountPath: /tmp}]"
            let text = try node.runToEnd(
                "readonly",
                shellPod("readonly", script, container: extra, spec: "volumes: [{name: tmp, emptyDir: {}}]"))
            try expect(!text.contains("WROTE"), "the root file system was written")
            try expectContains(text, "y", "what the volume gave back")
        },
        Test("parts of /proc and /sys are masked or read-only") { node in
            let script = """
                echo 1 > /proc/sys/kernel/printk && echo WROTE
                echo c > /proc/sysrq-trigger && echo WROTE
                test -s /proc/kcore && echo READ
                test -s /proc/keys && echo READ
                touch /sys/x && echo WROTE
                cat /sys/firmware/* 2>/dev/null
                echo end
                """
            let text = try node.runToEnd("masked", shellPod("masked", script))
            try expect(!text.contains("WROTE") && !text.contains("READ"), "something is open: \(text)")
            try expectContains(text, "end", "log")
        },
        Test("a seccomp profile of the node is loaded from its file, and a missing one is named") { node in
            let folder = "\(node.root)/var/lib/swiftlet/seccomp"
            try Files.makeDirectories(folder, mode: 0o700)
            let profile = """
                {"defaultAction": "SCMP_ACT_ALLOW",
                 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]}
                """
            try Files.replace("\(folder)/no-mkdir.json", with: profile.utf8, durable: false)
            func context(_ name: String) -> String {
                "securityContext: {seccompProfile: {type: Localhost, localhostProfile: \(name)}}"
            }
            let text = try node.runToEnd(
                "own", shellPod("own", "mkdir /tmp/x || echo refused", container: context("no-mkdir.json")))
            try expectContains(text, "refused", "mkdir under the profile")
            try node.drop("none.yaml", shellPod("none", hold, container: context("none.json")))
            try node.eventually("the reason", seconds: 10) {
                (try? node.ok("get", "pods", "none", "-o", "yaml"))?.contains("cannot load the seccomp profile")
                    ?? false
            }
        },
        Test("a privileged container has all devices and capabilities, and no seccomp") { node in
            let script = "grep -E 'CapEff|Seccomp:' /proc/self/status; ls /dev | wc -l; touch /proc/sys/kernel/x; true"
            let extra = "securityContext: {privileged: true}"
            let text = try node.runToEnd("root", shellPod("root", script, container: extra))
            try expectContains(text, "Seccomp:\t0", "seccomp mode")
            let mine = try Files.readText("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("CapBnd") }
            let bounding = mine?.split(separator: "\t").last ?? ""
            try expectContains(text, "CapEff:\t\(bounding)", "effective capabilities")
        },
        Test("the host's file system is not to be seen") { node in
            let script = "cat /proc/self/mountinfo; ls /proc/1/root/"
            let text = try node.runToEnd("fenced", shellPod("fenced", script))
            try expect(!text.contains("podspecs"), "a path of the host is visible: \(text)")
            let host = try Files.readText("/proc/self/mountinfo", limit: 16 << 20)
            try expect(!host.contains("overlay \(node.root)"), "a container's root is mounted on the host")
            try expect(LeakCount.mentions(of: "\(node.root)/var/lib/swiftlet/pods").isEmpty, "mounts on the host")
        },
    ]
}
