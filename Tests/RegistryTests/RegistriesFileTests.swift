import Testing

@testable import Registry

@Suite struct RegistriesFileTests {
    private func file(_ text: String) throws -> RegistriesFile {
        try RegistriesFile.decode(Array(text.utf8), path: "registries.yaml")
    }

    @Test(arguments: [
        ("docker.io", "https://registry-1.docker.io/v2/team/app/manifests/1"),
        ("registry.example.com:5000", "https://registry.example.com:5000/v2/team/app/manifests/1"),
        ("localhost:5000", "http://localhost:5000/v2/team/app/manifests/1"),
        ("127.0.0.1", "http://127.0.0.1/v2/team/app/manifests/1"),
        ("127.0.0.1.example.com", "https://127.0.0.1.example.com/v2/team/app/manifests/1"),
        ("[::1]:5000", "http://[::1]:5000/v2/team/app/manifests/1"),
    ])
    func aRegistryIsAskedOverTLSUnlessItIsThisMachine(_ registry: String, _ url: String) throws {
        let places = try RegistriesFile().places(registry: registry, repository: "team/app")
        #expect(places.map { $0.url("manifests", "1") } == [url])
    }

    @Test func mirrorsComeFirstInTheirOrderAndTheRegistryLast() throws {
        let file = try file(
            """
            mirrors:
              docker.io:
                endpoint: ["https://mirror.example.com/", "http://10.0.0.1:5000", "https://harbor.example.com/v2/proxy/"]
                rewrite:
                  "^library/(.*)-(.*)$": "mirrored/$2/${1}"
              "*":
                endpoint: [https://all.example.com]
            """)
        #expect(
            try file.places(registry: "docker.io", repository: "library/a-b").map { $0.url("blobs", "d") } == [
                "https://mirror.example.com/v2/mirrored/b/a/blobs/d?ns=docker.io",
                "http://10.0.0.1:5000/v2/mirrored/b/a/blobs/d?ns=docker.io",
                "https://harbor.example.com/v2/proxy/mirrored/b/a/blobs/d?ns=docker.io",
                "https://registry-1.docker.io/v2/library/a-b/blobs/d",
            ])
        #expect(
            try file.places(registry: "quay.io", repository: "a").map { $0.url("blobs", "d") } == [
                "https://all.example.com/v2/a/blobs/d?ns=quay.io", "https://quay.io/v2/a/blobs/d",
            ])
        // A mirror of a registry that is that registry is asked once.
        #expect(try file.places(registry: "all.example.com", repository: "a").count == 1)
    }

    @Test func aMistakeThatAliasesRepeatIsToldAHundredTimesAndNotForEver() {
        let wrong = (0..<30).map { "w\($0): 1" }.joined(separator: ", ")
        let others = (1..<50).map { "  h\($0): *m\n" }.joined()
        let error = #expect(throws: RegistryError.self) {
            try file("mirrors:\n  h0: &m {\(wrong)}\n" + others)
        }
        let lines = error?.message.split(separator: "\n") ?? []
        #expect(lines.count == 101 && lines.last?.hasSuffix("there is more wrong after this") == true, "\(lines.count)")
    }

    @Test func keysAndCertificatesBelongToTheirHost() throws {
        let file = try file(
            """
            configs:
              registry.example.com:5000:
                auth: {auth: dTpw}
                tls: {ca_file: /ca, cert_file: /cert, key_file: /key, insecure_skip_verify: true}
              docker.io: {auth: {username: me, password: secret}}
              localhost:5000: {tls: {ca_file: /ca}}
              127.0.0.1:5000: {auth: {identity_token: t}}
            """)
        let place = try file.places(registry: "registry.example.com:5000", repository: "a")[0]
        #expect(place.settings?.credential == Credential(username: "u", password: "p"))
        #expect(
            place.settings?.tls
                == .init(authorities: "/ca", certificate: "/cert", key: "/key", isUnverified: true))
        #expect(try file.places(registry: "registry.example.com", repository: "a")[0].settings == nil)
        #expect(try file.places(registry: "docker.io", repository: "a")[0].settings?.credential?.username == "me")
        // Who says how this machine's registry is encrypted has it encrypted.
        #expect(
            try file.places(registry: "localhost:5000", repository: "a")[0].base.text == "https://localhost:5000/v2")
        #expect(try file.places(registry: "127.0.0.1:5000", repository: "a")[0].base.text == "http://127.0.0.1:5000/v2")
    }

    @Test func anEmptyOrMissingFileSaysNothing() throws {
        #expect(try RegistriesFile.read("/no/such/file") == RegistriesFile())
        #expect(try file("# nothing\n") == RegistriesFile())
        #expect(try file("mirrors:\nconfigs:\n") == RegistriesFile())
    }

    @Test(arguments: [
        ("mirror: {}", "registries.yaml:1:1: mirror: unknown field"),
        ("mirrors:\n  a.io:\n    endpoints: []", "registries.yaml:3:5: endpoints: unknown field"),
        ("mirrors:\n  a.io:\n    endpoint: https://b.io", "registries.yaml:3:15: endpoint: expected a list"),
        ("mirrors:\n  a.io:\n    endpoint: [ftp://b.io]", "registries.yaml:3:16: endpoint: expected a URL"),
        ("mirrors:\n  a.io:\n    endpoint: ['https://u:p@b.io']", "registries.yaml:3:16: endpoint: no user"),
        ("mirrors:\n  https://a.io: {}", "registries.yaml:2:3: \"https://a.io\": expected a registry's host"),
        ("mirrors:\n  a.io:\n    rewrite: {'(a': b}", "registries.yaml:3:15: no regular expression"),
        ("mirrors:\n  a.io:\n    rewrite: {'\\d': b}", "registries.yaml:3:15: POSIX extended"),
        ("configs:\n  '*': {}", "registries.yaml:2:3: \"*\": expected"),
        ("configs:\n  a.io: {auth: {user: u}}", "registries.yaml:2:17: user: unknown field"),
        ("configs:\n  a.io: {auth: {auth: '%'}}", "registries.yaml:2:23: auth: expected USER:PASSWORD"),
        ("configs:\n  a.io: {tls: {ca_file: ca.pem}}", "registries.yaml:2:25: ca_file: expected an absolute path"),
        ("configs:\n  a.io: {tls: {cert_file: /c}}", "registries.yaml:2:15: tls: cert_file and key_file belong"),
        ("configs:\n  a.io: {tls: {insecure_skip_verify: 'yes'}}", "registries.yaml:2:38: insecure_skip_verify"),
        ("configs: []", "registries.yaml:1:10: configs: expected a mapping"),
        ("a: [", "registries.yaml:"), ("---\nmirrors: {}\n---\nmirrors: {}", "registries.yaml:4:1: a second document"),
    ])
    func whatIsWrongIsNamedWithItsPlace(_ text: String, _ message: String) throws {
        let error = try #require(throws: RegistryError.self) { try file(text) }
        #expect(error.kind == .configuration)
        #expect(error.message.hasPrefix(message), "\(error)")
    }

    @Test func allThatIsWrongIsNamed() throws {
        let error = try #require(throws: RegistryError.self) { try file("a: 1\nb: 2\n") }
        #expect(error.message.split(separator: "\n").count == 2)
    }

    @Test(arguments: [
        ("^(.*)$", "x/$1", "a/b", "x/a/b"), ("a+", "$$0", "caat", "c$0t"), ("(a)|(b)", "[$2]", "xa", "x[]"),
        ("b", "$", "abc", "a$c"), ("(a)", "${1}1", "a", "a1"),
    ])
    func aRewriteReplacesWhatItMatches(_ pattern: String, _ text: String, _ from: String, _ to: String) throws {
        #expect(try #require(Rewrite.make(pattern, text).rewrite).apply(to: from) == to)
    }

    @Test func aRewriteThatDoesNotMatchIsNotApplied() throws {
        #expect(try #require(Rewrite.make("^x$", "y").rewrite).apply(to: "xx") == nil)
    }
}
