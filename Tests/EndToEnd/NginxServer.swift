import Base
import CLinux
import TestSupport

/// nginx with TLS that asks clients for a certificate, in this process's network namespace. Its files are below the
/// root of a node: paths in the agent's configuration are.
final class NginxServer {
    private let folder: String
    private let inside: String
    private var process: ServerProcess?

    init(_ node: Node) throws {
        inside = "/etc/swiftlet/tls"
        folder = node.root + inside
        try Files.makeDirectories("\(folder)/html")
        for name in ["ca", "other"] {
            try openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).pem "
                    + "-days 2 -subj /CN=\(name)")
        }
        for (name, subject) in [("server", "localhost"), ("client", "node")] {
            try Files.replace(
                "\(folder)/\(name).ext", with: "subjectAltName=DNS:\(subject)\n".utf8, durable: false)
            try openssl(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).csr "
                    + "-subj /CN=\(subject)")
            try openssl(
                "x509 -req -in \(name).csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile \(name).ext "
                    + "-out \(name).pem")
        }
        try setToken("first")
        try serve("")
        let configuration = """
            daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
            events {}
            http {
              log_format who '$request_method $status $ssl_client_s_dn $http_authorization';
              access_log \(folder)/access.log who;
              client_body_temp_path \(folder)/body; proxy_temp_path \(folder)/p; fastcgi_temp_path \(folder)/f;
              uwsgi_temp_path \(folder)/u; scgi_temp_path \(folder)/s;
              server {
                listen 127.0.0.1:18443 ssl;
                ssl_certificate \(folder)/server.pem; ssl_certificate_key \(folder)/server.key;
                ssl_client_certificate \(folder)/ca.pem; ssl_verify_client on;
                root \(folder)/html;
                location /status { return 204; }
              }
            }
            """
        try Files.replace("\(folder)/nginx.conf", with: configuration.utf8, durable: false)
        process = try ServerProcess(
            "/usr/sbin/nginx", ["-c", "\(folder)/nginx.conf", "-e", "\(folder)/error.log"], log: "\(folder)/log")
    }

    func stop() { process = nil }

    /// A file as the agent's configuration names it.
    func path(_ name: String) -> String { "\(inside)/\(name)" }

    func serve(_ manifest: String) throws {
        try Files.replace("\(folder)/html/pods.yaml", with: manifest.utf8, mode: 0o644, durable: false)
    }

    func setToken(_ token: String) throws {
        try Files.replace("\(folder)/token", with: "\(token)\n".utf8, durable: false)
    }

    func log() throws -> String { try text("\(folder)/access.log") }

    private func openssl(_ arguments: String) throws {
        let script = "cd \(folder) && exec openssl \(arguments)"
        let result = try run("/bin/sh", ["-c", script], timeout: .seconds(30))
        if result.status != 0 { throw Failure("openssl \(arguments): \(result.errors)") }
    }
}
