import Base
import CLinux
import JSON
import TestSupport

/// A pod that goes on, of an image.
private func pod(_ name: String, _ image: String, policy: String = "IfNotPresent") -> String {
    shellPod(name, hold, restart: "Always").replacing("image: busybox", with: "image: \(image)")
        .replacing("IfNotPresent", with: policy)
}

let pullSuite = Suite("pulling", images: []) {
    [
        Test("a pod's image is pulled, said with the kubelet's events, and not pulled again", needs: .registry) {
            node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/app:1")
            try node.drop("puller.yaml", pod("puller", registry.name("team/app:1")))
            try node.waitReady("puller")
            let messages = try node.ok(
                "get", "events", "-o", "jsonpath={range .items[*]}{.reason}: {.message}{\"\\n\"}{end}")
            try expectContains(messages, "Pulling: Pulling image \"\(registry.name("team/app:1"))\"", "events")
            try expectContains(messages, "Pulled: Successfully pulled image", "events")
            let image = try JSONParser.parse(Array(try node.ok("image", "inspect", registry.name("team/app:1")).utf8))
            try expect(image["pulled"] == true, "inspect: \(image)")
            try expect(image["repoDigests"]?.arrayValue?.isEmpty == false, "no digest: \(image)")
            // What is here is used also when its registry is gone; by its digest, too.
            registry.stop()
            try node.drop("again.yaml", pod("again", registry.name("team/app:1")))
            try node.waitReady("again")
            try expect(!(try node.eventReasons("again").contains("Pulling")), "it was pulled again")
            let pinned = image["repoDigests"]?.arrayValue?.first?.stringValue ?? ""
            try node.drop("pinned.yaml", pod("pinned", pinned))
            try node.waitReady("pinned")
        },
        Test("an image that is not there is waited for with back-off, and pulled when it is", needs: .registry) {
            node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/other:1")
            try node.drop("later.yaml", pod("later", registry.name("team/later:1")))
            try node.wait("later", "ErrImagePull or ImagePullBackOff", seconds: 10) {
                ($0.container()?.string("state.waiting.reason") ?? "").contains("ImagePull")
            }
            try node.wait("later", "ImagePullBackOff", seconds: 15) {
                let waiting = $0.container()
                return waiting?.string("state.waiting.reason") == "ImagePullBackOff"
                    && waiting?.string("state.waiting.message")?.contains("ErrImagePull: cannot pull") == true
            }
            try expect(try node.eventReasons("later").contains("BackOff"), "no BackOff event")
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/later:1")
            try node.waitReady("later", seconds: 40)
        },
        Test("Always asks the registry each time, and fails without it", needs: .registry) { node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/always:1")
            let image = registry.name("team/always:1")
            try node.drop("first.yaml", pod("first", image, policy: "Always"))
            try node.waitReady("first")
            registry.stop()
            try node.drop("second.yaml", pod("second", image, policy: "Always"))
            try node.wait("second", "ErrImagePull", seconds: 60) {
                ($0.container()?.string("state.waiting.reason") ?? "").contains("ImagePull")
            }
            try expect(try node.pod("first")?.isReady == true, "first is not ready any more")
        },
        Test("pods that want the same image at the same time share one transfer", needs: .registry) { node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/both:1")
            let names = ["both-1", "both-2", "both-3"]
            for name in names {
                try node.drop(
                    "\(name).yaml",
                    pod(name, registry.name("team/both:1")))
            }
            for name in names { try node.waitReady(name) }
            let manifests = try registry.count("GET /v2/team/both/manifests/1")
            try expectEqual(manifests, 1, "transfers of three pods")
        },
        Test("image pull brings an image, and says what is wrong", needs: .registry) { node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/users.tar", as: "team/users:1")
            let name = registry.name("team/users:1")
            try expectContains(try node.ok("image", "pull", name), "Pulled image: \(name) (sha256:", "pull")
            try expectContains(try node.ok("image", "ls", "-o", "name"), name, "ls")
            let missing = try node.swiftlet("image", "pull", registry.name("team/nothing:1"))
            try expect(missing.status == 1 && missing.errors.contains("team/nothing"), "missing: \(missing.errors)")
            let unreachable = try node.swiftlet("image", "pull", "127.0.0.1:1/x:1")
            try expect(unreachable.status == 1 && unreachable.errors.contains("127.0.0.1:1"), unreachable.errors)
            let wrong = try node.swiftlet("image", "pull", "No/Name")
            try expect(wrong.status == 1 && wrong.errors.contains("invalid image reference"), wrong.errors)
        },
        Test("mirrors of registries.yaml are asked first; a mistake in it is named with its place", needs: .registry) {
            node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "mirrored/busybox:1")
            let file = "\(node.root)/etc/swiftlet/registries.yaml"
            try Files.makeDirectories(Path.parent(file))
            let text = """
                mirrors:
                  quay.example:
                    endpoint: ["http://127.0.0.1:\(registry.port)"]
                    rewrite: {"^team/(.*)": "mirrored/$1"}

                """
            try Files.replace(file, with: text.utf8, durable: false)
            try expectContains(
                try node.ok("image", "pull", "quay.example/team/busybox:1"), "quay.example/team/busybox:1", "mirror")
            try Files.replace(file, with: text.replacing("endpoint", with: "endpont").utf8, durable: false)
            let wrong = try node.swiftlet("image", "pull", "quay.example/team/busybox:1")
            try expectContains(wrong.errors, "registries.yaml:3:5", "mistake")
            try Files.remove(file)
        },
        Test("a pod that is removed while its image is pulled goes at once", needs: .registry) { node in
            // A registry that takes the connection and says nothing.
            let silent = try silentListener()
            try node.drop(
                "stuck.yaml",
                pod("stuck", "127.0.0.1:\(silent.port)/team/app:1"))
            try node.eventually("the pull begins", seconds: 10) { try node.eventReasons("stuck").contains("Pulling") }
            try Files.remove("\(node.podspecs)/stuck.yaml")
            try node.eventually("the pod is gone", seconds: 8) { try node.pod("stuck") == nil }
            withExtendedLifetime(silent) {}
        },
    ]
}

/// A socket of this machine that is listened at and never answered.
private func silentListener() throws -> (socket: SharedDescriptor, port: UInt16) {
    var port: UInt16 = 0
    let raw = try retrying("listen at", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) }
    return (SharedDescriptor(FileDescriptor(adopting: raw)), port)
}
