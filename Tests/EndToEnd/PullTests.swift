import Base
import CLinux
import Digest
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
        Test("an image without the signature that is demanded is not run, and why names that", needs: .registry) {
            node in
            let registry = try RegistryProcess(folder: TemporaryDirectory())
            try registry.push("\(node.machine.images)/busybox.tar", as: "team/unsigned:1")
            let image = registry.name("team/unsigned:1")
            let key = "\(node.root)/etc/swiftlet/team.pub"
            let file = "\(node.root)/etc/swiftlet/signatures.yaml"
            try Files.makeDirectories(Path.parent(file))
            let pem = """
                -----BEGIN PUBLIC KEY-----
                MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
                -----END PUBLIC KEY-----

                """
            try Files.replace(key, with: pem.utf8, durable: false)
            let policy = "policies: [{images: ['*/team/unsigned'], keys: [\(key)]}]"
            try Files.replace(file, with: policy.utf8, durable: false)
            try node.drop("unsigned.yaml", pod("unsigned", image))
            try node.wait("unsigned", "SignatureValidationFailed", seconds: 10) {
                let waiting = $0.container()
                return waiting?.string("state.waiting.reason") == "SignatureValidationFailed"
                    && waiting?.string("state.waiting.message")?.contains("there is none that holds") == true
            }
            try expectContains(try node.swiftlet("why", "unsigned").output, "bears no signature", "why")
            // The policy is read anew for each pull.
            try Files.replace(file, with: policy.replacing("/unsigned'", with: "/signed'").utf8, durable: false)
            try node.waitReady("unsigned", seconds: 30)
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
        Test("a pull tells how far it is, and ends when nobody waits for it any more") { node in
            let registry = try haltingRegistry()
            let image = "\(registry.host)/team/app:1"
            try node.drop("slow.yaml", pod("slow", image))
            try node.eventually("get pods tells how far it is", seconds: 10) {
                try node.ok("get", "pods").contains("Pulling:43%")
            }
            try expectContains(
                try node.ok("describe", "pod", "slow"), "downloading 430B of 1.00kB (43%)", "describe")
            try node.eventually("it is told in an event", seconds: 20) {
                try node.ok("get", "events", "-o", "jsonpath={.items[*].message}").contains("430 of 1000 bytes (43%)")
            }
            // Somebody else wants it too.
            let client = try Spawn(
                "\(node.machine.programs)/swiftlet", ["--root", node.root, "image", "pull", image]
            ).start()
            try node.eventually("both want it", seconds: 10) { try node.imageWorkers().count == 1 }
            try node.remove("slow.yaml")
            try node.eventually("the pod is gone", seconds: 8) { try node.pod("slow") == nil }
            try expectEqual(try node.imageWorkers().count, 1, "workers while a client waits")
            try client.send(SIGINT)
            _ = try client.wait(block: true)
            try node.eventually("the worker is gone, and what it left", seconds: 10) {
                try node.imageWorkers().isEmpty
                    && Files.list("\(node.root)/var/lib/swiftlet/images/ingest").isEmpty
            }
            withExtendedLifetime(registry) {}
        },
    ]
}

extension Node {
    /// The processes that pull for this node.
    fileprivate func imageWorkers() throws -> [String] {
        try Files.list("/proc").filter { pid in
            guard Int32(pid) != nil, let bytes = try? Files.read("/proc/\(pid)/cmdline") else { return false }
            let words = bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.contains("image-worker") && words.contains("pull") && words.contains { $0.hasPrefix(root) }
        }
    }
}

/// A registry whose image has one layer, of which 430 of 1000 bytes come.
private func haltingRegistry() throws -> AnsweringServer {
    func sum(_ bytes: [UInt8]) throws -> String { "sha256:" + (try StreamHasher.hex(.sha256, bytes)) }
    var machine = utsname()
    uname(&machine)
    let architecture = withUnsafeBytes(of: &machine.machine) { $0.starts(with: "aarch64".utf8) } ? "arm64" : "amd64"
    let layer = "sha256:" + String(repeating: "1", count: 64)
    let config = Array(
        #"""
        {"architecture": "\#(architecture)", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": ["\#(layer)"]}}
        """#.utf8)
    let manifest = Array(
        #"""
        {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "\#(try sum(config))",
        "size": \#(config.count)},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": "\#(layer)", "size": 1000}]}
        """#.utf8)
    let configPath = "/v2/team/app/blobs/" + (try sum(config))
    return try AnsweringServer { request in
        switch request.path {
        case "/v2/team/app/manifests/1":
            return .init(200, ["Content-Type": "application/vnd.oci.image.manifest.v1+json"], body: manifest)
        case configPath: return .init(200, body: config)
        case "/v2/team/app/blobs/" + layer:
            var answer = AnsweringServer.Answer(
                200, ["Content-Length": "1000"], body: [UInt8](repeating: 0, count: 430))
            answer.hangs = true
            return answer
        default: return .init(404)
        }
    }
}

/// A socket of this machine that is listened at and never answered.
private func silentListener() throws -> (socket: SharedDescriptor, port: UInt16) {
    var port: UInt16 = 0
    let raw = try retrying("listen at", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) }
    return (SharedDescriptor(FileDescriptor(adopting: raw)), port)
}
