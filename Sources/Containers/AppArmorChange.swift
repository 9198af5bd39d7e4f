import Base
import CLinux
import Linux

/// Puts a process under an AppArmor profile.
enum AppArmorChange {
    static let prefix = "exec "

    /// From this process's next execution on, and in all that it starts then. To be asked for while it is root still:
    /// it takes a procfs of its own.
    static func onExecution(to profile: String) throws(ContainerError) {
        do throws(SystemError) {
            // Never the container's /proc, where an image or a volume may show a file that swallows it
            // (CVE-2019-16884, CVE-2023-28642).
            let proc = try ProcessFilesystem()
            let place = "thread-self/attr/"
            let file: FileDescriptor
            do throws(SystemError) { file = try proc.open(place + "apparmor/exec", O_WRONLY) } catch {
                // Kernels before 5.8 have one place for all security modules.
                guard error.errno == .noEntry else { throw error }
                file = try proc.open(place + "exec", O_WRONLY)
            }
            let raw = file.raw
            guard swl_filesystem_magic(raw) == Int64(PROC_SUPER_MAGIC) else {
                throw SystemError("change the profile in (no procfs)", "/proc", .invalid)
            }
            try file.writeAll((prefix + profile).utf8, name: "the AppArmor profile \(profile)")
        } catch {
            throw ContainerError(
                .invalid, "change on execution to the AppArmor profile", "\"\(profile)\"", error.errno,
                hint: error.errno == .noEntry ? "it is not loaded: apparmor_parser -r FILE loads it" : "")
        }
    }
}
