import Base
import CLinux
import JSON

/// Manifests that are edited while their pods run.
let replacementSuite = Suite("edits of manifests", freshNode: true, isOfKernel: true) {
    [
        Test("an image edit restarts that container in place, and over a kill of the agent") { node in
            func manifest(_ image: String) -> String {
                podManifest(
                    "edited",
                    "volumes: [{name: d, emptyDir: {}}]\ncontainers:\n"
                        + shellContainer(
                            "main", "echo run >> /d/runs; " + hold, "volumeMounts: [{name: d, mountPath: /d}]",
                            image: image) + shellContainer("other", hold))
            }
            for name in ["docker", "zstd"] {
                try node.ok("image", "load", "\(node.machine.images)/busybox-\(name).tar")
            }
            try node.drop("edited.yaml", manifest("busybox"))
            let before = try node.waitReady("edited")
            try expectEqual(before.integer("metadata.generation"), 1, "generation")
            for (n, image) in ["busybox:docker", "busybox:zstd"].enumerated() {
                if n == 1 { try node.kill() }
                try node.drop("edited.yaml", manifest(image))
                if n == 1 { try node.start() }
                let after = try node.wait("edited", "\(image) runs") {
                    $0.container("main")?.integer("restartCount") == Int64(n + 1)
                        && $0.container("main")?.at("ready")?.boolValue == true
                }
                try expectEqual(after.container("main")?.string("image"), image, "image")
                try expectEqual(after.integer("metadata.generation"), Int64(n + 2), "generation")
                try expectEqual(after.integer("status.observedGeneration"), Int64(n + 2), "observed generation")
                for path in ["metadata.uid", "status.podIP", "status.startTime"] {
                    try expectEqual(after.string(path), before.string(path), path)
                }
                let other = "the other container"
                try expectEqual(after.container("other")?.integer("restartCount"), 0, other)
                try expectEqual(
                    after.container("other")?.string("containerID"), before.container("other")?.string("containerID"),
                    other)
            }
            try expectEqual(
                try node.ok("exec", "edited", "-c", "main", "--", "cat", "/d/runs"), "run\nrun\nrun\n", "runs")
            let message = "Container main definition changed, will be restarted"
            try expect(try node.events("edited").contains { $0.string("message") == message }, "no event says so")
        },
        Test("a metadata edit restarts nothing, and running programs see it in their volumes") { node in
            func manifest(_ label: String, annotation: String) -> String {
                podManifest(
                    "labels",
                    "volumes: [{name: m, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}]\n"
                        + "containers:\n"
                        + shellContainer("main", hold, "volumeMounts: [{name: m, mountPath: /m}]"),
                    metadata: "labels: {a: \(label)}\nannotations: {note: \(annotation)}")
            }
            try node.drop("labels.yaml", manifest("one", annotation: "former"))
            let before = try node.waitReady("labels")
            try node.drop("labels.yaml", manifest("two", annotation: "later"))
            let after = try node.wait("labels", "has the new label") { $0.string("metadata.labels.a") == "two" }
            try expectEqual(after.string("metadata.annotations.note"), "later", "annotation")
            try expectEqual(after.string("metadata.uid"), before.string("metadata.uid"), "the instance")
            try expectEqual(
                after.container()?.string("containerID"), before.container()?.string("containerID"), "the container")
            try expectEqual(after.integer("metadata.generation"), 1, "generation")
            try node.eventually("the volume shows it", seconds: 10) {
                try node.ok("exec", "labels", "--", "cat", "/m/labels") == "a=\"two\""
            }
        },
        Test("any other edit makes a new instance after the old one has ended") { node in
            func manifest(_ value: String, initImage: String = "busybox") -> String {
                podManifest(
                    "anew",
                    "initContainers:\n" + shellContainer("first", "true", image: initImage) + "containers:\n"
                        + shellContainer("main", "echo $V; " + hold, "env: [{name: V, value: \(value)}]"))
            }
            try node.ok("image", "load", "\(node.machine.images)/busybox-docker.tar")
            try node.drop("anew.yaml", manifest("one"))
            var uid = try node.waitReady("anew").string("metadata.uid")
            // Of an init container that has done its work too: others stand on what it did.
            for next in [manifest("two"), manifest("two", initImage: "busybox:docker")] {
                try node.drop("anew.yaml", next)
                let after = try node.wait("anew", "is another instance, and ready") {
                    $0.string("metadata.uid") != uid && $0.container()?.at("ready")?.boolValue == true
                }
                uid = after.string("metadata.uid")
                try expectEqual(after.integer("metadata.generation"), 1, "generation")
                try expectEqual(after.container()?.integer("restartCount"), 0, "restart count")
            }
            try expectEqual(try node.logs("anew"), "two\n", "log")
        },
        Test("a rolling edit keeps the old instance until the new one is ready, and for good when it never is") {
            node in
            func manifest(_ version: String, ready: String, deadline: Int = 600) -> String {
                let probe = "readinessProbe: {periodSeconds: 1, exec: {command: [/bin/sh, -c, '\(ready)']}}"
                return podManifest(
                    "rolling", "containers:\n" + shellContainer("main", "echo \(version); " + hold, probe),
                    metadata: "annotations: {swiftlet/replacement: rolling, "
                        + "swiftlet/progress-deadline-seconds: \"\(deadline)\"}")
            }
            func uids() throws -> [String] { try Files.list("\(node.root)/var/lib/swiftlet/pods") }
            try node.drop("rolling.yaml", manifest("one", ready: "true"))
            let first = try node.waitReady("rolling")
            // The next waits for a file, and with it the old goes on.
            let gate = "test -e /tmp/go"
            try node.drop("rolling.yaml", manifest("two", ready: gate))
            try node.eventually("the next instance is there", seconds: 20) { try uids().count == 2 }
            try expectEqual(try node.waitReady("rolling").string("metadata.uid"), first.string("metadata.uid"), "uid")
            try expectEqual(try node.logs("rolling"), "one\n", "log")
            // Over a kill of the agent the old one stays, and another next comes.
            try node.kill()
            try node.start()
            try expectEqual(try node.waitReady("rolling").string("metadata.uid"), first.string("metadata.uid"), "uid")
            try node.drop("rolling.yaml", manifest("three", ready: "true"))
            let third = try node.wait("rolling", "is the next instance") {
                $0.string("metadata.uid") != first.string("metadata.uid")
            }
            try expectEqual(third.container()?.at("ready")?.boolValue, true, "it is ready from the first")
            try node.eventually("nothing of the others is left", seconds: 20) { try uids().count == 1 }
            try expectEqual(try node.logs("rolling"), "three\n", "log")
            // One that never is ready is given up.
            try node.drop("rolling.yaml", manifest("four", ready: "false", deadline: 1))
            try node.eventually("event RolledBack", seconds: 30) {
                try node.events("rolling").contains { $0.string("reason") == "RolledBack" }
            }
            try node.eventually("it is given up", seconds: 20) { try uids().count == 1 }
            try expectEqual(
                try node.waitReady("rolling").string("metadata.uid"), third.string("metadata.uid"), "the pod goes on")
            try expectContains(try node.ok("get", "pods"), "goes on as it was", "get pods")
            try node.remove("rolling.yaml")
            try node.waitGone("rolling")
        },
    ]
}
