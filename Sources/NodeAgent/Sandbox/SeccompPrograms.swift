import Base
import PodRuntime
import Seccomp

/// Compiled seccomp programs as files that supervisors read: each distinct profile is compiled once an agent's life.
@LoopActor
public final class SeccompPrograms {
    private let folder: String
    private var files: [ContainerPlan.Seccomp: String] = [:]

    /// - Parameter folder: `/run/swiftlet/seccomp`; it exists.
    public init(folder: String) { self.folder = folder }

    /// The file with the program of `profile`; nil for none.
    ///
    /// - Throws: an error saying which profile cannot be compiled or written.
    public func file(for profile: ContainerPlan.Seccomp) throws -> String? {
        switch profile {
        case .unconfined: return nil
        case .runtimeDefault(let capabilities):
            if let file = files[profile], Files.exists(file) { return file }
            let program = try SeccompProfile.runtimeDefault(capabilities: capabilities).compile()
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in program { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            let file = Path.join(folder, String(hash, radix: 16) + ".bpf")
            try Files.replace(file, with: program, mode: 0o600, durable: false)
            files[profile] = file
            return file
        }
    }
}
