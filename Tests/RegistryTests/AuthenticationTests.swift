import Base
import JSON
import Synchronization
import TestSupport
import Testing

@testable import Registry

@Suite struct AuthenticationTests {
    typealias Answer = AnsweringServer.Answer
    typealias Request = AnsweringServer.Request

    private static func document(_ host: String, _ user: String, _ password: String = "p") -> String {
        #"{"auths": {"\#(host)": {"username": "\#(user)", "password": "\#(password)"}}}"#
    }

    @Test func allMatchingCredentialsAreTried() throws {
        let right = "Basic " + LooseBase64.encode("right:p")
        let registry = try RegistryFixture { request, _, answer in
            request.headers["authorization"] == right
                ? answer : Answer(401, ["WWW-Authenticate": "Basic realm=\"x\""])
        }
        let host = registry.server.host
        _ = try registry.fetch(credentials: ["wrong", "right"].map { Self.document(host, $0) })
        let error = try #require(throws: RegistryError.self) {
            try registry.fetch(credentials: [Self.document(host, "wrong")])
        }
        #expect(error.kind == .unauthorized && error.message.contains("access is refused (401)"))
        let without = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(without.message.contains("it wants credentials"))
    }

    /// A registry whose token server gives each token to who is right, for so many requests.
    private func bearer(
        uses: Int = .max, realm: String? = nil, token: @escaping @Sendable (Request) -> Answer
    ) throws -> RegistryFixture {
        struct State {
            var host = ""
            var token = 0
            var used = 0
        }
        let state = Mutex(State())
        let registry = try RegistryFixture { request, _, answer in
            if request.path == "/token" {
                let given = token(request)
                guard given.status == 200, given.body.isEmpty else { return given }
                let number = state.withLock { state -> Int in
                    state.token += 1
                    state.used = 0
                    return state.token
                }
                return Answer(200, body: Array(#"{"access_token": "t\#(number)", "expires_in": 60}"#.utf8))
            }
            return state.withLock { state in
                state.used += 1
                if request.headers["authorization"] == "Bearer t\(state.token)", state.used <= uses { return answer }
                let realm = realm ?? "http://\(request.headers["host"] ?? "")/token"
                let value = "Bearer realm=\"\(realm)\",service=\"s v\",scope=\"repository:team/app:pull\""
                return Answer(401, ["WWW-Authenticate": value])
            }
        }
        return registry
    }

    @Test func aTokenIsAskedForOnceAndUsedForAll() throws {
        let registry = try bearer { _ in Answer(200) }
        _ = try registry.fetch()
        let tokens = registry.targets.filter { $0.hasPrefix("/token") }
        #expect(tokens == ["/token?service=s%20v&scope=repository%3Ateam%2Fapp%3Apull"])
    }

    @Test func aTokenThatRanOutIsAskedForAgain() throws {
        let registry = try bearer(uses: 2) { request in
            request.headers["authorization"] == "Basic " + LooseBase64.encode("u:p") ? Answer(200) : Answer(401)
        }
        _ = try registry.fetch(credentials: [Self.document(registry.server.host, "u")]) { $0.parallel = 1 }
        #expect(registry.targets.filter { $0.hasPrefix("/token") }.count == 2)
    }

    @Test func aTokenServerThatRefusesOneCredentialIsAskedWithTheNext() throws {
        let registry = try bearer { request in
            request.headers["authorization"] == "Basic " + LooseBase64.encode("right:p") ? Answer(200) : Answer(401)
        }
        let host = registry.server.host
        _ = try registry.fetch(credentials: ["wrong", "right"].map { Self.document(host, $0) })
    }

    @Test func anIdentityTokenIsPosted() throws {
        let registry = try bearer { request in
            request.method == "POST" && request.headers["authorization"] == nil
                && request.body.contains("grant_type=refresh_token") && request.body.contains("refresh_token=i%2B")
                ? Answer(200) : Answer(401)
        }
        let text = #"{"auths": {"\#(registry.server.host)": {"identitytoken": "i+"}}}"#
        _ = try registry.fetch(credentials: [text])
    }

    @Test func aTokenServerInTheOpenElsewhereIsNotAsked() throws {
        let registry = try bearer(realm: "http://token.example.com/") { _ in Answer(200) }
        let error = try #require(throws: RegistryError.self) {
            try registry.fetch(credentials: [Self.document(registry.server.host, "u")])
        }
        #expect(error.kind == .invalid && error.message.contains("without encryption"), "\(error)")
    }

    @Test(arguments: ["big", "no JSON", "none", "line", "busy"]) func aWrongTokenIsRefused(_ kind: String) throws {
        let registry = try bearer { _ in
            switch kind {
            case "big": Answer(200, body: [UInt8](repeating: 0x20, count: 2 << 20))
            case "no JSON": Answer(200, body: Array("<".utf8))
            case "none": Answer(200, body: Array("{}".utf8))
            case "line": Answer(200, body: Array(#"{"token": "a\r\nX: y"}"#.utf8))
            default: Answer(503)
            }
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == (kind == "busy" ? .unavailable : .invalid), "\(error)")
    }

    @Test func aRedirectionToAnotherHostGetsNoCredentials() throws {
        let storage = try RegistryFixture()
        let host = storage.server.host
        let registry = try RegistryFixture { request, _, answer in
            guard request.headers["authorization"] != nil else {
                return Answer(401, ["WWW-Authenticate": "Basic realm=\"x\""])
            }
            return request.path.contains("blobs")
                ? Answer(307, ["Location": "http://\(host)\(request.path)"]) : answer
        }
        _ = try registry.fetch(credentials: [Self.document(registry.server.host, "u")])
        #expect(!storage.targets.isEmpty)
        #expect(storage.server.requests.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test func aRedirectionOnTheSameHostKeepsThem() throws {
        let registry = try RegistryFixture { request, before, answer in
            guard request.headers["authorization"] != nil else {
                return Answer(401, ["WWW-Authenticate": "Basic realm=\"x\""])
            }
            let isFirst = request.path.contains("blobs") && !request.target.contains("?")
            return isFirst ? Answer(302, ["Location": "\(request.path)?moved"]) : answer
        }
        _ = try registry.fetch(credentials: [Self.document(registry.server.host, "u")])
    }

    @Test(arguments: ["loop", "nowhere", "file", "garbage"]) func aBadRedirectionIsRefused(_ kind: String) throws {
        let registry = try RegistryFixture { request, _, answer in
            switch kind {
            case "loop": Answer(307, ["Location": request.target])
            case "nowhere": Answer(307)
            case "file": Answer(307, ["Location": "file:///etc/passwd"])
            default: Answer(307, ["Location": "http://u:p@127.0.0.1/"])
            }
        }
        let error = try #require(throws: RegistryError.self) { try registry.fetch() }
        #expect(error.kind == .invalid && error.message.contains("redirects"), "\(error)")
        #expect(registry.targets.count <= 6)
    }
}
