import JSON
import Testing
import YAML

@testable import CLI

@Suite struct RedactionTests {
    @Test(arguments: [
        ("password=hunter2 user=me", "password=(redacted) user=me"),
        ("DB_PASSWORD: \"hunter2\", x", "DB_PASSWORD: \"(redacted)\", x"),
        (#"{"apiKey":"hu\"nter2","n":1}"#, #"{"apiKey":"(redacted)","n":1}"#),
        ("--token=hunter2 --port=80", "--token=(redacted) --port=80"),
        ("Authorization: Basic aHVudGVyMg==\nnext", "Authorization: (redacted)\nnext"),
        ("curl -H 'Authorization: Bearer hunter2hunter2' x", "curl -H 'Authorization: (redacted)' x"),
        ("sent Bearer hunter2hunter2 to", "sent Bearer (redacted) to"),
        ("postgres://me:hunter2@db:5432/x", "postgres://(redacted)@db:5432/x"),
        ("got eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK end", "got (redacted) end"),
        ("a=1&access_key=hunter2&b=2", "a=1&access_key=(redacted)&b=2"),
        (
            "x -----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY----- y",
            "x (redacted) y"
        ),
        ("-----BEGIN PRIVATE KEY-----\nhunter2", "(redacted)"),
        ("set-cookie: hunter2; Path=/", "set-cookie: (redacted); Path=/"),
        ("secret='hunter2", "secret='(redacted)"),
        ("X-Api-Key: [hunter2, 'hunter2']", "X-Api-Key: [(redacted)]"),
        ("{\"token\":[\"hunter2\"],\"n\":1}", "{\"token\":[(redacted)],\"n\":1}"),
    ])
    func aSecretIsTakenOut(_ text: String, _ wanted: String) {
        #expect(Redaction.text(text) == wanted)
    }

    @Test(arguments: [
        "the password was wrong", "tokenFile: /etc/token", "secretName: db", "imagePullSecrets: []",
        "https://example.com/a@b", "a token: ", "std::token::next", "bearer of news", "-----BEGIN CERTIFICATE-----",
        "ünïcode tökens", "",
    ])
    func whatIsNoneStays(_ text: String) {
        #expect(Redaction.text(text) == text)
    }

    @Test func headersOfTheConfigurationAreTakenOutWhateverTheirNames() throws {
        let document = try YAML.documents(
            Array("staticPodURLHeader: {X-Site: [hunter2]}\napiToken: [hunter2]\npodCIDR: 10.0.0.0/8\n".utf8))[0]
        let result = Redaction.value(document)
        #expect(result["staticPodURLHeader"]?["X-Site"]?.arrayValue == ["(redacted)"])
        #expect(result["apiToken"]?.arrayValue == ["(redacted)"] && result["podCIDR"] == "10.0.0.0/8")
    }

    @Test func anyBytesAreWalkedToTheEnd() {
        var generator = SystemRandomNumberGenerator()
        let pieces = [
            "password", "=", ":", "\"", "'", "\\", "://", "@", "Bearer ", "-----BEGIN ", "PRIVATE KEY", "-----END ",
            "-",
            "eyJ", ".", "\n", " ", "x",
        ].map { Array($0.utf8) }
        for _ in 0..<5000 {
            var text: [UInt8] = []
            for _ in 0..<12 { text += pieces.randomElement(using: &generator) ?? [] }
            // Nothing is added or moved: what is left is the text, with pieces gone.
            let left = String(decoding: Redaction.bytes(text), as: UTF8.self).replacing(Redaction.mark, with: "")
            var rest = text[...]
            for byte in left.utf8 {
                guard let place = rest.firstIndex(of: byte) else {
                    Issue.record("\(String(decoding: text, as: UTF8.self)) became \(left)")
                    return
                }
                rest = rest[(place + 1)...]
            }
        }
    }

    @Test func aPodKeepsWhatItIsWithoutWhatItKnows() throws {
        let pod = try YAML.documents(
            Array(
                """
                metadata: {name: web, annotations: {kubectl.kubernetes.io/last-applied-configuration: hunter2, a: b}}
                spec:
                  containers:
                  - name: main
                    args: [--password, hunter2, --verbose, --api-key=hunter2, "url=http://u:hunter2@h/"]
                    env:
                    - {name: ORDINARY, value: hunter2}
                    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                    livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: X, value: hunter2}]}}
                  volumes: [{name: v, secret: {secretName: db}}]
                """.utf8))[0]
        let result = Redaction.value(pod)
        #expect(!JSONWriter().text(result).contains("hunter2"))
        let container = result["spec"]?["containers"]?.arrayValue?.first
        #expect(container?["args"]?.arrayValue?[2] == "--verbose")
        #expect(container?["env"]?.arrayValue?[0]["name"] == "ORDINARY")
        #expect(container?["env"]?.arrayValue?[1] == pod["spec"]?["containers"]?.arrayValue?[0]["env"]?.arrayValue?[1])
        #expect(result["spec"]?["volumes"] == pod["spec"]?["volumes"])
        #expect(result["metadata"]?["annotations"]?["a"] == "b")
    }
}
