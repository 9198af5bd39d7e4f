import Base
import CLinux

/// Debian's docker-registry on a port of this machine, with images that skopeo brings.
public final class RegistryProcess {
    public static let tools = ["/usr/bin/docker-registry", "/usr/bin/skopeo"]

    /// Holds its configuration, its data and its log.
    public let folder: TemporaryDirectory
    public let port: UInt16
    private let configuration: String
    private var server: ServerProcess?

    /// - Parameters:
    ///   - folder: of the caller's, with the files that the settings name.
    ///   - http: further settings of `http`, `, tls: {…}`.
    ///   - settings: further settings at the top.
    public init(folder: TemporaryDirectory, http: String = "", settings: String = "") throws {
        self.folder = folder
        port = try Self.freePort()
        configuration = try folder.write(
            "config.yml",
            """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(folder.path)/data}}
            http: {addr: '127.0.0.1:\(port)'\(http)}
            \(settings)

            """)
        try start()
    }

    public var host: String { "127.0.0.1:\(port)" }

    /// The whole name of an image there, `team/app:1`.
    public func name(_ image: String) -> String { "\(host)/\(image)" }

    private var log: String { folder.path + "/log" }

    /// Starts it, and returns when it listens.
    private func start() throws {
        let server = try ServerProcess(
            "/usr/bin/docker-registry", ["serve", configuration], environment: ["PATH=/usr/bin:/bin"], log: log)
        self.server = server
        try server.wait(untilItSays: "listening on")
    }

    public func stop() { server = nil }

    /// How often something was asked for, `GET /v2/team/app/manifests/1`.
    public func count(_ request: String) throws -> Int {
        String(decoding: try Files.read(log), as: UTF8.self).split(separator: "\n")
            .count { $0.contains("\"\(request) HTTP") }
    }

    /// Puts the image of an archive there.
    ///
    /// - Parameter options: further ones of skopeo.
    public func push(_ archive: String, as image: String, options: [String] = []) throws {
        let errors = folder.path + "/skopeo"
        var spawn = Spawn(
            "/usr/bin/skopeo",
            ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false"] + options
                + ["oci-archive:\(archive)", "docker://\(name(image))"],
            environment: ["PATH=/usr/bin:/bin", "HOME=\(folder.path)"])
        spawn.standardError = SharedDescriptor(
            try FileDescriptor.open(errors, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        let exit = try spawn.start().wait(block: true)
        guard exit?.code == 0 else {
            throw SystemError("push \(image) with skopeo:", try Files.readText(errors), .invalid)
        }
    }

    /// One that was free a moment ago.
    private static func freePort() throws -> UInt16 {
        var port: UInt16 = 0
        let raw = try retrying("find a port of", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) }
        close(raw)
        return port
    }
}
