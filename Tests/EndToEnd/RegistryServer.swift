import Base
import CLinux

/// Debian's docker-registry on this machine, with images that skopeo brings.
final class RegistryServer {
    static let port = 18081
    private let folder: String
    private var process: ChildProcess?

    init() throws {
        folder = try scratchFolder()
        let configuration = """
            version: 0.1
            storage: {filesystem: {rootdirectory: \(folder)/data}, delete: {enabled: true}}
            http: {addr: "127.0.0.1:\(Self.port)"}

            """
        try Files.replace("\(folder)/config.yml", with: configuration.utf8, durable: false)
        try start()
    }

    deinit {
        stop()
        try? Files.removeTree(folder)
    }

    func start() throws {
        var spawn = Spawn("/usr/bin/docker-registry", ["serve", "\(folder)/config.yml"])
        let log = SharedDescriptor(
            try FileDescriptor.open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600))
        spawn.standardOutput = log
        spawn.standardError = log
        spawn.parentDeathSignal = SIGKILL
        process = try spawn.start()
    }

    func stop() {
        _ = try? process?.send(SIGKILL)
        _ = try? process?.wait(block: true)
        process = nil
    }

    /// How often something was asked for, `GET /v2/team/app/manifests/1`.
    func count(_ request: String) throws -> Int {
        try text("\(folder)/log").split(separator: "\n").count { $0.contains("\"\(request) HTTP") }
    }

    func name(_ image: String) -> String { "127.0.0.1:\(Self.port)/\(image)" }

    /// Brings the image of an archive there, once the registry answers.
    func push(_ archive: String, as image: String) throws {
        var last = ""
        for _ in 0..<50 {
            let pushed = try run(
                "/usr/bin/skopeo",
                [
                    "--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "oci-archive:\(archive)",
                    "docker://\(name(image))",
                ], timeout: .seconds(60))
            if pushed.status == 0 { return }
            last = pushed.errors
            usleep(100_000)
        }
        throw Failure("skopeo cannot push \(image): \(last)")
    }
}
