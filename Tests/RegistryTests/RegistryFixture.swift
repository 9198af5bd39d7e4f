import Base
import Digest
import JSON
import OCI
import Synchronization
import TestSupport

@testable import Registry

func sum(_ bytes: [UInt8]) -> String { "sha256:" + ((try? StreamHasher.hex(.sha256, bytes)) ?? "") }

/// A registry with one image, `team/app:1`, that answers as it should unless a test says otherwise.
final class RegistryFixture: Sendable {
    typealias Request = AnsweringServer.Request
    typealias Answer = AnsweringServer.Answer

    let layers: [[UInt8]]
    let config: [UInt8]
    let manifest: [UInt8]
    let server: AnsweringServer
    let folder: TemporaryDirectory

    /// - Parameter change: gets a request, how often the same target was asked for before, and the right answer; gives
    ///   another one.
    init(
        layers: [[UInt8]] = [Array("first layer".utf8), [UInt8](repeating: 7, count: 300_000)],
        _ change: @escaping @Sendable (Request, Int, Answer) -> Answer = { $2 }
    ) throws {
        let architecture = ImagePlatform.current.architecture
        let config = Array(#"{"os": "linux", "architecture": "\#(architecture)"}"#.utf8)
        func descriptor(_ type: String, _ bytes: [UInt8]) -> JSONValue {
            ["mediaType": .string(type), "digest": .string(sum(bytes)), "size": .integer(bytes.count)]
        }
        let manifest = JSONWriter().bytes([
            "schemaVersion": 2, "mediaType": .string(ImageMediaType.manifest),
            "config": descriptor(ImageMediaType.config, config),
            "layers": .array(layers.map { descriptor("application/vnd.oci.image.layer.v1.tar", $0) }),
        ])
        (self.layers, self.config, self.manifest) = (layers, config, manifest)
        folder = try TemporaryDirectory()
        var blobs: [String: [UInt8]] = [:]
        for bytes in layers + [config] { blobs["/v2/team/app/blobs/" + sum(bytes)] = bytes }
        let known = blobs
        let counts = Counts()
        server = try AnsweringServer { request in
            var answer = Answer(404, body: Array(#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no"}]}"#.utf8))
            if ["/v2/team/app/manifests/1", "/v2/team/app/manifests/" + sum(manifest)].contains(request.path) {
                answer = Answer(200, ["Content-Type": ImageMediaType.manifest], body: manifest)
            } else if let blob = known[request.path] {
                answer = Answer(200, body: blob)
                let from = request.headers["range"]?.dropFirst("bytes=".count).dropLast()
                if let first = from.flatMap({ Int($0) }) {
                    answer = Answer(
                        206, ["Content-Range": "bytes \(first)-\(blob.count - 1)/\(blob.count)"],
                        body: Array(blob[first...]))
                }
            }
            let before = counts.seen.withLock { seen -> Int in
                seen[request.target, default: 0] += 1
                return (seen[request.target] ?? 1) - 1
            }
            return change(request, before, answer)
        }
    }

    private final class Counts: Sendable { let seen = Mutex<[String: Int]>([:]) }

    /// The targets that were asked for, in their order.
    var targets: [String] { server.requests.map(\.target) }

    var blobURL: String { "/v2/team/app/blobs/" }

    func fetch(
        tag: String? = "1", digest: String? = nil, credentials: [String] = [], file: RegistriesFile = .init(),
        registry: String? = nil, signatures: SignaturePolicy = .init(), needed: [Bool]? = nil,
        limits change: (inout FetchLimits) -> Void = { _ in }
    ) throws -> ImageFetch.Result {
        let sources = try CredentialSources(given: credentials.map { Array($0.utf8) }, nodePaths: [])
        var fetch = ImageFetch(
            registry: registry ?? server.host, repository: "team/app", tag: tag,
            digest: digest.flatMap { ImageDigest($0) }, platform: .current, credentials: sources)
        fetch.file = file
        fetch.signatures = signatures
        fetch.limits.transfer.retryMilliseconds = 1
        fetch.limits.transfer.connectSeconds = 5
        fetch.limits.transfer.stallSeconds = 20
        change(&fetch.limits)
        let count = layers.count
        return try fetch.run(into: folder.path, needed: { _, _ in needed ?? Array(repeating: true, count: count) }) {
            _ in
        }
    }

    func blob(_ digest: String) throws -> [UInt8] {
        try Files.read(folder.path + "/blobs/sha256/" + digest.dropFirst("sha256:".count))
    }
}
