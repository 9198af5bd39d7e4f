import Base
import CLinux
import Digest
import JSON
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Registry

/// A key pair of openssl, which signs what it is told to.
private struct Signer {
    let folder: TemporaryDirectory
    var publicKey: String { folder.path + "/key.pub" }

    static let kinds = [
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["-algorithm", "RSA"], ["-algorithm", "ED25519"],
    ]

    init(_ kind: [String] = kinds[0]) throws {
        folder = try TemporaryDirectory()
        isRaw = kind.contains("ED25519")
        try openssl(["genpkey"] + kind + ["-out", folder.path + "/key"])
        try openssl(["pkey", "-in", folder.path + "/key", "-pubout", "-out", publicKey])
    }

    private let isRaw: Bool

    private func openssl(_ arguments: [String]) throws {
        var spawn = Spawn("/usr/bin/openssl", arguments, environment: ["PATH=/usr/bin:/bin"])
        spawn.standardError = SharedDescriptor(try FileDescriptor.open("/dev/null", O_WRONLY))
        guard try spawn.start().wait(block: true)?.code == 0 else { throw SystemError("run", "openssl", .invalid) }
    }

    func sign(_ bytes: [UInt8]) throws -> [UInt8] {
        let (input, output) = (try folder.write("in", bytes), folder.path + "/out")
        try openssl(
            isRaw
                ? ["pkeyutl", "-sign", "-rawin", "-inkey", folder.path + "/key", "-in", input, "-out", output]
                : ["dgst", "-sha256", "-sign", folder.path + "/key", "-out", output, input])
        return try Files.read(output)
    }

    /// The text that cosign signs.
    static func payload(_ digest: String, type: String = "cosign container image signature") -> [UInt8] {
        Array(
            #"""
            {"critical":{"identity":{"docker-reference":"x/team/app"},
            "image":{"docker-manifest-digest":"\#(digest)"},"type":"\#(type)"},"optional":null}
            """#.utf8)
    }
}

@Suite("Signatures", .enabled(if: Files.exists("/usr/bin/openssl"), "needs openssl"))
struct SignatureTests {
    typealias Answer = AnsweringServer.Answer

    /// What a registry has beside the image: its signature manifest and payload.
    private final class Beside: Sendable {
        let content = Mutex<[String: [UInt8]]>([:])

        /// - Parameter signature: made of the payload.
        func put(_ digest: String, payload: [UInt8], signature: [UInt8]) {
            let text = LooseBase64.encode(signature)
            let manifest = JSONWriter().bytes([
                "schemaVersion": 2, "mediaType": .string(ImageMediaType.manifest),
                "layers": [
                    [
                        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
                        "digest": .string(sum(payload)), "size": .integer(payload.count),
                        "annotations": ["dev.cosignproject.cosign/signature": .string(text)],
                    ]
                ],
            ])
            content.withLock {
                $0["/v2/team/app/manifests/sha256-\(digest.dropFirst(7)).sig"] = manifest
                $0["/v2/team/app/blobs/" + sum(payload)] = payload
            }
        }
    }

    private func registry(_ beside: Beside) throws -> RegistryFixture {
        try RegistryFixture { request, _, answer in
            beside.content.withLock { $0[request.path] }.map { Answer(200, body: $0) } ?? answer
        }
    }

    private func policy(_ keys: [String]) throws -> SignaturePolicy {
        let text = "policies: [{images: ['127.0.0.1:*/team/*'], keys: [\(keys.joined(separator: ", "))]}]"
        return try SignaturePolicy.decode(Array(text.utf8), path: "signatures.yaml")
    }

    @Test("of every kind of key let an image in", arguments: Signer.kinds)
    func signed(_ kind: [String]) throws {
        let (signer, beside) = (try Signer(kind), Beside())
        let registry = try registry(beside)
        let digest = sum(registry.manifest)
        let payload = Signer.payload(digest)
        beside.put(digest, payload: payload, signature: try signer.sign(payload))
        let other = try Signer()
        _ = try registry.fetch(signatures: try policy([other.publicKey, signer.publicKey]))
        withExtendedLifetime((signer, other)) {}
    }

    @Test(
        "that do not hold keep an image out, before anything of it is fetched",
        arguments: ["none", "other key", "other text", "other image", "other kind", "garbage"])
    func refused(_ what: String) throws {
        let (signer, beside) = (try Signer(), Beside())
        let registry = try registry(beside)
        let digest = sum(registry.manifest)
        let right = Signer.payload(digest)
        switch what {
        case "other key": beside.put(digest, payload: right, signature: try Signer().sign(right))
        case "other text": beside.put(digest, payload: right, signature: try signer.sign(right + [0x20]))
        case "other image":
            let text = Signer.payload("sha256:" + String(repeating: "1", count: 64))
            beside.put(digest, payload: text, signature: try signer.sign(text))
        case "other kind":
            let text = Signer.payload(digest, type: "atomic container signature")
            beside.put(digest, payload: text, signature: try signer.sign(text))
        case "garbage": beside.put(digest, payload: right, signature: [1, 2, 3])
        default: break
        }
        let error = try #require(throws: RegistryError.self) {
            try registry.fetch(signatures: try policy([signer.publicKey]))
        }
        #expect(error.kind == .unsigned && error.message.contains("signatures.yaml"), "\(error)")
        #expect(!registry.targets.contains { $0.hasSuffix(sum(registry.config)) })
    }

    @Test("that are to be checked with a key that is none are a mistake of the file")
    func noKey() throws {
        let registry = try registry(Beside())
        for path in ["/no/such/key", "/etc/hostname"] {
            let error = try #require(throws: RegistryError.self) {
                try registry.fetch(signatures: try policy([path]))
            }
            #expect(error.kind == .configuration && error.message.contains(path), "\(error)")
        }
    }

    @Test("are demanded by the first policy that matches")
    func rules() throws {
        let text = """
            policies:
              - images: ["docker.io/library/*", "quay.io/*/tools-*"]
                action: accept
              - images: [quay.io/team/app]
                keys: [/etc/a.pub, /etc/b.pub]
              - images: ["*"]
                action: refuse
            """
        let policy = try SignaturePolicy.decode(Array(text.utf8), path: "s")
        #expect(policy.demand(registry: "docker.io", repository: "library/busybox") == .accept)
        #expect(policy.demand(registry: "quay.io", repository: "a/b/tools-x") == .accept)
        #expect(policy.demand(registry: "quay.io", repository: "team/app") == .keys(["/etc/a.pub", "/etc/b.pub"]))
        #expect(policy.demand(registry: "quay.io", repository: "team/app2") == .refuse)
        #expect(try SignaturePolicy.decode([], path: "s").demand(registry: "a", repository: "b") == .accept)
        let registry = try registry(Beside())
        let error = try #require(throws: RegistryError.self) { try registry.fetch(signatures: policy) }
        #expect(error.kind == .unsigned && error.message.contains("refuses images of"), "\(error)")
    }

    @Test(
        "are not skipped for a file with a mistake in it",
        arguments: [
            ("policy: []", "1:1: policy: unknown field of the file"),
            ("policies: {}", "1:11: policies: expected a list"),
            ("policies: [{keys: [/a]}]", "a policy without images"),
            ("policies: [{images: [a]}]", "either keys or an action"),
            ("policies: [{images: [a], keys: [/a], action: accept}]", "either keys or an action"),
            ("policies: [{images: [a], keys: [a]}]", "absolute paths"),
            ("policies: [{images: [a], keys: []}]", "keys: expected a list"),
            ("policies: [{images: [a], action: allow}]", "accept or refuse"),
            ("policies: [{images: a, action: accept}]", "images: expected a list"),
        ])
    func mistakes(_ text: String, _ message: String) throws {
        let error = try #require(throws: RegistryError.self) {
            try SignaturePolicy.decode(Array(text.utf8), path: "f")
        }
        #expect(error.kind == .configuration && error.message.contains(message), "\(error)")
    }
}
