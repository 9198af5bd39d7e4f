import Base
import CLinux
import TestSupport

@testable import Registry

/// Debian's docker-registry on a free port of this machine, while this lives.
final class DockerRegistry {
    static let tools = RegistryProcess.tools + ["/usr/bin/htpasswd", "/usr/bin/openssl", "/usr/bin/tar"]

    enum Access {
        case open
        /// For the user `me` with the password `secret`.
        case password
        /// With the certificate `tls.crt` in the folder.
        case tls
        /// With tokens, from a server that gives them to the same user.
        case token
    }

    let folder: TemporaryDirectory
    private let registry: RegistryProcess
    private let access: Access
    private let tokens: AnsweringServer?

    init(_ access: Access) throws {
        self.access = access
        let folder = try TemporaryDirectory()
        self.folder = folder
        tokens = access == .token ? try Self.tokenServer(folder.path) : nil
        var (http, settings) = ("", "")
        switch access {
        case .open: break
        case .password:
            let users = folder.path + "/users"
            try Self.run("/usr/bin/htpasswd", ["-Bbn", "me", "secret"], output: users)
            settings = "auth: {htpasswd: {realm: test, path: \(users)}}"
        case .token:
            settings =
                "auth: {token: {realm: 'http://\(tokens?.host ?? "")/token', service: test, issuer: tests, "
                + "rootcertbundle: \(folder.path)/token.crt}}"
        case .tls:
            let (key, certificate) = (folder.path + "/tls.key", folder.path + "/tls.crt")
            try Self.run(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
                ])
            http = ", tls: {certificate: \(certificate), key: \(key)}"
        }
        registry = try RegistryProcess(folder: folder, http: http, settings: settings)
    }

    var host: String { registry.host }

    /// Puts an image of an archive into the registry.
    func push(_ archive: [UInt8], _ name: String) throws {
        let credentials = access == .password || access == .token ? ["--dest-creds", "me:secret"] : []
        try registry.push(try folder.write("push.tar", archive), as: name, options: credentials)
    }

    /// Gives one token, for pulling and pushing `app`, signed as docker-registry wants it.
    private static func tokenServer(_ folder: String) throws -> AnsweringServer {
        let (key, certificate) = (folder + "/token.key", folder + "/token.crt")
        try run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests", "-keyout", key,
                "-out", certificate,
            ])
        let chain = try Files.readText(certificate).split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        let now = Timestamp.now.nanoseconds / 1_000_000_000
        let claims =
            #"{"iss":"tests","sub":"me","aud":"test","jti":"1","iat":\#(now),"nbf":\#(now - 60),"exp":\#(now + 3600),"#
            + #""access":[{"type":"repository","name":"app","actions":["pull","push"]}]}"#
        func web(_ base64: String) -> String {
            String(base64.map { $0 == "+" ? "-" : $0 == "/" ? "_" : $0 }.filter { $0 != "=" })
        }
        let header = #"{"typ":"JWT","alg":"RS256","x5c":["\#(chain)"]}"#
        let signed = web(LooseBase64.encode(header)) + "." + web(LooseBase64.encode(claims))
        try Files.replace(folder + "/signed", with: Array(signed.utf8), durable: false)
        try run(
            "/usr/bin/openssl", ["dgst", "-sha256", "-sign", key, "-out", folder + "/signature", folder + "/signed"])
        try run(
            "/usr/bin/openssl", ["base64", "-A", "-in", folder + "/signature", "-out", folder + "/signature.text"])
        let token = signed + "." + web(try Files.readText(folder + "/signature.text"))
        let right = "Basic " + LooseBase64.encode("me:secret")
        return try AnsweringServer { request in
            request.headers["authorization"] == right
                ? .init(200, ["Content-Type": "application/json"], body: Array(#"{"token":"\#(token)"}"#.utf8))
                : .init(401)
        }
    }

    private static func run(_ path: String, _ arguments: [String], output: String? = nil) throws {
        guard try runProgram(path, arguments, output: output) == 0 else { throw SystemError("run", path, .invalid) }
    }
}
