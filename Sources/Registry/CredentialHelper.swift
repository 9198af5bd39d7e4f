import Base
import CLinux
import JSON

/// A program that keeps credentials: `docker-credential-NAME get`, which is told a server and answers in JSON.
enum CredentialHelper {
    static let folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// Asks for the credential of a server; nil when the program has none.
    ///
    /// - Throws: `RegistryError` with `configuration` when the program is missing, is silent or answers wrongly.
    static func get(
        _ name: String, server: String, seconds: Int64 = 30, folders: [String] = folders
    ) throws(RegistryError) -> Credential? {
        let program = "docker-credential-\(name)"
        guard !name.isEmpty, name.utf8.count <= 64, !name.contains("/"), !name.hasPrefix(".") else {
            throw RegistryError(.configuration, "\"\(escaped(name))\" is no name of a credential helper")
        }
        guard let path = folders.map({ Path.join($0, program) }).first(where: { access($0, X_OK) == 0 }) else {
            throw RegistryError(.configuration, "\(program) is not in \(folders.joined(separator: ", ")): install it")
        }
        let (output, exit) = try run(path, server, seconds)
        if exit.code != 0 {
            // Their word for "I have none".
            let said = String(decoding: output.prefix(4096), as: UTF8.self)
            if said.contains("credentials not found") { return nil }
            throw RegistryError(.configuration, "\(program) get failed: \(escaped(said))")
        }
        do throws(JSONError) {
            let value = try JSONParser.parse(output, limits: .init(bytes: 1 << 20, depth: 8))
            let name = try value.optionalString("Username") ?? ""
            let secret = try value.optionalString("Secret") ?? ""
            var credential = Credential(username: name, password: secret)
            if name == "<token>" {
                credential = Credential()
                credential.identityToken = secret
            }
            return credential.isEmpty ? nil : credential
        } catch {
            throw RegistryError(.configuration, "\(program) get answered no credential: \(escaped("\(error)"))")
        }
    }

    private static func run(
        _ path: String, _ server: String, _ seconds: Int64
    ) throws(RegistryError) -> ([UInt8], ChildProcess.Exit) {
        do throws(SystemError) {
            let (child, answer) = try start(path, server)
            var output: [UInt8] = []
            let end = BootInstant.now + .seconds(seconds)
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                var wait = pollfd(fd: answer.raw, events: Int16(POLLIN), revents: 0)
                let left = (end - BootInstant.now).count / 1_000_000
                if left <= 0 || output.count > 1 << 20 {
                    try child.send(SIGKILL)
                    _ = try child.wait(block: true)
                    throw SystemError("wait for (no answer within \(seconds) s, or one without end)", path, .again)
                }
                guard poll(&wait, 1, Int32(clamping: left)) > 0 else { continue }
                let count = try answer.descriptor.read(into: &buffer) ?? 0
                if count == 0 { break }
                output += buffer[..<count]
            }
            // Its output has ended: it has, or is about to.
            let exit = try child.wait(block: true)
            return (output, exit ?? ChildProcess.Exit(code: -1, signal: 0))
        } catch {
            throw RegistryError(.configuration, "credential helper: \(error)")
        }
    }

    private static func start(
        _ path: String, _ server: String
    ) throws(SystemError) -> (ChildProcess, SharedDescriptor) {
        let (input, output) = (try SharedPipe(), try SharedPipe())
        let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
        var spawn = Spawn(path, ["get"], environment: ["PATH=" + folders.joined(separator: ":"), "HOME=" + home])
        spawn.standardInput = input.read
        spawn.standardOutput = output.write
        let child = try spawn.start()
        // With a reading end of ours: a program that does not read it must not end us.
        try withExtendedLifetime(input.read) { () throws(SystemError) in
            try input.write.descriptor.writeAll(Array((server + "\n").utf8), name: path)
        }
        return (child, output.read)
    }
}
