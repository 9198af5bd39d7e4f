import Base
import CLinux
import TestSupport

@testable import Registry

/// Debian's docker-registry on a free port of this machine, while this lives.
final class DockerRegistry {
    static let tools = [
        "/usr/bin/docker-registry", "/usr/bin/skopeo", "/usr/bin/htpasswd", "/usr/bin/openssl", "/usr/bin/tar",
    ]

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
    let port: UInt16
    private let process: ChildProcess
    private let access: Access
    private let tokens: AnsweringServer?

    init(_ access: Access) throws {
        self.access = access
        let folder = try TemporaryDirectory()
        self.folder = folder
        tokens = access == .token ? try Self.tokenServer(folder.path) : nil
        port = try Self.freePort()
        var text = """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(folder.path)/data}}

            """
        switch access {
        case .open: text += "http: {addr: '127.0.0.1:\(port)'}\n"
        case .password:
            let users = folder.path + "/users"
            try Self.run("/usr/bin/htpasswd", ["-Bbn", "me", "secret"], output: users)
            text += "http: {addr: '127.0.0.1:\(port)'}\nauth: {htpasswd: {realm: test, path: \(users)}}\n"
        case .token:
            text += "http: {addr: '127.0.0.1:\(port)'}\n"
            text += "auth: {token: {realm: 'http://\(tokens?.host ?? "")/token', service: test, issuer: tests, "
            text += "rootcertbundle: \(folder.path)/token.crt}}\n"
        case .tls:
            let (key, certificate) = (folder.path + "/tls.key", folder.path + "/tls.crt")
            try Self.run(
                "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate,
                ])
            text +=
                "http: {addr: '127.0.0.1:\(port)', tls: {certificate: \(certificate), key: \(key)}}\n"
        }
        let file = try folder.write("config.yml", text)
        var spawn = Spawn("/usr/bin/docker-registry", ["serve", file], environment: ["PATH=/usr/bin:/bin"])
        let log = try FileDescriptor.open(folder.path + "/log", O_WRONLY | O_CREAT, mode: 0o600)
        spawn.standardError = SharedDescriptor(log)
        process = try spawn.start()
        try waitUntilItListens()
    }

    deinit {
        _ = try? process.send(SIGKILL)
        _ = try? process.wait(block: true)
    }

    var host: String { "127.0.0.1:\(port)" }

    /// Puts an image of an archive into the registry.
    func push(_ archive: [UInt8], _ name: String) throws {
        let file = try folder.write("push.tar", archive)
        var options = ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]
        if access == .password || access == .token { options += ["--dest-creds", "me:secret"] }
        try Self.run("/usr/bin/skopeo", options + ["oci-archive:\(file)", "docker://\(host)/\(name)"])
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
        let signed = web(Base64.encode(header)) + "." + web(Base64.encode(claims))
        try Files.replace(folder + "/signed", with: Array(signed.utf8), durable: false)
        try run(
            "/usr/bin/openssl", ["dgst", "-sha256", "-sign", key, "-out", folder + "/signature", folder + "/signed"])
        try run(
            "/usr/bin/openssl", ["base64", "-A", "-in", folder + "/signature", "-out", folder + "/signature.text"])
        let token = signed + "." + web(try Files.readText(folder + "/signature.text"))
        let right = "Basic " + Base64.encode("me:secret")
        return try AnsweringServer { request in
            request.headers["authorization"] == right
                ? .init(200, ["Content-Type": "application/json"], body: Array(#"{"token":"\#(token)"}"#.utf8))
                : .init(401)
        }
    }

    private static func run(_ path: String, _ arguments: [String], output: String? = nil) throws {
        guard try runProgram(path, arguments, output: output) == 0 else { throw SystemError("run", path, .invalid) }
    }

    private func waitUntilItListens() throws {
        for _ in 0..<1000 {
            let peer = FileDescriptor(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
            if Self.onLoopback(port, { connect(peer.raw, __CONST_SOCKADDR_ARG(__sockaddr__: $0), $1) == 0 }) { return }
            guard !process.hasEnded else { break }
            // As long as it takes, and looked at often.
            usleep(10_000)
        }
        throw SystemError("start", "docker-registry: " + (try Files.readText(folder.path + "/log")), .invalid)
    }

    private static func freePort() throws -> UInt16 {
        let holder = FileDescriptor(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var port: UInt16 = 0
        let bound = onLoopback(0) { address, size in
            var size = size
            let raw = holder.raw
            guard bind(raw, __CONST_SOCKADDR_ARG(__sockaddr__: address), size) == 0,
                getsockname(raw, __SOCKADDR_ARG(__sockaddr__: address), &size) == 0
            else { return false }
            port = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                UInt16(bigEndian: $0.pointee.sin_port)
            }
            return true
        }
        guard bound else { throw SystemError("bind", "127.0.0.1") }
        return port
    }

    private static func onLoopback(
        _ port: UInt16, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Bool
    ) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        return withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
