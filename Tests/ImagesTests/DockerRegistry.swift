import Base
import CLinux
import TestSupport

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
    }

    let folder: TemporaryDirectory
    let port: UInt16
    private let process: ChildProcess
    private let access: Access

    init(_ access: Access) throws {
        self.access = access
        folder = try TemporaryDirectory()
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
        if access == .password { options += ["--dest-creds", "me:secret"] }
        try Self.run("/usr/bin/skopeo", options + ["oci-archive:\(file)", "docker://\(host)/\(name)"])
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
