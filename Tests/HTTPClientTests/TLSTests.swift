import Base
import CLinux
import TLS
import TestSupport
import Testing

@testable import HTTPClient

/// Certificates made by `openssl`, and its test server.
private final class Authority {
    let folder: TemporaryDirectory

    init() throws {
        folder = try TemporaryDirectory()
        for name in ["ca", "other"] {
            try openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).pem "
                    + "-days 2 -subj /CN=\(name)")
        }
        try issue("server", "DNS:localhost,DNS:pods.example,IP:127.0.0.1")
        try issue("elsewhere", "DNS:elsewhere.example")
        try issue("client", "DNS:client")
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    private func openssl(_ arguments: String) throws {
        var spawn = Spawn("/bin/sh", ["-c", "cd \(folder.path) && exec openssl \(arguments) 2>/dev/null"])
        spawn.environment = ["PATH=/usr/bin:/bin"]
        let exit = try spawn.start().wait(block: true)
        guard exit?.code == 0 else { throw SystemError("openssl", arguments, .invalid) }
    }

    private func issue(_ name: String, _ names: String) throws {
        try Files.replace(path("\(name).ext"), with: "subjectAltName=\(names)\n".utf8, durable: false)
        try openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).csr -subj /CN=x")
        try openssl(
            "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile \(name).ext "
                + "-out \(name).pem")
    }

    /// Runs `openssl s_server` on a port of its own choice while `body` runs.
    func serve(_ certificate: String, _ more: String = "", _ body: (_ port: UInt16) throws -> Void) throws {
        let log = path("server.log")
        var spawn = Spawn(
            "/bin/sh",
            [
                "-c",
                "cd \(folder.path) && exec openssl s_server -accept 127.0.0.1:0 -www "
                    + "-cert \(certificate).pem -key \(certificate).key \(more)",
            ])
        spawn.environment = ["PATH=/usr/bin:/bin"]
        spawn.standardOutput = SharedDescriptor(
            try FileDescriptor.open(log, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        let child = try spawn.start()
        defer {
            _ = try? child.send(SIGKILL)
            _ = try? child.wait(block: true)
        }
        var port: UInt16?
        let deadline = BootInstant.now + .seconds(30)
        while port == nil, BootInstant.now < deadline {
            // ACCEPT 127.0.0.1:40123
            port = try Files.readText(log).split(separator: "\n").first { $0.hasPrefix("ACCEPT") }
                .flatMap { $0.split(separator: ":").last }.flatMap { UInt16($0) }
            usleep(5000)
        }
        try body(try #require(port))
    }
}

@Suite(.enabled(if: Files.exists("/usr/bin/openssl"), "the openssl program is not there"))
struct TLSTests {
    private let authority: Authority
    private let loop: EventLoop

    init() throws {
        authority = try Authority()
        loop = try EventLoop()
    }

    private func harness(_ url: String, _ files: TLSFiles) throws -> ClientHarness {
        var options = ClientOptions()
        options.tls = files
        options.timeout = .seconds(20)
        return try ClientHarness(loop, url, options)
    }

    private var trusted: TLSFiles { TLSFiles(authorities: authority.path("ca.pem")) }

    @Test func aServerOfTheNamedAuthorityIsTrustedByNameAndByAddress() throws {
        try authority.serve("server") { (port) throws in
            for host in ["localhost", "127.0.0.1"] {
                let text = try harness("https://\(host):\(port)/", trusted).text()
                #expect(text.contains("TLSv1.3"), "\(text)")
            }
        }
    }

    @Test func aServerOfAnotherAuthorityIsNot() throws {
        try authority.serve("server") { (port) throws in
            for files in [TLSFiles(authorities: authority.path("other.pem")), TLSFiles()] {
                let error = try #require(try harness("https://localhost:\(port)/", files).failure())
                #expect(error.kind == .trust)
                #expect(error.message.contains("certificate is not accepted"), "\(error)")
            }
        }
    }

    @Test func aProbeSpeaksWithWhoeverAnswers() throws {
        let prober = Prober(loop: loop)
        try authority.serve("elsewhere") { (port) throws in
            for host in ["localhost", "127.0.0.1"] {
                guard case .success(let body) = try prober.get("https://\(host):\(port)/") else {
                    Issue.record("\(host) is not spoken with")
                    continue
                }
                #expect(body.contains("TLSv1.3"))
            }
            guard case .failure = try prober.get("http://127.0.0.1:\(port)/") else {
                Issue.record("a server of TLS answers without")
                return
            }
        }
    }

    @Test func aCertificateOfAnotherNameIsNotAccepted() throws {
        try authority.serve("elsewhere") { (port) throws in
            for host in ["localhost", "127.0.0.1"] {
                let error = try #require(try harness("https://\(host):\(port)/", trusted).failure())
                #expect(error.kind == .trust && error.message.contains("mismatch"), "\(error)")
            }
        }
    }

    @Test func aServerThatAsksForACertificateGetsTheClients() throws {
        try authority.serve("server", "-Verify 2 -CAfile ca.pem -verify_return_error") { (port) throws in
            var files = trusted
            files.certificate = authority.path("client.pem")
            files.key = authority.path("client.key")
            #expect(try harness("https://localhost:\(port)/", files).text().contains("TLSv1.3"))
            #expect(try harness("https://localhost:\(port)/", trusted).failure() != nil, "without one it is refused")
        }
    }

    @Test func oldVersionsOfTheProtocolAreNotSpoken() throws {
        try authority.serve("server", "-tls1_1 -cipher DEFAULT@SECLEVEL=0") { (port) throws in
            #expect(try harness("https://localhost:\(port)/", trusted).failure()?.kind == .trust)
        }
        try authority.serve("server", "-tls1_2") { (port) throws in
            #expect(try harness("https://localhost:\(port)/", trusted).text().contains("TLSv1.2"))
        }
    }

    @Test func filesThatCannotBeUsedAreNamed() throws {
        let cases: [(TLSFiles, String)] = [
            (TLSFiles(authorities: "/no/ca.pem"), "/no/ca.pem"),
            (TLSFiles(authorities: authority.path("ca.key")), "no certificate authorities"),
            (TLSFiles(certificate: authority.path("client.pem")), "no private key for"),
            (TLSFiles(certificate: authority.path("client.pem"), key: authority.path("server.key")), "mismatch"),
            (TLSFiles(key: authority.path("server.key")), "no certificate beside"),
        ]
        for (files, words) in cases {
            let error = try #require(try harness("https://localhost:1/", files).failure())
            #expect(error.kind == .files)
            #expect(error.message.contains(words), "\(error)")
        }
    }

    @Test func aServerThatSpeaksNoTLSIsAnError() throws {
        let server = try ScriptServer(loop)
        let harness = try harness("https://localhost:\(server.port)/", trusted)
        // It reads the handshake as a request and closes.
        server.script = []
        #expect(try harness.failure() != nil)
    }

    @Test func filesThatChangedAreReadAgain() throws {
        let file = authority.path("used.pem")
        func use(_ name: String) throws {
            try Files.replace(file, with: try Files.read(authority.path(name)), durable: false)
        }
        try use("other.pem")
        try authority.serve("server") { (port) throws in
            let harness = try harness("https://localhost:\(port)/", TLSFiles(authorities: file))
            #expect(try harness.failure()?.kind == .trust)
            try use("ca.pem")
            #expect(try harness.text().contains("TLSv1.3"))
        }
    }
}
