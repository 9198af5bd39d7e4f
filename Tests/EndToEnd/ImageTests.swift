import Base
import CLinux
import JSON

let imageSuite = Suite("images", images: []) {
    [
        Test("a pod waits for its image and starts the moment the tarball arrives") { node in
            try node.drop("early.yaml", shellPod("early", "echo at last"))
            try node.wait("early", "waiting for its image", seconds: 10) {
                let reason = $0.container()?.string("state.waiting.reason") ?? ""
                return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "ErrImageNeverPull"
            }
            try node.ok("image", "load", "\(node.machine.images)/busybox.tar")
            try node.waitPhase("early", "Succeeded", seconds: 8)
        },
        Test("a tarball dropped into the import folder is loaded") { node in
            let folder = "\(node.root)/var/lib/swiftlet/images/import"
            try node.ok("image", "ls")
            let bytes = try Files.read("\(node.machine.images)/busybox-docker.tar", limit: 64 << 20)
            try Files.replace("\(folder)/.incoming", with: bytes, durable: false)
            guard rename("\(folder)/.incoming", "\(folder)/busybox-docker.tar") == 0 else {
                throw SystemError("rename", folder)
            }
            try node.eventually("the image is listed", seconds: 10) {
                try node.ok("image", "ls").contains("docker")
            }
            let manifest = shellPod("imported", "echo from docker").replacing("busybox", with: "busybox:docker")
            try expectContains(try node.runToEnd("imported", manifest), "from docker", "log")
        },
        Test("zstd layers are read") { node in
            try node.ok("image", "load", "\(node.machine.images)/busybox-zstd.tar")
            let manifest = shellPod("zstd", "echo from zstd").replacing("busybox", with: "busybox:zstd")
            try expectContains(try node.runToEnd("zstd", manifest), "from zstd", "log")
        },
        Test("images that no pod uses or names are pruned, the others are not") { node in
            for name in ["busybox", "busybox-zstd", "users"] {
                try node.ok("image", "load", "\(node.machine.images)/\(name).tar")
            }
            try node.drop("user.yaml", shellPod("user", hold, restart: "Always"))
            try node.waitReady("user")
            let shown = try JSONParser.parse(Array(try node.ok("image", "inspect", "example.org/tests/users:v1").utf8))
            try expectEqual(shown.string("config.config.User") ?? "", "app", "user")
            let total = try JSONParser.parse(Array(try node.ok("image", "df", "-o", "json").utf8))
            let reclaimable = total["reclaimableBytes"]?.integerValue ?? 0
            try expect(reclaimable > 0 && reclaimable < total["bytes"]?.integerValue ?? 0, "df: \(total)")
            let dry = try node.ok("image", "prune", "-a", "--dry-run")
            try expectEqual(try node.ok("image", "prune", "-a", "--older-than", "1h"), "Freed 0B\n", "none is so old")
            try expectContains(try node.ok("image", "ls"), "users", "after the dry run")
            let done = try node.ok("image", "prune", "-a")
            try expectEqual(done.replacing("Freed", with: "Would free"), dry, "what was announced")
            let left = try node.ok("image", "ls", "-o", "name")
            try expect(left.contains("docker.io/library/busybox:latest\n") && !left.contains("users"), "left: \(left)")
            let after = try JSONParser.parse(Array(try node.ok("image", "df", "-o", "json").utf8))
            try expectEqual(after["reclaimableBytes"]?.integerValue, 0, "reclaimable")
            try expectEqual(
                after["bytes"]?.integerValue, (total["bytes"]?.integerValue ?? 0) - reclaimable, "bytes")
        },
        Test("an image that must never be pulled and is not there is named") { node in
            let manifest = shellPod("never", "true").replacing("IfNotPresent", with: "Never")
                .replacing("busybox", with: "nowhere.example/none:1")
            try node.drop("never.yaml", manifest)
            try node.wait("never", "ErrImageNeverPull") {
                $0.container()?.string("state.waiting.reason") == "ErrImageNeverPull"
            }
            try expect(try node.eventReasons("never").contains("ErrImageNeverPull"), "no event")
        },
        Test("an image's configuration is carried out: entrypoint, user, environment, folder, whiteouts") { node in
            try node.ok("image", "load", "\(node.machine.images)/users.tar")
            let plain = podManifest(
                "entry",
                "restartPolicy: Never\ncontainers:\n"
                    + "- {name: main, image: \"example.org/tests/users:v1\", imagePullPolicy: Never}")
            try expectEqual(try node.runToEnd("entry", plain), "entry from-cmd\n", "entrypoint and cmd")
            let arguments = plain.replacing("Never}", with: "Never, args: [mine]}").replacing(
                "name: entry", with: "name: args")
            try expectEqual(try node.runToEnd("args", arguments), "entry mine\n", "entrypoint and args")
            let script = "id -u; id -G; pwd; echo $GREETING; test ! -e /bin/ftpget && echo white; ls /home"
            let shell = shellPod("config", script).replacing(
                "image: busybox", with: "image: example.org/tests/users:v1")
            try expectEqual(
                try node.runToEnd("config", shell), "1000\n1000 2000\n/data\nhello\nwhite\napp\n",
                "user, groups, folder, environment, whiteout, home")
        },
        Test("a damaged or hostile archive is refused whole and the store is as before") { node in
            try node.ok("image", "load", "\(node.machine.images)/busybox.tar")
            let store = "\(node.root)/var/lib/swiftlet/images"
            func state() throws -> [String] {
                [String(decoding: try Files.read("\(store)/index.json"), as: UTF8.self)]
                    + (["layers", "ingest", "trash"].flatMap { (try? Files.list("\(store)/\($0)")) ?? [] })
            }
            let before = try state()
            let bytes = try Files.read("\(node.machine.images)/nginx.tar", limit: 64 << 20)
            let folder = try scratchFolder()
            defer { try? Files.removeTree(folder) }
            var flipped = bytes
            flipped[flipped.count / 2] ^= 0xFF
            for (name, damaged) in [
                ("half", Array(bytes[..<(bytes.count / 2)])), ("flipped", flipped), ("empty", []),
                ("noise", (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7919 >> 3) }),
            ] {
                try Files.replace("\(folder)/\(name).tar", with: damaged, durable: false)
                let result = try node.swiftlet("image", "load", "\(folder)/\(name).tar")
                try expect(result.status != 0, "the archive \(name) is accepted")
                try expect(!result.errors.isEmpty, "nothing is said about the archive \(name)")
            }
            try expectEqual(try state(), before, "the index and the layers of the store")
        },
        Test("a pod goes on when its image is removed") { node in
            try node.ok("image", "load", "\(node.machine.images)/busybox.tar")
            try node.drop("user.yaml", shellPod("user", hold, restart: "Always"))
            try node.waitReady("user")
            let pid = try node.processes("user").first
            try node.ok("image", "rm", "busybox")
            try expect(!(try node.ok("image", "ls").contains("busybox:latest")), "still listed")
            try expectEqual(
                try node.exec("user", "test -s /bin/busybox && echo there").output, "there\n", "a file of it")
            try expectEqual(try node.processes("user").first, pid, "pid")
        },
        Test("nginx, as built from Debian's package, serves over localhost") { node in
            for image in ["nginx.tar", "busybox.tar"] {
                try node.ok("image", "load", "\(node.machine.images)/\(image)")
            }
            let client = "until wget -q -O - http://127.0.0.1:8080/; do sleep 0.2; done; " + hold
            let spec = """
                restartPolicy: Always
                containers:
                - name: nginx
                  image: nginx
                  imagePullPolicy: IfNotPresent
                """
            try node.drop("web.yaml", podManifest("web", spec + "\n" + shellContainer("client", client)))
            try node.eventually("the page", seconds: 20) {
                (try? node.logs("web", "client"))?.contains("served by nginx") ?? false
            }
        },
    ]
}
