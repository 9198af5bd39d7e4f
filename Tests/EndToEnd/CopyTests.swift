import Base
import CLinux
import TestSupport

let copySuite = Suite("cp") {
    [
        Test("files and folders go into a container and come back as they were") { node in
            try node.drop("copied.yaml", shellPod("copied", "mkdir /tmp/there; " + hold, restart: "Always"))
            try node.waitReady("copied")
            let folder = try TemporaryDirectory()
            let path = folder.path
            let large = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
            try folder.write("in/a/large", large)
            try folder.write("in/a/b c", "small")
            chmod(path + "/in/a/b c", 0o640)
            try expectEqual(symlink("b c", path + "/in/a/link"), 0, "symlink")
            try node.ok("cp", path + "/in/a", "copied:/tmp/new")
            try node.ok("cp", path + "/in/a", "default/copied:/tmp/there")
            try node.ok("cp", path + "/in/a/b c", "copied:/tmp/there/renamed")
            let listed = try node.ok(
                "exec", "copied", "--", "sh", "-c",
                "cat /tmp/there/renamed; stat -c %a '/tmp/new/b c'; readlink /tmp/new/link; ls /tmp/there/a | wc -l")
            try expectEqual(listed, "small640\nb c\n3\n", "in the container")
            // Links stay behind, with a word about it.
            let back = try node.swiftlet("cp", "copied:/tmp/new", path + "/out")
            try expectEqual(back.status, 0, back.errors)
            try expectContains(back.errors, "out/link is neither a file nor a folder: passed over", "warning")
            try expectEqual(try Files.list(path + "/out"), ["b c", "large"], "the copy")
            try expect(try Files.read(path + "/out/large") == large, "the large file differs")
            try node.ok("cp", "copied:/tmp/new/b c", path)
            try expectEqual(try Files.readText(path + "/b c"), "small", "one file")
            try node.ok("cp", "copied:/tmp/new/.", path + "/in")
            try expect(Files.exists(path + "/in/large"), "a folder's content")
            try expectEqual(try Files.list(path).filter { $0.hasPrefix(".") }, [], "left behind")
        },
        Test("what a container sends stays where it was asked for") { node in
            // A tar of the attacker's: names with dots, absolute ones, and one through a link it made itself.
            let evil = """
                mkdir -p /bin2 /e/d; cd /e; echo evil > f; ln -s /tmp/swiftlet-cp-evil d2
                cat > /bin2/tar <<'X'
                #!/bin/sh
                cd /e; exec /bin/busybox tar -cf - ../e/f /e/f d2 f
                X
                chmod +x /bin2/tar; cp /bin2/tar /bin/tar
                """
            let script = "[ -e /bin/busybox ] || cp /bin/sh /bin/busybox; rm -f /bin/tar; " + evil + "; " + hold
            try node.drop("evil.yaml", shellPod("evil", script, restart: "Always"))
            try node.waitReady("evil")
            let folder = try TemporaryDirectory()
            let result = try node.swiftlet("cp", "evil:/e", folder.path + "/goal")
            try expect(!Files.exists("/tmp/swiftlet-cp-evil"), "it wrote outside (\(result.errors))")
            try expect(!Files.exists("/e"), "it wrote to the root (\(result.errors))")
            try expectEqual(try Files.list(folder.path).filter { $0 != "goal" }, [], "left behind")
        },
        Test("what cannot be copied is told, and leaves nothing behind") { node in
            try node.drop("bare.yaml", shellPod("bare", hold, restart: "Always"))
            try node.waitReady("bare")
            let folder = try TemporaryDirectory()
            for arguments in [
                ["cp", "bare:/nothing", folder.path + "/x"], ["cp", folder.path + "/nothing", "bare:/tmp"],
                ["cp", "nobody:/etc", folder.path + "/x"], ["cp", "/etc/hostname", "bare:/no/such/folder/x"],
                ["cp", "bare:/etc/passwd", folder.path + "/no/x"],
            ] {
                let result = try node.swiftlet(arguments)
                try expect(result.status == 1 && !result.errors.isEmpty, "\(arguments): \(result)")
            }
            try expectEqual(try Files.list(folder.path), [], "left behind")
        },
    ]
}
