import Base
import JSON
import PodRuntime
import Seccomp

/// Compiled seccomp programs as files that supervisors read: each distinct profile is compiled once an agent's life.
@LoopActor
public final class SeccompPrograms {
    private let folder: String
    private let profiles: String
    private var files: [ContainerPlan.Seccomp: String] = [:]

    /// - Parameters:
    ///   - folder: for the programs, `/run/swiftlet/seccomp`; it exists.
    ///   - profiles: where profiles of the type `Localhost` lie, `/var/lib/swiftlet/seccomp`.
    public init(folder: String, profiles: String) {
        self.folder = folder
        self.profiles = profiles
    }

    /// The file with the program of `profile`; nil for none.
    ///
    /// - Throws: an error saying which profile cannot be read, compiled or written.
    public func file(for profile: ContainerPlan.Seccomp) throws -> String? {
        switch profile {
        case .unconfined: return nil
        case .runtimeDefault(let capabilities):
            if let file = files[profile], Files.exists(file) { return file }
            let file = try write(SeccompProfile.runtimeDefault(capabilities: capabilities))
            files[profile] = file
            return file
        case .localhost(let name, let capabilities):
            // Read at every start: the operator may have changed it.
            let path = Path.join(profiles, name)
            do {
                let json = try JSONParser.parse(try Files.read(path, limit: 1 << 20))
                return try write(SeccompProfile(json: json, capabilities: capabilities))
            } catch {
                throw SeccompError("cannot load the seccomp profile \"\(name)\" from \(path): \(error)")
            }
        }
    }

    /// A program's file has its content's name: what a running container was given is never changed.
    private func write(_ profile: SeccompProfile) throws -> String {
        let program = try profile.compile()
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in program { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let file = Path.join(folder, String(hash, radix: 16) + ".bpf")
        if !Files.exists(file) { try Files.replace(file, with: program, mode: 0o600, durable: false) }
        return file
    }
}
