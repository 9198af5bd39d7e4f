import Base
import JSON
import OCI
import Synchronization
import TestSupport
import Testing

@testable import Registry

@Suite struct FetchTests {
    typealias Answer = AnsweringServer.Answer

    @Test func anImageBecomesALayout() throws {
        let registry = try RegistryFixture()
        let result = try registry.fetch()
        #expect(result.manifest.description == sum(registry.manifest) && result.indexes.isEmpty)
        for bytes in registry.layers + [registry.config, registry.manifest] {
            #expect(try registry.blob(sum(bytes)) == bytes)
        }
        #expect(Files.exists(registry.folder.path + "/oci-layout"))
        let index = try JSONParser.parse(Files.read(registry.folder.path + "/index.json"))
        #expect(index["manifests"]?.arrayValue?.first?["digest"]?.stringValue == sum(registry.manifest))
        let accept = registry.server.requests[0].headers["accept"] ?? ""
        #expect(accept.contains(ImageMediaType.index) && accept.contains(ImageMediaType.dockerManifest))
    }

    @Test func aLayerThatIsHereIsNotFetched() throws {
        let registry = try RegistryFixture()
        _ = try registry.fetch(needed: [false, true])
        #expect(!registry.targets.contains { $0.hasSuffix(sum(registry.layers[0])) })
        #expect(registry.targets.contains { $0.hasSuffix(sum(registry.layers[1])) })
    }

    @Test func theBiggestLayerComesFirst() throws {
        let registry = try RegistryFixture()
        _ = try registry.fetch { $0.parallel = 1 }
        #expect(registry.targets.last?.hasSuffix(sum(registry.layers[0])) == true)
    }

    @Test func aDigestPinsTheManifest() throws {
        let registry = try RegistryFixture()
        let digest = sum(registry.manifest)
        #expect(try registry.fetch(digest: digest).manifest.description == digest)
        #expect(registry.targets[0].hasSuffix("/manifests/" + digest))
        let other = try RegistryFixture { request, _, answer in
            request.path.contains("manifests") ? Answer(200, body: Array("{}".utf8)) : answer
        }
        let error = try #require(throws: RegistryError.self) { try other.fetch(digest: digest) }
        #expect(error.kind == .invalid && error.message.contains("its content is another one"))
    }

    @Test func anIndexLeadsToTheImageOfThisMachine() throws {
        let holder = Mutex<[UInt8]>([])
        let registry = try RegistryFixture { request, _, answer in
            guard request.path.hasSuffix("/manifests/multi") else { return answer }
            return Answer(200, ["Content-Type": ImageMediaType.index], body: holder.withLock { $0 })
        }
        func entry(_ platform: ImagePlatform, _ digest: String, _ size: Int) -> JSONValue {
            [
                "mediaType": .string(ImageMediaType.manifest), "digest": .string(digest), "size": .integer(size),
                "platform": ["os": .string(platform.os), "architecture": .string(platform.architecture)],
            ]
        }
        let other = entry(ImagePlatform(os: "linux", architecture: "riscv64"), sum([1]), 1)
        let mine = entry(.current, sum(registry.manifest), registry.manifest.count)
        let index = JSONWriter().bytes(["schemaVersion": 2, "manifests": [other, mine]])
        holder.withLock { $0 = index }
        let result = try registry.fetch(tag: "multi")
        #expect(result.manifest.description == sum(registry.manifest))
        #expect(result.indexes.map(\.description) == [sum(index)])
        holder.withLock { $0 = JSONWriter().bytes(["schemaVersion": 2, "manifests": [other]]) }
        let error = try #require(throws: RegistryError.self) { try registry.fetch(tag: "multi") }
        #expect(error.kind == .wrongPlatform && error.message.contains("linux/riscv64"))
    }

    @Test func aCutBlobGoesOnWhereItWasCut() throws {
        let registry = try RegistryFixture { request, before, answer in
            var answer = answer
            // Three cuts, then the rest.
            if before < 3, answer.body.count > 100_000 || answer.status == 206 { answer.cut = 50_000 }
            return answer
        }
        _ = try registry.fetch()
        #expect(try registry.blob(sum(registry.layers[1])) == registry.layers[1])
        let ranges = registry.server.requests.compactMap { $0.headers["range"] }
        #expect(ranges.count == 3 && ranges.allSatisfy { $0.hasPrefix("bytes=") && $0.hasSuffix("-") })
        #expect(Set(ranges).count == 3, "it goes on, each time further: \(ranges)")
    }

    @Test func aServerWithoutRangesIsBegunAnewAndABlobIsWholeThen() throws {
        let registry = try RegistryFixture { request, before, answer in
            guard request.path.contains("blobs"), answer.body.count > 100_000 || answer.status == 206 else {
                return answer
            }
            return Answer(200, body: [UInt8](repeating: 7, count: 300_000), cut: before == 0 ? 100 : nil)
        }
        _ = try registry.fetch()
        #expect(try registry.blob(sum(registry.layers[1])) == registry.layers[1])
    }

    @Test func aBlobThatNeverGoesOnIsGivenUp() throws {
        let registry = try RegistryFixture { request, _, answer in
            request.path.contains("blobs") ? Answer(200, body: answer.body, cut: 0) : answer
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == .unavailable && error.message.contains("blob \(sum(registry.config)) of team/app"))
        #expect(registry.targets.filter { $0.hasSuffix(sum(registry.config)) }.count == 5)
    }

    @Test func aStalledBlobIsGivenUpAndAskedForAgain() throws {
        let registry = try RegistryFixture { request, before, answer in
            var answer = answer
            if before == 0, answer.body.count > 100_000 { (answer.cut, answer.hangs) = (1000, true) }
            return answer
        }
        _ = try registry.fetch { $0.transfer.stallSeconds = 1 }
        #expect(try registry.blob(sum(registry.layers[1])) == registry.layers[1])
    }

    @Test func aSlowBlobIsWaitedForAsLongAsItComes() throws {
        let registry = try RegistryFixture { request, _, answer in
            var answer = answer
            // Longer altogether than the time without a byte that ends a transfer.
            if answer.body.count > 100_000 { answer.pace = 150 }
            return answer
        }
        _ = try registry.fetch { $0.transfer.stallSeconds = 1 }
        #expect(registry.targets.filter { $0.hasSuffix(sum(registry.layers[1])) }.count == 1)
    }

    @Test func aRegistryThatSaysNothingIsGivenUp() throws {
        let registry = try RegistryFixture { _, _, answer in
            var answer = answer
            answer.isSilent = true
            return answer
        }
        let error = try #require(throws: RegistryError.self) {
            try registry.fetch {
                $0.transfer.stallSeconds = 1
                $0.transfer.tries = 1
            }
        }
        #expect(error.kind == .unavailable, "\(error)")
    }

    @Test(arguments: [500, 502, 429]) func aRegistryThatAlwaysFailsIsGivenUp(_ status: Int) throws {
        for part in ["manifests", "blobs"] {
            let registry = try RegistryFixture { request, _, answer in
                request.path.contains(part) ? Answer(status, body: Array("<html>busy</html>".utf8)) : answer
            }
            let error = try #require(throws: RegistryError.self) { try registry.fetch { $0.parallel = 1 } }
            #expect(error.kind == .unavailable && error.message.contains("\(status)"), "\(error)")
            let asked = registry.targets.filter { $0.contains(part) }
            #expect(asked.count == 5 && Set(asked).count == 1, "\(asked)")
        }
    }

    @Test func theTypeOfABlobMeansNothing() throws {
        let registry = try RegistryFixture { request, _, answer in
            var answer = answer
            if request.path.contains("blobs") { answer.headers["Content-Type"] = "text/html; charset=utf-8" }
            return answer
        }
        _ = try registry.fetch()
        #expect(try registry.blob(sum(registry.layers[0])) == registry.layers[0])
    }

    @Test func aHeadWithoutEndIsGivenUp() throws {
        let registry = try RegistryFixture { _, _, answer in
            var answer = answer
            answer.headers["X-Long"] = String(repeating: "x", count: 4 << 20)
            return answer
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.message.contains("registry http://\(registry.server.host)"), "\(error)")
    }

    @Test(arguments: ["content", "longer", "endless", "length", "encoding", "range", "unasked range"])
    func aWrongBlobIsRefusedByItsName(_ kind: String) throws {
        let registry = try RegistryFixture { request, before, answer in
            guard answer.body.count > 100_000 || answer.status == 206 else { return answer }
            var answer = answer
            switch kind {
            case "content": answer.body[5] ^= 1
            case "longer": (answer.body, answer.headers["Content-Length"]) = (answer.body + [1], "")
            case "endless": answer.isEndless = true
            case "length": answer.body.removeLast()
            case "encoding":
                // Nobody asked for it, and it is no blob of this digest.
                answer.headers["Content-Encoding"] = "gzip"
                answer.body = [0x1F, 0x8B] + answer.body.dropFirst(2)
            case "range":
                if answer.status == 206 {
                    answer.headers["Content-Range"] = "bytes 0-9/300000"
                } else {
                    answer.cut = 10
                }
            default: (answer.status, answer.headers["Content-Range"]) = (206, "bytes 0-299999/300000")
            }
            return answer
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == .invalid, "\(error)")
        let blob = "registry http://\(registry.server.host), blob \(sum(registry.layers[1])) of team/app: "
        #expect(error.message.hasPrefix(blob), "\(error)")
        #expect(!Files.exists(registry.folder.path + "/index.json"), "it is no layout")
    }

    @Test(arguments: ["header", "type", "schema 1", "big", "endless", "both", "no JSON", "encoding", "artifact"])
    func aWrongManifestIsRefused(_ kind: String) throws {
        let registry = try RegistryFixture { request, _, answer in
            guard request.path.contains("manifests") else { return answer }
            var answer = answer
            switch kind {
            case "header": answer.headers["Docker-Content-Digest"] = sum([1])
            case "type": answer.headers["Content-Type"] = ImageMediaType.index
            case "schema 1":
                answer.headers["Content-Type"] = "application/vnd.docker.distribution.manifest.v1+prettyjws"
            case "big": answer.body = [UInt8](repeating: 0x20, count: 5 << 20)
            case "both": answer.body = Array(#"{"schemaVersion": 2, "manifests": [], "layers": []}"#.utf8)
            case "endless": answer.isEndless = true
            case "encoding":
                answer.headers["Content-Encoding"] = "gzip"
                answer.body = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            case "no JSON": answer.body = Array("<html>".utf8)
            default: answer.body = Array(#"{"schemaVersion": 2, "mediaType": "application/x"}"#.utf8)
            }
            return answer
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == .invalid, "\(error)")
        #expect(error.message.hasPrefix("registry http://\(registry.server.host), team/app 1: "), "\(error)")
    }

    @Test func whatIsNotThereIsNotFound() throws {
        let registry = try RegistryFixture()
        let error = try #require(throws: RegistryError.self) { try registry.fetch(tag: "none") }
        #expect(error.kind == .notFound && error.message.contains("MANIFEST_UNKNOWN: no"))
    }

    @Test func nobodyAtHomeIsUnavailable() throws {
        let registry = try RegistryFixture()
        let error = try #require(throws: RegistryError.self) { try registry.fetch(registry: "127.0.0.1:1") }
        #expect(error.kind == .unavailable, "\(error)")
    }

    @Test(arguments: [429, 503]) func aBusyRegistryIsAskedAgain(_ status: Int) throws {
        let registry = try RegistryFixture { _, before, answer in
            before == 0 ? Answer(status, ["Retry-After": "0"]) : answer
        }
        _ = try registry.fetch()
    }

    @Test func aRegistryThatWantsToBeLeftAloneForLongIs() throws {
        let registry = try RegistryFixture { _, _, _ in Answer(429, ["Retry-After": "3600"]) }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == .unavailable && error.message.contains("asked again in 3600 s"))
        #expect(registry.targets.count == 1)
    }

    @Test func mirrorsAreAskedFirstAndTheRegistryWhenTheyFail() throws {
        let mirror = try RegistryFixture { request, _, answer in
            request.path.hasSuffix("manifests/1") ? answer : Answer(500)
        }
        let registry = try RegistryFixture()
        var file = RegistriesFile()
        let dead = RegistriesFile.Endpoint(base: try RegistryURL(endpoint: "http://127.0.0.1:1"))
        let alive = RegistriesFile.Endpoint(base: try RegistryURL(endpoint: "http://\(mirror.server.host)"))
        file.mirrors["*"] = .init(endpoints: [dead, alive])
        _ = try registry.fetch(file: file)
        #expect(mirror.targets[0] == "/v2/team/app/manifests/1?ns=\(registry.server.host)")
        #expect(!registry.targets.contains { $0.contains("manifests") } && !registry.targets.isEmpty)
        #expect(try registry.blob(sum(registry.layers[0])) == registry.layers[0])
    }

    @Test func withoutSpaceNothingIsFetched() throws {
        let registry = try RegistryFixture()
        let error = try #require(throws: RegistryError.self) { try registry.fetch { $0.layerBytes = 1000 } }
        #expect(error.kind == .invalid && !registry.targets.contains { $0.hasSuffix(sum(registry.layers[0])) })
    }
}
