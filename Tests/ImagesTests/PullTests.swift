import Base
import CLinux
import JSON
import Synchronization
import TestSupport
import Testing

@testable import ImageWork
@testable import Images
@testable import Registry

@Suite("Pulling from docker-registry", .enabled(if: isRoot, "needs root"))
struct PullTests {
    private static let tools: ConditionTrait = .enabled(
        if: DockerRegistry.tools.allSatisfy(Files.exists), "needs docker-registry, skopeo, htpasswd and openssl")

    private let base = TestLayer { $0.file("base", "below") }
    private let top = TestLayer { $0.file("top", "above") }

    private func pull(
        _ reference: String, _ fixture: StoreFixture, credentials: [String] = [], registries: String = "/no/such/file",
        signatures: String = "/no/such/file",
        _ progress: @escaping @Sendable (PullProgress) -> Void = { _ in }
    ) throws -> StoredImage {
        var pull = try ImagePull(
            reference, store: fixture.store.root, registries: registries, signatures: signatures,
            input: PullInput(credentials: credentials),
            nodePaths: [])
        pull.limits.transfer.retryMilliseconds = 1
        return try pull.run(progress)
    }

    @Test("an image is found by its name and its digest, and its layers are fetched once", tools)
    func plain() throws {
        let registry = try DockerRegistry(.open)
        let fixture = try StoreFixture()
        try registry.push(ArchiveBuilder.oci([TestImage("x:1", [base])]), "team/app:1")
        try registry.push(ArchiveBuilder.oci([TestImage("x:1", [base, top])]), "team/app:2")
        let name = "\(registry.host)/team/app"
        let first = try pull(name + ":1", fixture)
        #expect(first.names == [name + ":1"] && first.repoDigests.count == 1 && first.isPulled)
        #expect(try Files.readText(first.layerPaths[0] + "/base") == "below")
        #expect(try fixture.store.resolve(name + ":1") == first)

        let seen = Mutex<[PullProgress]>([])
        let second = try pull(name + ":2", fixture) { progress in seen.withLock { $0.append(progress) } }
        let phases = seen.withLock { $0 }
        #expect(phases.first?.phase == .resolving && phases.last?.phase == .unpacking)
        let layers = phases.last { $0.phase == .downloading }?.layers ?? []
        #expect(layers.count == 1 && layers[0].done == layers[0].total, "the lower one is here")
        #expect(second.layerPaths[1] == first.layerPaths[0])
        #expect(try Files.readText(second.layerPaths[0] + "/top") == "above")

        let pinned = try pull(second.repoDigests[0], fixture)
        #expect(pinned == second, "a digest adds no name")
        #expect(try Files.list(fixture.store.root + "/ingest") == [])
        let error = try #require(throws: PullError.self) { try pull(name + ":3", fixture) }
        #expect(error.kind == .notFound && error.message.hasPrefix("cannot pull \(name):3: registry http://"))
    }

    @Test(
        "a password is needed where one is wanted, by the registry or by its token server", tools,
        arguments: [false, true])
    func password(_ isForToken: Bool) throws {
        let registry = try DockerRegistry(isForToken ? .token : .password)
        let fixture = try StoreFixture()
        try registry.push(ArchiveBuilder.oci([TestImage("x:1", [base])]), "app:1")
        let name = "\(registry.host)/app:1"
        func document(_ password: String) -> String {
            #"{"auths": {"\#(registry.host)": {"username": "me", "password": "\#(password)"}}}"#
        }
        for credentials in [[], [document("wrong")]] {
            let error = try #require(throws: PullError.self) { try pull(name, fixture, credentials: credentials) }
            #expect(error.kind == .unauthorized && !error.message.contains("wrong"), "\(error)")
        }
        #expect(try pull(name, fixture, credentials: [document("wrong"), document("secret")]).names == [name])
    }

    @Test("a registry over TLS is believed when its authority is given", tools)
    func tls() throws {
        let registry = try DockerRegistry(.tls)
        let fixture = try StoreFixture()
        try registry.push(ArchiveBuilder.oci([TestImage("x:1", [base])]), "app:1")
        let name = "\(registry.host)/app:1"
        func file(_ tls: String) throws -> String {
            try registry.folder.write("registries.yaml", "configs: {'\(registry.host)': {tls: {\(tls)}}}")
        }
        let wrong = try file("ca_file: /etc/hostname")
        let error = try #require(throws: PullError.self) { try pull(name, fixture, registries: wrong) }
        #expect(error.kind == .unavailable, "\(error)")
        let right = try file("ca_file: \(registry.folder.path)/tls.crt")
        #expect(try pull(name, fixture, registries: right).names == [name])
        let other = try StoreFixture()
        #expect(try pull(name, other, registries: try file("insecure_skip_verify: true")).names == [name])
    }

    @Test("the worker's process pulls with credentials from its input, and tells errors in one line", tools)
    func process() async throws {
        let registry = try DockerRegistry(.password)
        let fixture = try StoreFixture()
        try registry.push(ArchiveBuilder.oci([TestImage("x:1", [base])]), "app:1")
        let document = #"{"auths": {"\#(registry.host)": {"username": "me", "password": "secret"}}}"#
        let good = try fixture.folder.write("good", PullInput(credentials: [document]).bytes)
        let bad = try fixture.folder.write("bad", PullInput(credentials: []).bytes)
        let (root, name) = (fixture.store.root, "\(registry.host)/app:1")
        let refused = await #expect(processExitsWith: .exitCode(1), observing: [\.standardOutputContent]) {
            [root = root as String, name = name as String, bad = bad as String] in
            exit(WorkerInput.pull(name, root, bad))
        }
        guard case .notPulled(let error)? = try last(refused?.standardOutputContent, "pullError") else {
            Issue.record("no error")
            return
        }
        #expect(error.kind == .unauthorized)
        let pulled = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [root = root as String, name = name as String, good = good as String] in
            exit(WorkerInput.pull(name, root, good))
        }
        let image = try #require(try fixture.store.resolve(name), "the agent's store sees what the worker pulled")
        #expect(
            try last(pulled?.standardOutputContent, "pulled")
                == .pulled(.init(id: image.id, names: image.names)))
    }

    private func last(_ output: [UInt8]?, _ key: String) throws -> ImageWorkerMessage? {
        let lines = (output ?? []).split(separator: 0x0A)
        return try lines.last { $0.starts(with: Array("{\"\(key)\"".utf8)) }.map { try ImageWorkerMessage(line: $0) }
    }
}

/// What an exit test does: its closure stays short.
enum WorkerInput {
    static func pull(_ name: String, _ root: String, _ input: String) -> Int32 {
        guard let file = try? FileDescriptor.open(input, O_RDONLY), dup2(file.raw, 0) == 0 else { return 9 }
        return ImageWorker.run([
            "pull", "--store", root, "--registries", "/no/such/file", "--signatures", "/no/such/file", name,
        ])
    }
}

@Suite("What a registry sends", .enabled(if: isRoot, "needs root"))
struct PulledContentTests {
    /// Serves the documents and layers of an image as `app:1`.
    private func server(_ image: TestImage) throws -> AnsweringServer {
        var blobs: [String: [UInt8]] = ["/v2/app/manifests/1": image.manifest]
        for bytes in image.layers.map(\.blob) + [image.config] {
            blobs["/v2/app/blobs/sha256:" + sha256(bytes)] = bytes
        }
        let known = blobs
        return try AnsweringServer { request in
            known[request.path].map { .init(200, body: $0) } ?? .init(404)
        }
    }

    @Test("leaves the store as it was when it is not what the config says", arguments: ["diffID", "count", "platform"])
    func refused(_ kind: String) throws {
        let fixture = try StoreFixture()
        try fixture.load(ArchiveBuilder.oci([TestImage("good:1", [TestLayer { $0.file("good", "1") }])]))
        var image = TestImage(nil, [TestLayer { $0.file("a", "1") }])
        switch kind {
        case "diffID": image.diffIDs = ["sha256:" + String(repeating: "0", count: 64)]
        case "count": image.diffIDs = (0..<2).map { _ in "sha256:" + sha256(image.layers[0].content) }
        default: image.architecture = "riscv64"
        }
        let server = try server(image)
        let before = try fixture.snapshot()
        let pull = try ImagePull(
            "\(server.host)/app:1", store: fixture.store.root, registries: "/no/such/file",
            signatures: "/no/such/file", input: PullInput(credentials: []), nodePaths: [])
        let error = try #require(throws: PullError.self) { try pull.run { _ in } }
        #expect(error.kind == .invalid && error.message.hasPrefix("cannot pull \(server.host)/app:1: "), "\(error)")
        #expect(try fixture.snapshot() == before)
    }
}
