import Base
import CLinux
import JSON

private let users = "example.org/tests/users:v1"

/// A volume `i` of an image.
private func imageVolume(_ reference: String, policy: String = "IfNotPresent") -> String {
    "volumes: [{name: i, image: {reference: \"\(reference)\", pullPolicy: \(policy)}}]"
}

var imageVolumeTests: [Test] {
    [
        Test("an image is a volume: its layers as one tree, read-only, without execution, also in part") { node in
            try node.ok("image", "load", "\(node.machine.images)/users.tar")
            let script = """
                tail -n 1 /i/etc/passwd; test ! -e /i/bin/ftpget && echo white; cat /p/passwd | wc -l; cat /f | tail -n 1
                touch /i/x 2>/dev/null || echo no write; touch /p/x 2>/dev/null || echo no write in part
                /i/bin/busybox true 2>/dev/null || echo no program
                mount -o remount,rw /i 2>/dev/null; touch /i/x 2>/dev/null || echo still no write
                """
            let mounts =
                "volumeMounts: [{name: i, mountPath: /i}, {name: i, mountPath: /p, subPath: etc}, "
                + "{name: i, mountPath: /f, subPathExpr: $(FOLDER)/group}]\nenv: [{name: FOLDER, value: etc}]\n"
                + "securityContext: {capabilities: {add: [SYS_ADMIN]}}"
            try expectEqual(
                try node.runToEnd("shown", shellPod("shown", script, container: mounts, spec: imageVolume(users))),
                """
                app:x:1000:1000:app:/home/app:/bin/sh
                white
                3
                extra:x:2000:app
                no write
                no write in part
                no program
                still no write

                """, "log")
            // Of one layer, too.
            let single = shellPod(
                "single", "ls /i | head -n 1", container: "volumeMounts: [{name: i, mountPath: /i}]",
                spec: imageVolume("busybox"))
            try expectEqual(try node.runToEnd("single", single), "bin\n", "log of one layer")
        },
        Test("a part that the image does not have is not made, and is named") { node in
            let pod = shellPod(
                "lacking", "true", container: "volumeMounts: [{name: i, mountPath: /i, subPath: none/such}]",
                spec: imageVolume("busybox"))
            try node.drop("lacking.yaml", pod)
            try node.wait("lacking", "CreateContainerError", seconds: 20) {
                $0.container()?.string("state.waiting.reason") == "CreateContainerError"
                    && ($0.container()?.string("state.waiting.message") ?? "").contains("\"none/such\" does not exist")
            }
        },
        Test("containers wait for the image of a volume as for their own, and only those that mount it") { node in
            let spec =
                imageVolume(users, policy: "Never") + "\ncontainers:\n"
                + shellContainer("main", hold, "volumeMounts: [{name: i, mountPath: /i}]")
                + shellContainer("other", hold)
            try node.drop("waiting.yaml", podManifest("waiting", spec))
            try node.wait("waiting", "ErrImageNeverPull of main, while other runs", seconds: 20) {
                $0.container()?.string("state.waiting.message")
                    == "Container image \"\(users)\" is not present with pull policy of Never"
                    && $0.container("other")?.at("state.running") != nil
            }
            try node.ok("image", "load", "\(node.machine.images)/users.tar")
            try node.waitReady("waiting")
            try expectContains(try node.exec("waiting", "tail -n 1 /i/etc/passwd").output, "app:", "a file of it")
        },
        Test("the image of a volume is kept as long as the pod is there, over restarts of the agent") { node in
            try node.ok("image", "load", "\(node.machine.images)/users.tar")
            try node.drop(
                "keeper.yaml",
                shellPod(
                    "keeper", hold, container: "volumeMounts: [{name: i, mountPath: /i}]", spec: imageVolume(users),
                    restart: "Always"))
            try node.waitReady("keeper")
            try node.ok("image", "prune", "-a")
            try expectContains(try node.ok("image", "ls"), "users", "after a prune")
            try node.kill()
            try node.start()
            try node.waitReady("keeper")
            try node.ok("image", "prune", "-a")
            try expectContains(try node.ok("image", "ls"), "users", "after a prune by the next agent")
            // What is asked for by name goes; the files stay for the pod, also for its next runs.
            try node.ok("image", "rm", users)
            try node.ok("restart", "pod/keeper")
            try node.wait("keeper", "another run", seconds: 30) {
                $0.container()?.integer("restartCount") ?? 0 > 0 && $0.isReady
            }
            try expectEqual(try node.exec("keeper", "ls /i/home").output, "app\n", "a folder of it")
            try node.remove("keeper.yaml")
            try node.waitGone("keeper")
            let layers = "\(node.root)/var/lib/swiftlet/images/layers"
            try node.eventually("the layers of the removed image go with the pod", seconds: 20) {
                try Files.list(layers).count == 1
            }
        },
    ]
}
