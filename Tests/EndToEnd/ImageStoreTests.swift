import Base
import CLinux
import JSON

let imageStoreSuite = Suite("image store", images: []) {
    [
        Test("a damaged layer is named by verify, and repaired by loading the image again") { node in
            let archive = "\(node.machine.images)/busybox.tar"
            try node.ok("image", "load", archive)
            try expectContains(try node.ok("image", "verify", "--contents"), ": whole (", "before")
            let details = try JSONParser.parse(Array(try node.ok("image", "inspect", "busybox").utf8))
            guard let layer = details["layers"]?.arrayValue?.first?["path"]?.stringValue else {
                throw Failure("no layer: \(details)")
            }
            let path = "\(layer)/bin/busybox"
            let bytes = try Files.read(path)
            var damaged = bytes
            damaged[1000] ^= 1
            try Files.replace(path, with: damaged, mode: 0o755, durable: false)
            let broken = try node.swiftlet("image", "verify", "busybox")
            try expectEqual(broken.status, 1, "exit code")
            try expectContains(broken.output, "\"bin/busybox\": its time of modification", "what is broken")
            let saving = try node.swiftlet("image", "save", "-o", "\(node.root)/broken.tar", "busybox")
            try expect(saving.status == 1 && !Files.exists("\(node.root)/broken.tar"), "saved: \(saving.errors)")
            try expectContains(saving.errors, "has changed", "why it is not saved")
            try node.ok("image", "load", archive)
            try expectContains(try node.ok("image", "verify", "--contents"), ": whole (", "after")
            try expect(try Files.read(path) == bytes, "the file is as it was")
            try expectContains(try node.runToEnd("repaired", shellPod("repaired", "echo works")), "works", "log")
        },
        Test("images are saved into files and pipes, and come back the same") { node in
            for name in ["busybox-zstd", "users"] { try node.ok("image", "load", "\(node.machine.images)/\(name).tar") }
            func ids() throws -> [String] {
                let list = try JSONParser.parse(Array(try node.ok("image", "ls", "-o", "json").utf8))
                return (list["items"]?.arrayValue ?? []).map { "\($0["names"] ?? .null) \($0["id"] ?? .null)" }.sorted()
            }
            let before = try ids()
            let names = try node.ok("image", "ls", "-o", "name").split(separator: "\n").map(String.init)
            let all = try node.swiftlet(["image", "save", "-o", "\(node.root)/all.tar"] + names)
            try expectEqual(all.status, 0, "image save: \(all.errors)")
            let words = ["--root", node.root, "image", "save", "--format", "docker"] + names
            let docker = try run(
                "/bin/sh",
                ["-c", "\"$@\" | cat > \(node.root)/docker.tar", "sh", "\(node.machine.programs)/swiftlet"] + words,
                timeout: .seconds(60 * node.machine.scale))
            try expectEqual(docker.errors, "", "image save to a pipe")
            for archive in ["all", "docker"] {
                for name in names { try node.ok("image", "rm", name) }
                try expectEqual(try ids(), [], "removed")
                if archive == "all" {
                    try node.ok("image", "load", "\(node.root)/all.tar")
                } else {
                    let input = try Files.read("\(node.root)/docker.tar", limit: 64 << 20)
                    let loaded = try node.swiftlet("image", "load", "-", input: input)
                    try expectEqual(loaded.status, 0, "load: \(loaded.errors)")
                }
                try expectEqual(try ids(), before, "names and ids of \(archive)")
                try node.ok("image", "verify", "--contents")
            }
            try expectContains(try node.ok("image", "history", names[0]), "CREATED BY", "history")
        },
        Test("a root file system becomes an image that runs") { node in
            try node.ok("image", "load", "\(node.machine.images)/busybox.tar")
            let details = try JSONParser.parse(Array(try node.ok("image", "inspect", "busybox").utf8))
            let layer = details["layers"]?.arrayValue?.first?["path"]?.stringValue ?? ""
            let tar = "\(node.root)/root.tar.gz"
            let packed = try run("/usr/bin/tar", ["-C", layer, "-czf", tar, "."], timeout: .seconds(60))
            try expectEqual(packed.status, 0, "tar: \(packed.errors)")
            try node.ok(
                "image", "import", tar, "example.com/mine:1", "--entrypoint", "[\"/bin/sh\",\"-c\"]", "--cmd",
                "[\"echo $WORD from $(pwd)\"]", "--env", "WORD=hello", "--workdir", "/bin")
            let manifest = podManifest(
                "mine",
                "restartPolicy: Never\ncontainers:\n- {name: main, image: \"example.com/mine:1\", imagePullPolicy: Never}"
            )
            try expectEqual(try node.runToEnd("mine", manifest), "hello from /bin\n", "log")
            let sent = try node.swiftlet(
                "image", "import", "-", "example.com/sent:1", input: Array(try Files.read(tar)))
            try expectEqual(sent.status, 0, "import from a pipe: \(sent.errors)")
            try expectContains(
                try node.ok("image", "history", "example.com/sent:1"), "swiftlet image import -", "history")
        },
        Test("unused images go when the disk is fuller than it should be; used and pinned ones stay") { node in
            for name in ["busybox", "users", "nginx"] {
                try node.ok("image", "load", "\(node.machine.images)/\(name).tar")
            }
            let folder = "\(node.root)/var/lib/swiftlet/images/import"
            let pinned = try Files.read("\(node.machine.images)/users.tar", limit: 64 << 20)
            try Files.replace("\(folder)/.users", with: pinned, durable: false)
            guard rename("\(folder)/.users", "\(folder)/users.tar") == 0 else { throw SystemError("rename", folder) }
            try node.eventually("the archive is loaded", seconds: 10) {
                (try? text("\(node.root)/var/lib/swiftlet/images/imported.json"))?.contains("sha256:") == true
            }
            try node.drop("user.yaml", shellPod("user", hold, restart: "Always"))
            try node.waitReady("user")
            try configure(
                node, "imageGCHighThresholdPercent: 1\nimageGCLowThresholdPercent: 0\nimageMinimumGCAge: 0s",
                restarts: false)
            try node.eventually("nginx goes", seconds: 20) { !(try node.ok("image", "ls").contains("nginx")) }
            let left = try node.ok("image", "ls", "-o", "name")
            try expect(left.contains("busybox:latest") && left.contains("users"), "left: \(left)")
            try node.eventually("the event", seconds: 10) {
                try node.ok("events", "-A").contains("FreeDiskSpaceFailed")
            }
            try expect(Files.exists("\(node.root)/var/lib/swiftlet/images/used.json"), "uses are written down")
        },
    ]
}
