import Base
import CLinux
import TestSupport
import Testing

@testable import Registry

@Suite struct CredentialTests {
    private func users(_ keys: [String], _ registry: String, _ repository: String) throws -> [String] {
        let entries = keys.map { "\"\($0)\": {\"username\": \"\($0)\", \"password\": \"p\"}" }
        let document = try CredentialDocument(Array("{\"auths\": {\(entries.joined(separator: ","))}}".utf8))
        return document.matching(registry: registry, repository: repository).map(\.username)
    }

    @Test(arguments: [
        "https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io", "https://docker.io/v2/",
    ])
    func dockersRegistryHasManyNames(_ key: String) throws {
        #expect(try users([key], "docker.io", "library/a") == [key])
    }

    @Test func theLongestMatchIsTriedFirstAndThenTheOthers() throws {
        let keys = ["r.io", "*.io", "r.io/team", "r.io/team/app", "r.io/other", "r.io:443", "r.io/tea", "x.r.io"]
        #expect(try users(keys, "r.io", "team/app") == ["r.io/team/app", "r.io/team", "r.io", "*.io"])
    }

    @Test func aStarStandsForOneLabelAndPortsMustBeTheSame() throws {
        #expect(try users(["*.example.com:5000"], "a.example.com:5000", "x").count == 1)
        #expect(try users(["*.example.com"], "a.example.com:5000", "x").isEmpty)
        #expect(try users(["*.example.com"], "a.b.example.com", "x").isEmpty)
        #expect(try users(["*.*.example.com"], "a.b.example.com", "x").count == 1)
        #expect(try users(["r*y.io"], "registry.io", "x").count == 1)
        #expect(try users(["*"], "registry.io", "x").isEmpty)
    }

    @Test func allKindsOfSecretsAreRead() throws {
        let text = #"""
            {"auths": {"a.io": {"auth": "dTpwOnE="}, "b.io": {"identitytoken": "i"}, "c.io": {"registrytoken": "r"},
            "d.io": {}, "e.io": null, "": {"username": "u"}}, "credHelpers": {"f.io": "h"}, "credsStore": "s", "x": 1}
            """#
        let document = try CredentialDocument(Array(text.utf8))
        #expect(document.matching(registry: "a.io", repository: "x") == [Credential(username: "u", password: "p:q")])
        #expect(document.matching(registry: "b.io", repository: "x").first?.identityToken == "i")
        #expect(document.matching(registry: "c.io", repository: "x").first?.registryToken == "r")
        #expect(document.entries.count == 3)
        #expect(document.helper(registry: "f.io")?.program == "h")
        #expect(document.helper(registry: "docker.io")?.server == "https://index.docker.io/v1/")
        #expect(document.helper(registry: "g.io")?.program == "s")
    }

    @Test(arguments: ["", "[]", "{\"auths\": []}", "{\"auths\": {\"a.io\": {\"auth\": \"x\"}}}"])
    func aBrokenDocumentIsRefusedWithoutItsSecrets(_ text: String) throws {
        let error = try #require(throws: RegistryError.self) {
            try CredentialSources(given: [Array(text.utf8)], nodePaths: [])
        }
        #expect(error.kind == .configuration && error.message.hasPrefix("credential document 1 of 1"))
    }

    @Test func aCredentialIsNotShown() {
        #expect(!"\(Credential(username: "u", password: "secret"))".contains("secret"))
    }

    @Test func givenDocumentsComeBeforeTheFirstNodeFileAndThatBeforeTheConfiguration() throws {
        let folder = try TemporaryDirectory()
        func document(_ user: String) -> String { #"{"auths": {"r.io": {"username": "\#(user)", "password": "p"}}}"# }
        let paths = [
            folder.path + "/none", try folder.write("1", document("node")), try folder.write("2", document("late")),
        ]
        let sources = try CredentialSources(
            given: [Array(document("a").utf8), Array(document("b").utf8), Array(document("a").utf8)], nodePaths: paths)
        var file = RegistriesFile()
        file.hosts["r.io"] = .init(credential: Credential(username: "file", password: "p"))
        let place = try file.places(registry: "r.io", repository: "x")[0]
        #expect(try sources.candidates(place).map { $0?.username } == ["a", "b", "node", "file"])
        let other = try file.places(registry: "s.io", repository: "x")[0]
        #expect(try sources.candidates(other) == [nil], "without a credential, anonymously")
    }

    @Test func aGivenDocumentStartsNoProgramOfTheNode() throws {
        let text =
            #"{"credsStore": "s", "credHelpers": {"r.io": "h"}, "auths": {"r.io": {"username": "u", "password": "p"}}}"#
        let sources = try CredentialSources(given: [Array(text.utf8)], nodePaths: [])
        let place = try RegistriesFile().places(registry: "r.io", repository: "x")[0]
        #expect(try sources.candidates(place).map { $0?.username } == ["u"])
    }

    @Test func aHelperIsAskedAndItsFailureIsNamed() throws {
        let folder = try TemporaryDirectory()
        func helper(_ script: String) throws -> Credential? {
            let path = try folder.write("docker-credential-t", "#!/bin/sh\n" + script)
            _ = chmod(path, 0o755)
            return try CredentialHelper.get("t", server: "r.io", seconds: 10, folders: [folder.path])
        }
        let echo = #"read s; echo "{\"ServerURL\":\"$s\",\"Username\":\"$1-$s\",\"Secret\":\"p\"}""#
        #expect(try helper(echo) == Credential(username: "get-r.io", password: "p"))
        #expect(try helper(#"echo '{"Username":"<token>","Secret":"t"}'"#)?.identityToken == "t")
        #expect(try helper("echo credentials not found in native keychain; exit 1") == nil)
        for script in ["echo broken; exit 1", "echo '{'", "exit 3", "cat /dev/zero"] {
            let error = try #require(throws: RegistryError.self) { try helper(script) }
            #expect(error.kind == .configuration, "\(error)")
        }
        for name in ["", "../t", "missing"] {
            #expect(throws: RegistryError.self) {
                try CredentialHelper.get(name, server: "r.io", folders: [folder.path])
            }
        }
    }
}
